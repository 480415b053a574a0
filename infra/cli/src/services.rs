//! The bucket and the queues of a deployment, and whether they answer.

use aws_sdk_sqs::types::QueueAttributeName;
use local::Endpoints;
use shared::config::Config;
use shared::error::chain;

/// Clients, and the names of what to look at.
pub struct Services {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    bucket: String,
    /// What each is for, and its URL.
    queues: Vec<(&'static str, String)>,
}

/// What became of a look at one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// `bucket`, `submissions queue` ….
    pub what: String,
    /// Name or URL.
    pub name: String,
    /// Why it cannot be used, if it cannot.
    pub problem: Option<String>,
}

impl Services {
    /// Those of a running stack.
    pub fn of_stack(endpoints: &Endpoints) -> Self {
        let sdk = local::aws::configure(endpoints);
        let queues = vec![
            ("submissions", endpoints.submissions_queue.clone()),
            ("wake", endpoints.wake_queue.clone()),
            ("collect", endpoints.collect_queue.clone()),
            ("cancel", endpoints.cancel_queue.clone()),
        ];
        let s3 = shared::cluster::aws::s3(&sdk, None);
        Services { s3, sqs: aws_sdk_sqs::Client::new(&sdk), bucket: endpoints.bucket.clone(), queues }
    }

    /// Those that the environment names, as it names them for the functions; `None` when it does not.
    pub async fn of_environment() -> Option<Self> {
        let config = Config::from_environment().ok()?;
        let sdk = shared::cluster::aws::configure().await;
        let queues = vec![
            ("submissions", config.submissions_queue),
            ("wake", config.wake_queue),
            ("collect", config.collect_queue),
        ];
        let s3 = shared::cluster::aws::s3(&sdk, None);
        Some(Services { s3, sqs: aws_sdk_sqs::Client::new(&sdk), bucket: config.bucket, queues })
    }

    /// HEAD of the bucket, and the attributes of each queue.
    pub async fn look(&self) -> Vec<Look> {
        let head = self.s3.head_bucket().bucket(&self.bucket).send().await;
        let mut looks = vec![Look {
            what: "bucket".to_owned(),
            name: format!("s3://{}", self.bucket),
            problem: head.err().map(|error| told(&error)),
        }];
        for (what, url) in &self.queues {
            let asked =
                self.sqs.get_queue_attributes().queue_url(url).attribute_names(QueueAttributeName::QueueArn);
            looks.push(Look {
                what: format!("{what} queue"),
                name: url.clone(),
                problem: asked.send().await.err().map(|error| told(&error)),
            });
        }
        looks
    }
}

/// The causes of an SDK's error in one line.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    chain(error).lines().next().unwrap_or_default().to_owned()
}
