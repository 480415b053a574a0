//! The stack's S3 and SQS.

use std::path::Path;

use aws_sdk_s3::primitives::ByteStream;
use local::Endpoints;

use crate::exit::Failure;

/// Clients of the stack's emulator, with the names of what Longshore deployed to it.
#[derive(Clone, Debug)]
pub struct Cloud {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    /// The bucket.
    pub bucket: String,
    /// URL of the queue that takes tasks.
    submissions_queue: String,
    /// URL of the queue that takes the ids of runs to end.
    cancel_queue: String,
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
        Cloud {
            s3: shared::cluster::aws::s3(&sdk, None),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            bucket: endpoints.bucket.clone(),
            submissions_queue: endpoints.submissions_queue.clone(),
            cancel_queue: endpoints.cancel_queue.clone(),
        }
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
        self.send(&self.submissions_queue, body).await
    }

    /// Ask for the end of a run.
    ///
    /// # Errors
    /// When the queue cannot be reached.
    pub async fn cancel(&self, run_id: &str, reason: &str) -> Result<(), Failure> {
        let body = serde_json::json!({ "cancel": { "runId": run_id, "reason": reason } });
        self.send(&self.cancel_queue, &body.to_string()).await
    }

    /// Ask for the end of every active run with such labels.
    ///
    /// # Errors
    /// When the queue cannot be reached.
    pub async fn cancel_selected(&self, selector: &str, reason: &str) -> Result<(), Failure> {
        let body = serde_json::json!({ "cancel": { "selector": selector, "reason": reason } });
        self.send(&self.cancel_queue, &body.to_string()).await
    }

    async fn send(&self, queue: &str, body: &str) -> Result<(), Failure> {
        let sent = self.sqs.send_message().queue_url(queue).message_body(body).send().await;
        sent.map(drop).map_err(|error| unreachable(format!("cannot send to queue `{queue}`"), &error))
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
            .map_err(|error| unreachable(format!("cannot write `s3://{}/{key}`", self.bucket), &error))
    }

    /// A small object as a whole; `None` when there is none.
    ///
    /// # Errors
    /// When the bucket cannot be reached.
    pub async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        match self.open(&self.bucket, key).await? {
            None => Ok(None),
            Some(body) => body
                .collect()
                .await
                .map(|data| Some(data.to_vec()))
                .map_err(|error| unreachable(format!("cannot read `s3://{}/{key}`", self.bucket), &error)),
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
            Err(error) => Err(unreachable(format!("cannot read `s3://{bucket}/{key}`"), &error)),
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
                    unreachable(format!("cannot list `s3://{}/{prefix}`", self.bucket), &error)
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

/// AWS, or its emulator, does not do what was asked.
pub fn unreachable(what: String, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::unreachable(what).because(error).remedy(
        "see whether the stack still runs with `longshore up`; `longshore down` and `up` start a new one",
    )
}
