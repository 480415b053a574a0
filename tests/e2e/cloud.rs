//! The emulator of a stack: bucket, queues, functions.

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use local::Endpoints;
use serde_json::{Value, json};
use shared::run::result::RunResult;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Clients for a stack.
pub struct Cloud {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    bucket: String,
    port: u16,
}

impl Cloud {
    /// Nothing is sent yet.
    pub fn of(endpoints: &Endpoints) -> Cloud {
        let sdk = local::aws::configure(endpoints);
        Cloud {
            s3: shared::cluster::aws::s3(&sdk, None),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            bucket: endpoints.bucket.clone(),
            port: endpoints.emulator_port,
        }
    }

    /// An object; `None` when there is none.
    pub async fn object(&self, key: &str) -> Result<Option<Vec<u8>>> {
        match self.s3.get_object().bucket(&self.bucket).key(key).send().await {
            Ok(object) => Ok(Some(object.body.collect().await?.to_vec())),
            Err(error) if error.raw_response().is_some_and(|response| response.status().as_u16() == 404) => {
                Ok(None)
            }
            Err(error) => Err(error).with_context(|| format!("reading `{key}`")),
        }
    }

    /// The keys below a prefix.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).send().await?;
        ensure!(pages.is_truncated() != Some(true), "more than a page of keys below `{prefix}`");
        Ok(pages.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect())
    }

    /// The result of a run, if it has ended.
    pub async fn result(&self, run_id: &str) -> Result<Option<RunResult>> {
        let bytes = self.object(&format!("runs/{run_id}/result.json")).await?;
        Ok(bytes.map(|bytes| serde_json::from_slice(&bytes)).transpose()?)
    }

    /// Send a message; its id.
    pub async fn send(&self, queue: &str, body: &str) -> Result<String> {
        let sent = self.sqs.send_message().queue_url(queue).message_body(body).send().await?;
        Ok(sent.message_id().context("a message without id")?.to_owned())
    }

    /// The messages of a queue that wait or are being worked on; not those that are delayed, such as the look at a limit that never came.
    pub async fn backlog(&self, queue: &str) -> Result<u32> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
        ];
        let request =
            self.sqs.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await?.attributes.unwrap_or_default();
        names.iter().map(|name| Ok(attributes.get(name).context("no count")?.parse::<u32>()?)).sum()
    }

    /// After how many seconds a message whose function was killed is delivered again.
    pub async fn set_visibility(&self, queue: &str, seconds: u32) -> Result<()> {
        let request = self.sqs.set_queue_attributes().queue_url(queue);
        request.attributes(QueueAttributeName::VisibilityTimeout, seconds.to_string()).send().await?;
        Ok(())
    }

    /// Set a variable of a deployed function, whose other variables stay; warm instances are replaced.
    pub async fn set_variable(&self, function: &str, name: &str, value: &str) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        let configuration = self.exchange("GET", &path, "").await?;
        let mut variables = configuration
            .pointer("/Environment/Variables")
            .and_then(Value::as_object)
            .cloned()
            .context("a function without variables")?;
        variables.insert(name.to_owned(), value.into());
        let body = json!({"Environment": {"Variables": variables}}).to_string();
        self.exchange("PUT", &path, &body).await.map(drop)
    }

    /// One request of the Lambda API.
    async fn exchange(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.contains(" 200 "), "{method} {path}: {answer}");
        Ok(serde_json::from_str(body)?)
    }
}
