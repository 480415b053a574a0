//! Everything that the functions need, on this machine and measured: a cluster, a small AWS, and the packaged programs as Lambda runs them.
//!
//! Nothing is between them but loopback, so the figures are Longshore's own; what the services add is a matter of [`Cloud::set_distance`].

pub mod bystander;
pub mod cloud;
pub mod function;
pub mod objects;
pub mod process;
pub mod queue;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cluster::container::StageCommand;
use cluster::hollow::Script;
use cluster::{Cluster, ClusterConfig, EksIdentity, Keys};
use fixtures::binaries;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::mpsc;

use cloud::Cloud;
use function::Function;
use queue::{Mapping, Mappings, Message};

/// Name of the EKS cluster.
const CLUSTER: &str = "bench";
/// Its group.
pub const GROUP: &str = "eks-bench";
/// The namespace of its pods.
pub const NAMESPACE: &str = "default";
/// The functions' credentials; they open nothing but this desk.
const CREDENTIALS: (&str, &str) = ("AKIDBENCH", "bench");

/// A cluster, a small AWS and programs.
pub struct Desk {
    /// The cluster.
    pub cluster: Cluster,
    /// The AWS.
    pub cloud: Cloud,
    /// What functions send.
    pub messages: Option<mpsc::UnboundedReceiver<Message>>,
    programs: PathBuf,
    directory: TempDir,
}

impl Desk {
    /// With pods that are processes, or with hollow ones.
    pub async fn start(hollow: Option<Value>) -> Result<Desk> {
        let directory = tempfile::tempdir()?;
        let programs = binaries::directory()?;
        let stage = StageCommand::new(programs.join("longshore-container"));
        let keys = Keys::default();
        keys.admit(CREDENTIALS.0, CREDENTIALS.1);
        let (cluster_name, groups) = (CLUSTER.to_owned(), vec!["longshore".to_owned()]);
        let eks = EksIdentity { cluster_name, keys, user: "longshore-functions".to_owned(), groups };
        let config = ClusterConfig {
            hollow: hollow.map(serde_json::from_value::<Script>).transpose()?,
            manifests: rights()?,
            eks: Some(eks),
            ..ClusterConfig::new(directory.path().join("cluster"), stage)
        };
        let cluster = Cluster::start(config).await?;
        let authority = STANDARD.encode(cluster.ca_pem());
        let described = json!({
            "name": CLUSTER, "status": "ACTIVE", "endpoint": cluster.url(),
            "certificateAuthority": {"data": authority},
        });
        let (cloud, messages) = Cloud::start(described).await?;
        std::fs::write(directory.path().join("kubeconfig"), cluster.kubeconfig())?;
        Ok(Desk { cluster, cloud, messages: Some(messages), programs, directory })
    }

    /// A kubeconfig of the cluster's administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// Where a program lies.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Start an instance of a function.
    pub async fn function(&self, name: &str) -> Result<Function> {
        self.instance(&self.program(name)).await
    }

    /// Start a program that is a function.
    pub async fn instance(&self, program: &Path) -> Result<Function> {
        let log = File::options().create(true).append(true).open(self.log())?;
        Function::start(program, &self.variables(), log.into()).await
    }

    fn log(&self) -> PathBuf {
        self.directory.path().join("functions.log")
    }

    /// Bytes that all functions have logged.
    pub fn log_bytes(&self) -> f64 {
        self.log().metadata().map_or(0.0, |log| log.len() as f64)
    }

    /// Start several.
    pub async fn functions(&self, name: &str, count: usize) -> Result<Vec<Arc<Function>>> {
        let mut all = Vec::with_capacity(count);
        for _ in 0..count {
            all.push(Arc::new(self.function(name).await?));
        }
        Ok(all)
    }

    /// What `template.yaml` and the runtime tell the functions.
    pub fn variables(&self) -> Vec<(String, String)> {
        let url = self.cloud.url();
        let queue = |name: &str| format!("{url}/000000000000/{name}");
        let variables = [
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", CREDENTIALS.0.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", CREDENTIALS.1.to_owned()),
            ("AWS_ENDPOINT_URL", url.clone()),
            ("LONGSHORE_BUCKET", objects::BUCKET.to_owned()),
            ("LONGSHORE_SUBMISSIONS_QUEUE", queue("submissions")),
            ("LONGSHORE_COLLECT_QUEUE", queue("collect")),
            ("LONGSHORE_WAKE_QUEUE", queue("wake.fifo")),
            ("LONGSHORE_NOTIFY_QUEUE", queue("notify")),
            ("LONGSHORE_CLUSTER", CLUSTER.to_owned()),
            ("LONGSHORE_NAMESPACE", NAMESPACE.to_owned()),
            ("LONGSHORE_METRICS", "Longshore/bench".to_owned()),
        ];
        variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Let the queues bring messages to instances, as `template.yaml` says.
    pub fn begin(&mut self, fleet: &Fleet) -> Result<Mappings> {
        let messages = self.messages.take().context("the queues are at work already")?;
        let mapping = |queue, batch_size, seconds, instances: &[Arc<Function>]| Mapping {
            queue,
            batch_size,
            timeout: Duration::from_secs(seconds),
            instances: instances.to_vec(),
        };
        Ok(Mappings::begin(
            messages,
            vec![
                mapping("submissions", 10, 60, &fleet.submit),
                mapping("collect", 1, 300, &fleet.collect),
                mapping("notify", 10, 60, &fleet.notify),
                mapping("wake.fifo", 10, 70, &fleet.poll),
            ],
        ))
    }

    /// End the cluster.
    pub async fn end(self) {
        self.cluster.shutdown().await;
    }
}

/// Instances of all functions that a run needs.
pub struct Fleet {
    /// `submit`
    pub submit: Vec<Arc<Function>>,
    /// `poll`, one at a time
    pub poll: Vec<Arc<Function>>,
    /// `collect`
    pub collect: Vec<Arc<Function>>,
    /// `notify`
    pub notify: Vec<Arc<Function>>,
}

impl Fleet {
    /// Warm instances: so many of `submit` and of `collect`.
    pub async fn start(desk: &Desk, submit: usize, collect: usize) -> Result<Fleet> {
        Ok(Fleet {
            submit: desk.functions("submit", submit).await?,
            poll: desk.functions("poll", 1).await?,
            collect: desk.functions("collect", collect).await?,
            notify: desk.functions("notify", 1).await?,
        })
    }

    /// Milliseconds that each of `submit` and `collect` is billed so far.
    pub fn billed_ms(&self) -> [f64; 2] {
        [&self.submit, &self.collect]
            .map(|instances| instances.iter().map(|function| function.billed_ms()).sum())
    }

    /// Processor time of all of them.
    pub fn cpu(&self) -> Duration {
        let all = [&self.submit, &self.poll, &self.collect, &self.notify];
        all.into_iter().flatten().map(|function| function.process().cpu()).sum()
    }
}

/// `infra/rbac.yaml`, so that the functions have the rights that they are given.
fn rights() -> Result<Vec<Value>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/rbac.yaml");
    let mut objects: Vec<Value> = serde_saphyr::from_multiple(&std::fs::read_to_string(path)?)?;
    for object in &mut objects {
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
            bail!("an object of infra/rbac.yaml has no metadata");
        };
        metadata.insert("namespace".to_owned(), NAMESPACE.into());
    }
    Ok(objects)
}

/// A task of one command, as a message to the submissions queue.
pub fn task(run_id: &str, command: &str) -> Message {
    let body = json!({"runId": run_id, "task": {
        "id": "bench", "type": "io.kestra.plugin.scripts.shell.Commands", "containerImage": "busybox",
        "commands": [command], "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes"},
    }});
    Message::new("submissions", run_id, body.to_string())
}

/// Look again and again until it is so.
pub async fn until(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) -> Result<()> {
    let begun = now();
    while !is_so() {
        if begun.elapsed() > within {
            bail!("it never came to it that {what}");
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    Ok(())
}

/// Milliseconds.
pub fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// The time by which benchmarks measure.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
pub fn now() -> Instant {
    Instant::now()
}
