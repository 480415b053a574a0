//! What a storm asks of the emulator and of the embedded cluster beside what every end-to-end test asks.

use anyhow::{Context, Result, ensure};
use aws_sdk_sqs::types::QueueAttributeName;
use local::Endpoints;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The messages of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Depth {
    /// Due, or being worked on.
    pub due: u32,
    /// Not yet due, such as the look at a limit that never came.
    pub delayed: u32,
}

/// Clients of a stack.
pub struct Wire {
    sqs: aws_sdk_sqs::Client,
    emulator: u16,
    faults: Option<String>,
}

impl Wire {
    /// Nothing is sent yet.
    pub fn of(endpoints: &Endpoints) -> Wire {
        let sqs = aws_sdk_sqs::Client::new(&local::aws::configure(endpoints));
        Wire { sqs, emulator: endpoints.emulator_port, faults: endpoints.faults_url.clone() }
    }

    /// How many messages a queue holds.
    pub async fn depth(&self, queue: &str) -> Result<Depth> {
        let names = [
            QueueAttributeName::ApproximateNumberOfMessages,
            QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
            QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        ];
        let request =
            self.sqs.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
        let attributes = request.send().await?.attributes.unwrap_or_default();
        let count = |name| anyhow::Ok(attributes.get(name).context("no count")?.parse::<u32>()?);
        Ok(Depth { due: count(&names[0])? + count(&names[1])?, delayed: count(&names[2])? })
    }

    /// Deliver a message to a function that its queue delivers as well: the same message id, another delivery.
    pub async fn deliver(&self, function: &str, queue_arn: &str, message_id: &str, body: &str) -> Result<()> {
        let record = serde_json::json!({
            "messageId": message_id, "receiptHandle": "none", "body": body, "attributes": {}, "messageAttributes": {},
            "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": queue_arn, "awsRegion": "us-east-1",
        });
        let payload = serde_json::json!({"Records": [record]}).to_string();
        let path = format!("/2015-03-31/functions/{function}/invocations");
        let answer =
            exchange(self.emulator, "POST", &path, "x-amz-invocation-type: Event\r\n", &payload).await?;
        ensure!(answer.starts_with("HTTP/1.1 202 "), "invoking {function}: {answer}");
        Ok(())
    }

    /// Have the embedded cluster misbehave from now on.
    pub async fn misbehave(&self, plan: &Value) -> Result<()> {
        self.faults("PUT", &plan.to_string()).await.map(drop)
    }

    /// What the plan in force has done so far.
    pub async fn struck(&self) -> Result<Value> {
        self.faults("GET", "").await
    }

    /// Have it behave again.
    pub async fn behave(&self) -> Result<()> {
        self.faults("DELETE", "").await.map(drop)
    }

    async fn faults(&self, method: &str, body: &str) -> Result<Value> {
        let url = self.faults.as_deref().context("the cluster is not the embedded one")?;
        let (port, path) = url
            .strip_prefix("http://127.0.0.1:")
            .and_then(|rest| rest.split_once('/'))
            .with_context(|| format!("`{url}` is not on loopback"))?;
        let answer = exchange(port.parse()?, method, &format!("/{path}"), "", body).await?;
        let (head, body) = answer.split_once("\r\n\r\n").context("no answer")?;
        ensure!(head.contains(" 200 "), "{method} faults: {answer}");
        Ok(serde_json::from_str(body)?)
    }
}

async fn exchange(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Result<String> {
    let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/lambda/aws4_request, \
         SignedHeaders=host, Signature=0\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
