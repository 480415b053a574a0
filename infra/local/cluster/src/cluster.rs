//! A cluster from start to shutdown.

use crate::access::{ADMINISTRATORS, Authorizer, EksIdentity, StaticToken, Tokens};
use crate::api::create::{CreateOptions, create};
use crate::api::{Api, Server, Traffic, serve};
use crate::certificate::{self, CertificateError};
use crate::faults::{self, Faults};
use crate::hollow::{Hollow, Script, ScriptError};
use crate::kubelet::{Kubelet, KubeletConfig, KubeletError, StageCommand};
use crate::node::Node;
use crate::store::{Kind, Store, text};
use crate::validation::admission::ROOT_CERTIFICATE;
use crate::{clock, random, scheduler};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// The name of the only node.
pub const NODE_NAME: &str = "longshore-node";
/// What the node offers. Nothing is enforced, so the numbers are generous: they only refuse what no desk would have.
const ALLOCATABLE: [(&str, &str); 4] =
    [("cpu", "64"), ("memory", "256Gi"), ("ephemeral-storage", "1Ti"), ("pods", "10000")];

/// How often events that are too old are looked for.
const EXPIRE_EVERY: Duration = Duration::from_secs(60);

/// How a cluster is started.
#[derive(Clone, Debug)]
pub struct ClusterConfig {
    /// Directory for the pods' files and logs; an absolute path.
    pub directory: PathBuf,
    /// Where the API server listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// How to start a process that becomes a container.
    pub stage: StageCommand,
    /// Directories that stand for images.
    pub images: Vec<(String, PathBuf)>,
    /// Environment variables for every container.
    pub environment: Vec<(String, String)>,
    /// Objects that are there from the start, with kind and apiVersion; missing namespaces are created.
    pub manifests: Vec<Value>,
    /// Tokens besides the administrator's.
    pub tokens: Vec<StaticToken>,
    /// The AWS identity whose EKS tokens are accepted.
    pub eks: Option<EksIdentity>,
    /// Whether exec over WebSocket needs `create` besides `get`: true (the default) from Kubernetes 1.35 on.
    pub exec_needs_create: bool,
    /// Pods without processes that follow this script, instead of the kubelet.
    pub hollow: Option<Script>,
    /// What goes wrong on request; kept by the cluster, so that it can be changed while that runs.
    pub faults: Faults,
}

impl ClusterConfig {
    /// A cluster on a free port of the loopback interface, with nothing in it.
    pub fn new(directory: impl Into<PathBuf>, stage: StageCommand) -> ClusterConfig {
        ClusterConfig {
            directory: directory.into(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            stage,
            images: Vec::new(),
            environment: Vec::new(),
            manifests: Vec::new(),
            tokens: Vec::new(),
            eks: None,
            exec_needs_create: true,
            hollow: None,
            faults: Faults::default(),
        }
    }
}

/// Why a cluster could not be started.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// No certificate.
    #[error("failed to prepare TLS")]
    Certificate(#[source] CertificateError),
    /// The address is taken or not of this machine.
    #[error("failed to listen on `{address}`; choose another address or port 0")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The cause.
        #[source]
        cause: std::io::Error,
    },
    /// A manifest was refused.
    #[error("failed to create {what} from the manifests: {refusal}")]
    Manifest {
        /// Kind and name.
        what: String,
        /// The API server's words.
        refusal: String,
    },
    /// The kubelet does not start.
    #[error("failed to start the kubelet")]
    Kubelet(#[source] KubeletError),
    /// The script of hollow pods cannot be followed.
    #[error("failed to follow the script of the hollow pods")]
    Script(#[source] ScriptError),
}

/// What runs the pods and has to be shut down.
enum Running {
    Nothing,
    Kubelet(Arc<Kubelet>),
    Hollow(Arc<Hollow>),
}

impl Running {
    async fn shutdown(self) {
        match self {
            Running::Nothing => {}
            Running::Kubelet(kubelet) => kubelet.shutdown().await,
            Running::Hollow(hollow) => hollow.shutdown().await,
        }
    }
}

/// A running cluster. Shut it down with [`Cluster::shutdown`]; dropping it leaves its processes to the end of the program.
pub struct Cluster {
    url: String,
    authority_pem: String,
    admin_token: String,
    store: Store,
    server: Server,
    scheduler: JoinHandle<()>,
    housekeeping: JoinHandle<()>,
    running: Running,
    from_outside: JoinHandle<()>,
    faults: Faults,
    traffic: Traffic,
}

impl Cluster {
    /// Start API server, scheduler and kubelet; every manifest is there when this returns.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on, a manifest is refused, or this machine cannot run pods.
    pub async fn start(config: ClusterConfig) -> Result<Cluster, ClusterError> {
        let store = Store::new();
        let (node, running): (Arc<dyn Node>, Running) = match config.hollow.clone() {
            Some(script) => {
                let hollow = Hollow::start(store.clone(), NODE_NAME, script).map_err(ClusterError::Script)?;
                (hollow.clone(), Running::Hollow(hollow))
            }
            None => {
                let kubelet = KubeletConfig {
                    directory: config.directory.clone(),
                    stage: config.stage.clone(),
                    images: config.images.clone(),
                    node_name: NODE_NAME.into(),
                    environment: config.environment.clone(),
                    faults: config.faults.clone(),
                };
                let kubelet = Kubelet::start(store.clone(), kubelet).await.map_err(ClusterError::Kubelet)?;
                (kubelet.clone(), Running::Kubelet(kubelet))
            }
        };
        match Cluster::start_with_node(config, store, node).await {
            Ok(cluster) => Ok(Cluster { running, ..cluster }),
            Err(error) => {
                running.shutdown().await;
                Err(error)
            }
        }
    }

    /// Start API server and scheduler over a node of the caller's, which changes the status of pods in `store` itself.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on or a manifest is refused.
    pub async fn start_with_node(
        config: ClusterConfig,
        store: Store,
        node: Arc<dyn Node>,
    ) -> Result<Cluster, ClusterError> {
        let identity = certificate::identity(config.listen.ip()).map_err(ClusterError::Certificate)?;
        let listen = |cause| ClusterError::Listen { address: config.listen, cause };
        let listener = TcpListener::bind(config.listen).await.map_err(listen)?;
        let address = listener.local_addr().map_err(listen)?;
        seed(&store, &identity.authority_pem, config.manifests)?;
        let admin_token = random::hex(&random::bytes::<32>());
        let mut tokens = config.tokens;
        tokens.push(StaticToken {
            token: admin_token.clone(),
            user: "kubernetes-admin".into(),
            groups: vec![ADMINISTRATORS.into()],
        });
        let traffic = Traffic::default();
        let api = Api {
            store: store.clone(),
            node,
            tokens: Tokens::new(tokens, config.eks),
            authorizer: Authorizer::new(store.clone()),
            exec_needs_create: config.exec_needs_create,
            faults: config.faults.clone(),
            traffic: traffic.clone(),
            address: address.to_string(),
        };
        let server = serve(listener, TlsAcceptor::from(identity.tls), Arc::new(api));
        let scheduler = tokio::spawn(scheduler::run(store.clone(), NODE_NAME.into(), config.faults.clone()));
        let from_outside = tokio::spawn(faults::run(store.clone(), config.faults.clone()));
        let housekeeping = tokio::spawn(expire_events(store.clone()));
        Ok(Cluster {
            url: format!("https://{address}"),
            authority_pem: identity.authority_pem,
            admin_token,
            store,
            server,
            scheduler,
            housekeeping,
            running: Running::Nothing,
            from_outside,
            faults: config.faults,
            traffic,
        })
    }

    /// Address of the API server, for example `https://127.0.0.1:34567`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority to trust, PEM.
    pub fn ca_pem(&self) -> &str {
        &self.authority_pem
    }

    /// The administrator's bearer token.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// The objects of the cluster.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What goes over the wire to the API server and back.
    pub fn traffic(&self) -> &Traffic {
        &self.traffic
    }

    /// What goes wrong here on request; at first nothing does.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// A kubeconfig (YAML) of the administrator, with the authority in it; namespace `default`.
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_for("admin", &self.admin_token)
    }

    /// A kubeconfig (YAML) of somebody else who has a token.
    pub fn kubeconfig_for(&self, user: &str, token: &str) -> String {
        let authority = STANDARD.encode(&self.authority_pem);
        let url = &self.url;
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: longshore\nclusters:\n- name: longshore\n  cluster:\n    \
             server: {url}\n    certificate-authority-data: {authority}\nusers:\n- name: {user}\n  user:\n    \
             token: {token}\ncontexts:\n- name: longshore\n  context:\n    cluster: longshore\n    user: {user}\n    \
             namespace: default\n"
        )
    }

    /// Stop serving, kill every process of every pod, and wait for it.
    pub async fn shutdown(self) {
        self.faults.clear();
        self.scheduler.abort();
        self.housekeeping.abort();
        self.from_outside.abort();
        self.server.shutdown().await;
        self.running.shutdown().await;
    }
}

/// Remove old events now and then.
async fn expire_events(store: Store) {
    let mut looks = tokio::time::interval(EXPIRE_EVERY);
    loop {
        looks.tick().await;
        store.expire_events(clock::now());
    }
}

/// What is there from the start.
fn seed(store: &Store, authority_pem: &str, manifests: Vec<Value>) -> Result<(), ClusterError> {
    put(store, Kind::Namespace, json!({"metadata": {"name": "default"}}))?;
    let data = json!({"ca.crt": authority_pem});
    put(
        store,
        Kind::ConfigMap,
        json!({"metadata": {"name": ROOT_CERTIFICATE, "namespace": "default"}, "data": data}),
    )?;
    put(store, Kind::Namespace, json!({"metadata": {"name": "kube-system"}}))?;
    // The node cannot be created over the API, so it does not go through `create`.
    store.create(Kind::Node, node()).map_err(|error| ClusterError::Manifest {
        what: format!("Node `{NODE_NAME}`"),
        refusal: error.to_string(),
    })?;
    for manifest in manifests {
        let (version, kind) = (text(&manifest, "/apiVersion"), text(&manifest, "/kind"));
        let Some(kind) = Kind::of(version, kind) else {
            return Err(ClusterError::Manifest {
                what: format!("{kind} of `{version}`"),
                refusal: "the embedded cluster has no such kind".into(),
            });
        };
        let name = text(&manifest, "/metadata/name");
        let there = if kind.is_namespaced() { namespace_of(&manifest) } else { "" };
        // A manifest may describe what every namespace gets anyhow, such as its default service account.
        if store.get(kind, there, name).is_none() {
            put(store, kind, manifest)?;
        }
    }
    Ok(())
}

fn namespace_of(manifest: &Value) -> &str {
    match text(manifest, "/metadata/namespace") {
        "" => "default",
        namespace => namespace,
    }
}

fn put(store: &Store, kind: Kind, manifest: Value) -> Result<(), ClusterError> {
    let what = format!("{} `{}`", kind.name(), text(&manifest, "/metadata/name"));
    let namespace = namespace_of(&manifest).to_owned();
    let namespaced = kind.is_namespaced();
    if namespaced && store.get(Kind::Namespace, "", &namespace).is_none() {
        put(store, Kind::Namespace, json!({"metadata": {"name": namespace}}))?;
    }
    let namespace = if namespaced { namespace.as_str() } else { "" };
    let options = CreateOptions { kind, namespace, dry_run: false, text: &[], field_validation: "Strict" };
    let created = create(store, &options, manifest);
    created.map(drop).map_err(|status| ClusterError::Manifest { what, refusal: status.message })
}

fn node() -> Value {
    let now = clock::seconds(clock::now());
    let allocatable: Value =
        ALLOCATABLE.iter().map(|(name, amount)| ((*name).to_owned(), json!(amount))).collect();
    json!({
        "metadata": {
            "name": NODE_NAME,
            "labels": {"kubernetes.io/hostname": NODE_NAME, "kubernetes.io/os": "linux", "kubernetes.io/arch": std::env::consts::ARCH
                .replace("x86_64", "amd64").replace("aarch64", "arm64")},
        },
        "spec": {},
        "status": {
            "capacity": allocatable, "allocatable": allocatable,
            "conditions": [{"type": "Ready", "status": "True", "lastHeartbeatTime": now, "lastTransitionTime": now,
                            "reason": "KubeletReady", "message": "kubelet is posting ready status"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE_NAME}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "nodeInfo": {
                "kubeletVersion": "v1.36.2-longshore", "containerRuntimeVersion": "longshore://processes",
                "operatingSystem": "linux", "architecture": std::env::consts::ARCH, "osImage": "the host's userland",
                "kernelVersion": "", "kubeProxyVersion": "", "machineID": "", "systemUUID": "", "bootID": "",
            },
        },
    })
}
