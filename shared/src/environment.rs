//! What a function has at hand, built once at cold start.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::answers::{Answers, AwsAnswers};
use crate::clock::{Clock, SystemClock};
use crate::cluster::access::Access;
use crate::cluster::client::Cluster;
use crate::cluster::directory::Directory;
use crate::cluster::error::ClusterError;
use crate::cluster::kube::{Credentials, KubeCluster};
use crate::cluster::sources::Deployment;
use crate::cluster::{aws, group};
use crate::config::{Config, ConfigError};
use crate::files::store::FileStore;
use crate::queue::{Nudges, Queues, SqsQueues};
use crate::resolve::plan::ClusterChoice;
use crate::store::bucket::{Bucket, BucketError, Head};
use crate::store::s3::S3Bucket;
use crate::telemetry::metrics::{self, Fact};

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
    /// Whoever is to be told something.
    pub answers: Arc<dyn Answers>,
    /// Clusters by group.
    pub clusters: Arc<dyn Clusters>,
    /// Clusters by name.
    pub directory: Arc<Directory>,
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
        let bucket = S3Bucket::new(aws::s3(&sdk, None), presigner, config.bucket.clone());
        let bucket = Arc::new(bucket.signing_with(sdk.credentials_provider()));
        let queues = SqsQueues {
            client: aws_sdk_sqs::Client::new(&sdk),
            submissions: config.submissions_queue.clone(),
            collect: config.collect_queue.clone(),
            wake: config.wake_queue.clone(),
            notify: config.notify_queue.clone(),
            nudges: Nudges::default(),
        };
        let answers = AwsAnswers {
            states: aws_sdk_sfn::Client::new(&sdk),
            queues: queues.client.clone(),
            events: aws_sdk_eventbridge::Client::new(&sdk),
            bus: config.event_bus.clone(),
        };
        let directory = Arc::new(Directory::default());
        let clusters = KubeClusters {
            directory: directory.clone(),
            bucket: bucket.clone(),
            deployment: Deployment {
                aws: sdk,
                bucket: config.bucket.clone(),
                cluster: config.cluster.clone(),
                input_objects: config.input_objects.clone(),
            },
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
            answers: Arc::new(answers),
            clusters: Arc::new(clusters),
            directory,
            access: Arc::default(),
            writer,
        })
    }

    /// Group of the runs that go to this cluster.
    pub fn group_of(&self, choice: &ClusterChoice) -> String {
        group::of(choice, self.config.cluster.as_deref())
    }

    /// Size and version of an object that a task, a manifest or a rule names.
    ///
    /// # Errors
    /// `Refused`, without a request, where a task may not have it; else what the bucket says.
    pub async fn head_of_input(&self, bucket: &str, key: &str) -> Result<Head, BucketError> {
        self.config.input_objects.check(&self.config.bucket, bucket, key).map_err(|source| {
            BucketError::Refused { bucket: bucket.to_owned(), key: key.to_owned(), source }
        })?;
        self.files.head(bucket, key).await
    }

    /// Tell a fact among the logs, from where CloudWatch takes it, unless the deployment has no metrics.
    #[expect(clippy::print_stdout, reason = "the format is a line of its own, not an event of tracing")]
    pub fn measure(&self, fact: Fact<'_>) {
        if let Some(namespace) = &self.config.metrics {
            println!("{}", metrics::line(namespace, self.clock.now(), fact));
        }
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
    directory: Arc<Directory>,
    bucket: Arc<dyn Bucket>,
    deployment: Deployment,
    clock: Arc<dyn Clock>,
    known: Mutex<HashMap<String, Arc<KubeCluster>>>,
}

impl Clusters for KubeClusters {
    fn of(&self, choice: &ClusterChoice) -> Result<Arc<dyn Cluster>, ClusterError> {
        let deployment = &self.deployment;
        let credentials = match (choice, &deployment.cluster) {
            (ClusterChoice::Explicit(connection), _) => Credentials::Explicit {
                connection: connection.clone(),
                deployment: Some(Box::new(deployment.clone())),
            },
            (ClusterChoice::Named(name), _) => Credentials::Named {
                name: name.clone(),
                directory: self.directory.clone(),
                bucket: self.bucket.clone(),
                deployment: Box::new(deployment.clone()),
            },
            (ClusterChoice::Default, Some(cluster)) => {
                Credentials::Eks { cluster: cluster.clone(), aws: Box::new(deployment.aws.clone()) }
            }
            (ClusterChoice::Default, None) => {
                return Err(ClusterError::settings(
                    "the deployment has no default cluster; set its `ClusterName` parameter or write a connection into the task",
                ));
            }
        };
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let cluster = known.entry(group::of(choice, deployment.cluster.as_deref())).or_insert_with(|| {
            tracing::debug!("a cluster is met for the first time");
            Arc::new(KubeCluster::new(credentials, self.clock.clone()))
        });
        Ok(cluster.clone())
    }
}
