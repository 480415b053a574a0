//! S3 and SQS of the running stack, or of a deployment on AWS.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use local::Endpoints;
use serde_json::{Value, json};

use crate::exit::Failure;

/// Whom a command asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The running stack, at its emulator.
    Stack,
    /// AWS, as the shell's region and credentials say.
    Aws,
}

impl Whose {
    /// What to do when it does not do what was asked.
    fn remedy(self) -> &'static str {
        match self {
            Whose::Stack => {
                "see whether the stack still runs with `longshore up`; `longshore down` and `up` start a new one"
            }
            Whose::Aws => {
                "see that region and credentials of this shell are the deployment's and may do this; `eval \"$(aws configure export-credentials --format env)\"` gives it those of a profile with single sign-on"
            }
        }
    }
}

/// Clients, with the names of what Longshore deployed.
#[derive(Clone, Debug)]
pub struct Cloud {
    s3: aws_sdk_s3::Client,
    /// Whose they are.
    pub whose: Whose,
    /// The bucket.
    pub bucket: String,
    /// What takes tasks and orders to cancel; a bucket alone has none.
    queues: Option<Queues>,
}

#[derive(Clone, Debug)]
struct Queues {
    sqs: aws_sdk_sqs::Client,
    /// URL of the queue that takes tasks.
    submissions: String,
    /// URL of the queue that takes the ids of runs to end.
    cancel: String,
}

/// What a listing tells of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key.
    pub key: String,
    /// Seconds since 1970 of the last write.
    pub modified_seconds: i64,
}

impl Cloud {
    /// Clients for a stack. Nothing is sent yet.
    pub fn of(endpoints: &Endpoints) -> Self {
        let sdk = local::aws::configure(endpoints);
        let queues = Queues {
            sqs: aws_sdk_sqs::Client::new(&sdk),
            submissions: endpoints.submissions_queue.clone(),
            cancel: endpoints.cancel_queue.clone(),
        };
        let s3 = shared::cluster::aws::s3(&sdk, None);
        Cloud { s3, whose: Whose::Stack, bucket: endpoints.bucket.clone(), queues: Some(queues) }
    }

    /// A client for the bucket of a deployment on AWS. Nothing is sent yet.
    pub async fn of_bucket(bucket: &str) -> Self {
        let sdk = shared::cluster::aws::configure().await;
        let s3 = shared::cluster::aws::s3(&sdk, None);
        Cloud { s3, whose: Whose::Aws, bucket: bucket.to_owned(), queues: None }
    }

    /// The client of its S3.
    pub fn s3(&self) -> &aws_sdk_s3::Client {
        &self.s3
    }

    /// Send a task.
    ///
    /// # Errors
    /// When the queue cannot be reached.
    pub async fn submit(&self, body: &str) -> Result<(), Failure> {
        let queues = self.queues()?;
        send(&queues.sqs, self.whose, &queues.submissions, body).await
    }

    /// Ask for the end of a run, or of several.
    ///
    /// # Errors
    /// When the queue cannot be reached.
    pub async fn cancel(&self, order: &Value) -> Result<(), Failure> {
        let queues = self.queues()?;
        send(&queues.sqs, self.whose, &queues.cancel, &order.to_string()).await
    }

    fn queues(&self) -> Result<&Queues, Failure> {
        self.queues.as_ref().ok_or_else(|| Failure::wrong("a bucket alone has no queues"))
    }

    fn unreachable(&self, what: String, error: &(dyn std::error::Error + 'static)) -> Failure {
        unreachable(self.whose, what, error)
    }

    /// Put a file into the bucket.
    ///
    /// # Errors
    /// When it cannot be read or the bucket cannot be reached.
    pub async fn upload(&self, file: &Path, key: &str) -> Result<(), Failure> {
        let body = ByteStream::from_path(file)
            .await
            .map_err(|error| Failure::wrong(format!("cannot read `{}`", file.display())).because(&error))?;
        let put = self.s3.put_object().bucket(&self.bucket).key(key).body(body).send().await;
        put.map(drop)
            .map_err(|error| self.unreachable(format!("cannot write `s3://{}/{key}`", self.bucket), &error))
    }

    /// A small object as a whole; `None` when there is none.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self.open(&self.bucket, key).await? {
            None => Ok(None),
            Some(body) => body.collect().await.map(|data| Some(data.to_vec())).map_err(|error| {
                self.unreachable(format!("cannot read `s3://{}/{key}`", self.bucket), &error)
            }),
        }
    }

    /// An object of any size; `None` when there is none.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn open(&self, bucket: &str, key: &str) -> Result<Option<ByteStream>, Failure> {
        match self.s3.get_object().bucket(bucket).key(key).send().await {
            Ok(object) => Ok(Some(object.body)),
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 404) => {
                Ok(None)
            }
            Err(error) => Err(self.unreachable(format!("cannot read `s3://{bucket}/{key}`"), &error)),
        }
    }

    /// Every object below a prefix.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn list(&self, prefix: &str) -> Result<Vec<Listed>, Failure> {
        let mut objects = Vec::new();
        let mut continuation = None;
        loop {
            let page = self
                .s3
                .list_objects_v2()
                .bucket(&self.bucket)
                .prefix(prefix)
                .set_continuation_token(continuation)
                .send()
                .await
                .map_err(|error| {
                    self.unreachable(format!("cannot list `s3://{}/{prefix}`", self.bucket), &error)
                })?;
            objects.extend(page.contents().iter().filter_map(|object| {
                let modified_seconds =
                    object.last_modified().map_or(0, aws_sdk_s3::primitives::DateTime::secs);
                Some(Listed { key: object.key()?.to_owned(), modified_seconds })
            }));
            continuation = page.next_continuation_token().map(str::to_owned);
            if continuation.is_none() {
                return Ok(objects);
            }
        }
    }
}

/// What the cancel queue takes: `{"cancel": {"runId": …, "reason": …}}`, or `selector` in place of `runId`.
pub fn order(which: &str, value: &str, reason: &str) -> Value {
    json!({ "cancel": { which: value, "reason": reason } })
}

/// Send a message.
///
/// # Errors
/// When the queue cannot be reached.
pub async fn send(sqs: &aws_sdk_sqs::Client, whose: Whose, queue: &str, body: &str) -> Result<(), Failure> {
    let sent = sqs.send_message().queue_url(queue).message_body(body).send().await;
    sent.map(drop).map_err(|error| unreachable(whose, format!("cannot send to queue `{queue}`"), &error))
}

/// AWS, or its emulator, does not do what was asked.
pub fn unreachable(whose: Whose, what: String, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::unreachable(what).because(error).remedy(whose.remedy())
}
