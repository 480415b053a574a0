//! The embedded cluster as the local stack has it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::container::StageCommand;
use cluster::{Cluster, ClusterConfig, EksIdentity};

use crate::directory::Directory;
use crate::eks::{Described, Eks};
use crate::emulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::{StackError, StackOptions, rbac};

/// The name under which EKS knows the embedded cluster.
const NAME: &str = "longshore-local";

/// The embedded cluster and the EKS endpoint that describes it.
pub(crate) struct Embedded {
    cluster: Cluster,
    eks: Eks,
}

impl Embedded {
    /// Starts the cluster in this process and writes its kubeconfig.
    pub async fn start(options: &StackOptions, directory: &Directory) -> Result<Embedded, StackError> {
        let path = directory.cluster();
        std::fs::create_dir_all(&path).map_err(StackError::file("make", &path))?;
        let eks = EksIdentity {
            cluster_name: NAME.to_owned(),
            access_key_id: ACCESS_KEY_ID.to_owned(),
            secret_access_key: SECRET_ACCESS_KEY.to_owned(),
            user: "longshore-functions".to_owned(),
            groups: vec![rbac::GROUP.to_owned()],
        };
        let config = ClusterConfig {
            images: options.images.clone(),
            manifests: rbac::manifests(&options.workspace.join("infra/rbac.yaml"))?,
            eks: Some(eks),
            ..ClusterConfig::new(path, StageCommand::new(&options.program))
        };
        let cluster = Cluster::start(config).await.map_err(StackError::Cluster)?;
        let kubeconfig = directory.kubeconfig();
        let described = Described {
            name: NAME.to_owned(),
            endpoint: cluster.url().to_owned(),
            certificate_authority: STANDARD.encode(cluster.ca_pem()),
        };
        let written = write_private(&kubeconfig, &cluster.kubeconfig());
        match written.map_err(StackError::file("write", kubeconfig)) {
            Ok(()) => Ok(Embedded { eks: Eks::start(described).await?, cluster }),
            Err(error) => {
                cluster.shutdown().await;
                Err(error)
            }
        }
    }

    /// The name under which EKS knows the cluster.
    pub fn name(&self) -> &'static str {
        NAME
    }

    /// URL of the API server.
    pub fn url(&self) -> &str {
        self.cluster.url()
    }

    /// The endpoint that describes the cluster.
    pub fn eks_url(&self) -> String {
        self.eks.url()
    }

    /// Ends every pod and the cluster.
    pub async fn shutdown(self) {
        self.cluster.shutdown().await;
    }
}

/// The kubeconfig holds an administrator's token.
fn write_private(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}
