//! The emulator of a stack: bucket, queues, functions.

use anyhow::{Context, Result, ensure};
use aws_sdk_s3::types::{
    Event, FilterRule, FilterRuleName, NotificationConfiguration, NotificationConfigurationFilter,
    QueueConfiguration, S3KeyFilter,
};
use aws_sdk_sqs::types::{MessageAttributeValue, QueueAttributeName};
use local::Endpoints;
use serde_json::{Value, json};
use shared::run::result::RunResult;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// Clients for a stack.
pub struct Cloud {
    s3: aws_sdk_s3::Client,
    sqs: aws_sdk_sqs::Client,
    events: aws_sdk_eventbridge::Client,
    /// Step Functions.
    pub states: aws_sdk_sfn::Client,
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
            events: aws_sdk_eventbridge::Client::new(&sdk),
            states: aws_sdk_sfn::Client::new(&sdk),
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

    /// Upload an object.
    pub async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) -> Result<()> {
        let body = aws_sdk_s3::primitives::ByteStream::from(bytes.into());
        self.s3.put_object().bucket(&self.bucket).key(key).body(body).send().await?;
        Ok(())
    }

    /// Upload an object to a new bucket; its URI.
    pub async fn put_elsewhere(&self, bucket: &str, key: &str, bytes: impl Into<Vec<u8>>) -> Result<String> {
        self.s3.create_bucket().bucket(bucket).send().await?;
        let body = aws_sdk_s3::primitives::ByteStream::from(bytes.into());
        self.s3.put_object().bucket(bucket).key(key).body(body).send().await?;
        Ok(format!("s3://{bucket}/{key}"))
    }

    /// The keys below a prefix.
    pub async fn keys(&self, prefix: &str) -> Result<Vec<String>> {
        let pages = self.s3.list_objects_v2().bucket(&self.bucket).prefix(prefix).into_paginator().send();
        let pages: Vec<_> = pages.try_collect().await?;
        let objects = pages.iter().flat_map(|page| page.contents());
        Ok(objects.filter_map(|object| object.key().map(str::to_owned)).collect())
    }

    /// From now on the events of uploads below a prefix come to a new queue and to no other; its URL.
    pub async fn tap(&self, prefix: &str) -> Result<String> {
        // Where roles are enforced S3 asks the queue, as on AWS.
        let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage",
            "Principal": {"Service": "s3.amazonaws.com"}, "Resource": "*"}]});
        let request = self.sqs.create_queue().queue_name("tap");
        let created = request.attributes(QueueAttributeName::Policy, policy.to_string()).send().await?;
        let url = created.queue_url.context("a queue without URL")?;
        let names = [QueueAttributeName::QueueArn];
        let attributes =
            self.sqs.get_queue_attributes().queue_url(&url).set_attribute_names(Some(names.to_vec()));
        let attributes = attributes.send().await?.attributes.unwrap_or_default();
        let arn = attributes.get(&QueueAttributeName::QueueArn).context("a queue without ARN")?;
        let rule = FilterRule::builder().name(FilterRuleName::Prefix).value(prefix).build();
        let filter = S3KeyFilter::builder().filter_rules(rule).build();
        let filter = NotificationConfigurationFilter::builder().key(filter).build();
        let queue = QueueConfiguration::builder().queue_arn(arn).filter(filter);
        let queue = queue.events(Event::from("s3:ObjectCreated:*")).build()?;
        let configuration = NotificationConfiguration::builder().queue_configurations(queue).build();
        let request = self.s3.put_bucket_notification_configuration().bucket(&self.bucket);
        request.notification_configuration(configuration).send().await?;
        Ok(url)
    }

    /// Take messages out of a queue that no function reads.
    pub async fn receive(&self, queue: &str) -> Result<Vec<String>> {
        let received = self.sqs.receive_message().queue_url(queue).max_number_of_messages(10).send().await?;
        let mut bodies = Vec::new();
        for message in received.messages.unwrap_or_default() {
            let handle = message.receipt_handle.context("a message without handle")?;
            self.sqs.delete_message().queue_url(queue).receipt_handle(handle).send().await?;
            bodies.push(message.body.unwrap_or_default());
        }
        Ok(bodies)
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

    /// Send a message with an attribute; its id.
    pub async fn send_with(&self, queue: &str, body: &str, name: &str, value: &str) -> Result<String> {
        let attribute = MessageAttributeValue::builder().data_type("String").string_value(value).build()?;
        let request = self.sqs.send_message().queue_url(queue).message_body(body);
        let sent = request.message_attributes(name, attribute).send().await?;
        Ok(sent.message_id().context("a message without id")?.to_owned())
    }

    /// A new queue; its URL.
    pub async fn queue(&self, name: &str) -> Result<String> {
        let made = self.sqs.create_queue().queue_name(name).send().await?;
        Ok(made.queue_url().context("a queue without URL")?.to_owned())
    }

    /// Take a message off a queue, if there is one: its correlation id and its body.
    pub async fn answer(&self, queue: &str) -> Result<Option<(Option<String>, Value)>> {
        let request = self.sqs.receive_message().queue_url(queue).message_attribute_names("All");
        let received = request.send().await?;
        let Some(message) = received.messages().first() else { return Ok(None) };
        let receipt = message.receipt_handle().context("no receipt")?;
        self.sqs.delete_message().queue_url(queue).receipt_handle(receipt).send().await?;
        let correlation = message
            .message_attributes()
            .and_then(|attributes| attributes.get("correlationId")?.string_value().map(str::to_owned));
        Ok(Some((correlation, serde_json::from_str(message.body().context("no body")?)?)))
    }

    /// The dead letters of a queue; their URL.
    pub async fn dead_letters(&self, queue: &str) -> Result<String> {
        let request = self.sqs.get_queue_attributes().queue_url(queue);
        let answer = request.attribute_names(QueueAttributeName::RedrivePolicy).send().await?;
        let policy = answer.attributes().and_then(|all| all.get(&QueueAttributeName::RedrivePolicy));
        let policy: Value = serde_json::from_str(policy.context("no redrive policy")?)?;
        let name = policy.get("deadLetterTargetArn").and_then(|arn| arn.as_str()?.rsplit(':').next());
        let url = self.sqs.get_queue_url().queue_name(name.context("no dead letters")?).send().await?;
        Ok(url.queue_url().context("no URL")?.to_owned())
    }

    /// Have events of the default bus sent to a queue.
    pub async fn rule(&self, name: &str, pattern: &Value, queue: &str) -> Result<()> {
        let request = self.sqs.get_queue_attributes().queue_url(queue);
        let answer = request.attribute_names(QueueAttributeName::QueueArn).send().await?;
        let arn =
            answer.attributes().and_then(|all| all.get(&QueueAttributeName::QueueArn)).context("no ARN")?;
        self.events.put_rule().name(name).event_pattern(pattern.to_string()).send().await?;
        let target = aws_sdk_eventbridge::types::Target::builder().id("queue").arn(arn).build()?;
        self.events.put_targets().rule(name).targets(target).send().await?;
        Ok(())
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

    /// Set how many seconds a deployed function has; warm instances are replaced.
    pub async fn set_timeout(&self, function: &str, seconds: u32) -> Result<()> {
        let path = format!("/2015-03-31/functions/{function}/configuration");
        self.exchange("PUT", &path, &json!({"Timeout": seconds}).to_string()).await.map(drop)
    }

    /// Keep a secret in Secrets Manager; its ARN.
    pub async fn secret(&self, name: &str, value: &str) -> Result<String> {
        let body = json!({"Name": name, "SecretString": value, "ClientRequestToken": format!("{name:-<32}")});
        let target = "x-amz-target: secretsmanager.CreateSecret\r\n";
        let answer = self.request("secretsmanager", ("POST", "/"), target, &body.to_string()).await?;
        Ok(answer.get("ARN").and_then(Value::as_str).context("a secret without ARN")?.to_owned())
    }

    /// One request of the Lambda API.
    async fn exchange(&self, method: &str, path: &str, body: &str) -> Result<Value> {
        self.request("lambda", (method, path), "", body).await
    }

    async fn request(
        &self,
        service: &str,
        (method, path): (&str, &str),
        more: &str,
        body: &str,
    ) -> Result<Value> {
        let kind = if more.is_empty() { "application/json" } else { "application/x-amz-json-1.1" };
        let mut stream = tokio::net::TcpStream::connect(("127.0.0.1", self.port)).await?;
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: {kind}\r\n{more}\
             authorization: AWS4-HMAC-SHA256 Credential=000000000000/20260101/us-east-1/{service}/aws4_request, \
             SignedHeaders=host, Signature=0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
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
