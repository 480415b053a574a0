//! What a function has at hand, built once at cold start.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::{Clock, SystemClock};
use crate::cluster::access::Access;
use crate::cluster::client::Cluster;
use crate::cluster::error::ClusterError;
use crate::cluster::kube::{Credentials, KubeCluster};
use crate::cluster::{aws, group};
use crate::config::{Config, ConfigError};
use crate::files::store::FileStore;
use crate::queue::{Queues, SqsQueues};
use crate::resolve::plan::ClusterChoice;
use crate::store::bucket::Bucket;
use crate::store::s3::S3Bucket;

/// Everything outside the function.
#[derive(Clone)]
pub struct Environment {
    /// The deployment's settings.
    pub config: Config,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Records, results, cursors.
    pub bucket: Arc<dyn Bucket>,
    /// Inputs, outputs, logs.
    pub files: Arc<dyn FileStore>,
    /// Messages to other functions.
    pub queues: Arc<dyn Queues>,
    /// Clusters by group.
    pub clusters: Arc<dyn Clusters>,
    /// What the role was seen to be allowed.
    pub access: Arc<Access>,
    /// Who writes records here: tells one's own write from another's.
    pub writer: String,
}

impl Environment {
    /// The real one.
    ///
    /// # Errors
    /// When the function's environment lacks a setting.
    pub async fn from_deployment() -> Result<Self, ConfigError> {
        let config = Config::from_environment()?;
        let sdk = aws::configure().await;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let presigner = aws::s3(&sdk, config.presign_endpoint.as_deref());
        let bucket = Arc::new(S3Bucket::new(aws::s3(&sdk, None), presigner, config.bucket.clone()));
        let queues = SqsQueues {
            client: aws_sdk_sqs::Client::new(&sdk),
            submissions: config.submissions_queue.clone(),
            collect: config.collect_queue.clone(),
            wake: config.wake_queue.clone(),
        };
        let clusters = KubeClusters {
            aws: sdk,
            default: config.cluster.clone(),
            clock: clock.clone(),
            known: Mutex::default(),
        };
        let writer = format!("{}-{}", clock.now(), std::process::id());
        Ok(Environment {
            config,
            clock,
            files: bucket.clone(),
            bucket,
            queues: Arc::new(queues),
            clusters: Arc::new(clusters),
            access: Arc::default(),
            writer,
        })
    }

    /// Group of the runs that go to this cluster.
    pub fn group_of(&self, choice: &ClusterChoice) -> String {
        group::of(choice, self.config.cluster.as_deref())
    }
}

/// Ways to clusters.
pub trait Clusters: Send + Sync {
    /// The cluster that a task chose.
    ///
    /// # Errors
    /// When the deployment has no default cluster.
    fn of(&self, choice: &ClusterChoice) -> Result<Arc<dyn Cluster>, ClusterError>;
}

/// Clusters through kube's client, one each per function instance.
struct KubeClusters {
    aws: aws_config::SdkConfig,
    default: Option<String>,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Arc<KubeCluster>>>,
}

impl Clusters for KubeClusters {
    fn of(&self, choice: &ClusterChoice) -> Result<Arc<dyn Cluster>, ClusterError> {
        let credentials = match (choice, &self.default) {
            (ClusterChoice::Explicit(connection), _) => Credentials::Explicit(connection.clone()),
            (ClusterChoice::Default, Some(cluster)) => {
                Credentials::Eks { cluster: cluster.clone(), aws: Box::new(self.aws.clone()) }
            }
            (ClusterChoice::Default, None) => {
                return Err(ClusterError::Connection {
                    message: "the deployment has no default cluster; set its `ClusterName` parameter or write a connection into the task".to_owned(),
                    source: None,
                });
            }
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = known.entry(group::of(choice, self.default.as_deref())).or_insert_with(|| {
            tracing::debug!("a cluster is met for the first time");
            Arc::new(KubeCluster::new(credentials, self.clock.clone()))
        });
        Ok(cluster.clone())
    }
}
