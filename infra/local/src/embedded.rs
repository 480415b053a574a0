//! The embedded cluster as the local stack has it.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::container::StageCommand;
use cluster::faults;
use cluster::hollow::Script;
use cluster::{Cluster, ClusterConfig, EksIdentity, Keys};

use crate::directory::Directory;
use crate::eks::{Described, Eks};
use crate::emulator::{ACCESS_KEY_ID, SECRET_ACCESS_KEY};
use crate::{ClusterChoice, StackError, StackOptions, rbac};

/// The name under which EKS knows the embedded cluster.
const NAME: &str = "longshore-local";

/// The embedded cluster and the EKS endpoint that describes it.
pub(crate) struct Embedded {
    cluster: Cluster,
    eks: Eks,
    faults: faults::Endpoint,
    keys: Keys,
}

impl Embedded {
    /// Starts the cluster in this process and writes its kubeconfig.
    pub async fn start(options: &StackOptions, directory: &Directory) -> Result<Embedded, StackError> {
        let path = directory.cluster();
        std::fs::create_dir_all(&path).map_err(StackError::file("make", &path))?;
        let keys = Keys::default();
        keys.admit(ACCESS_KEY_ID, SECRET_ACCESS_KEY);
        let eks = EksIdentity {
            cluster_name: NAME.to_owned(),
            keys: keys.clone(),
            user: "longshore-functions".to_owned(),
            groups: vec![rbac::GROUP.to_owned()],
        };
        let config = ClusterConfig {
            images: options.images.clone(),
            manifests: rbac::manifests(&options.workspace.join("infra/rbac.yaml"))?,
            eks: Some(eks),
            hollow: hollow(&options.cluster)?,
            ..ClusterConfig::new(path, StageCommand::new(&options.program))
        };
        let cluster = Cluster::start(config).await.map_err(StackError::Cluster)?;
        let kubeconfig = directory.kubeconfig();
        let described = Described {
            name: NAME.to_owned(),
            endpoint: cluster.url().to_owned(),
            certificate_authority: STANDARD.encode(cluster.ca_pem()),
        };
        let written = write_private(&kubeconfig, cluster.kubeconfig().as_bytes());
        let started = match written.map_err(StackError::file("write", kubeconfig)) {
            Ok(()) => endpoints(described, &cluster).await,
            Err(error) => Err(error),
        };
        match started {
            Ok((eks, faults)) => Ok(Embedded { cluster, eks, faults, keys }),
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

    /// The access keys with which functions enter.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Where it is said what goes wrong in the cluster.
    pub fn faults_url(&self) -> &str {
        self.faults.url()
    }

    /// Ends every pod and the cluster.
    pub async fn shutdown(self) {
        self.cluster.shutdown().await;
    }
}

/// The script of hollow pods, if that is what was asked for.
fn hollow(cluster: &ClusterChoice) -> Result<Option<Script>, StackError> {
    let ClusterChoice::Hollow { script } = cluster else { return Ok(None) };
    let text = std::fs::read_to_string(script).map_err(StackError::file("read", script))?;
    let broken =
        |error: serde_saphyr::Error| StackError::Script { path: script.clone(), problem: error.to_string() };
    serde_saphyr::from_str(&text).map(Some).map_err(broken)
}

/// The two endpoints beside the cluster.
async fn endpoints(described: Described, cluster: &Cluster) -> Result<(Eks, faults::Endpoint), StackError> {
    let failed = |source| StackError::Start { program: "the endpoint of faults".into(), source };
    let faults = faults::Endpoint::start(cluster.faults().clone()).await.map_err(failed)?;
    Ok((Eks::start(described).await?, faults))
}

/// Write what only the owner may read: the kubeconfig has an administrator's token, the endpoints have the secret of one.
pub(crate) fn write_private(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut file = File::options().create(true).write(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text)
}

#[cfg(test)]
mod tests {
    use cluster::hollow::Script;

    #[test]
    fn the_script_in_the_documentation_can_be_read() {
        let page = include_str!("../../../docs/HOLLOW.md");
        let script = page.split("```").find_map(|block| block.strip_prefix("yaml\n")).unwrap();
        let script: Script = serde_saphyr::from_str(script).unwrap();
        assert_eq!(script.rules.len(), 4);
    }
}
