//! Moving dead letters back.
//!
//! The console's redrive gives every message a new id, and a run without an id of its own is named for its message: it would run a second time. Here the
//! old id travels along as an attribute, and `submit` goes by that.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{Message, MessageAttributeValue, QueueAttributeName};
use serde_json::Value;
use shared::queue::SOURCE_ID;

use crate::cloud::{Whose, unreachable};
use crate::exit::Failure;

/// Most messages that are received at once (SQS).
const BATCH: i32 = 10;

/// Seconds for which a message that is being moved is not given to anybody else.
const VISIBILITY: i32 = 60;

/// Seconds that are waited for a message. Without waiting SQS asks some of its servers only, and may say that a queue is empty which is not
/// (<https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-short-and-long-polling.html>).
const WAIT: i32 = 1;

/// A queue and its dead letters.
#[derive(Debug)]
pub struct DeadLetters<'a> {
    client: &'a Client,
    whose: Whose,
    queue: &'a str,
    letters: String,
}

impl<'a> DeadLetters<'a> {
    /// Those of a queue, as its redrive policy names them.
    ///
    /// # Errors
    /// When the queue cannot be reached or has none.
    pub async fn of(client: &'a Client, whose: Whose, queue: &'a str) -> Result<Self, Failure> {
        let request = client.get_queue_attributes().queue_url(queue);
        let answer = request.attribute_names(QueueAttributeName::RedrivePolicy).send().await;
        let answer = answer
            .map_err(|error| unreachable(whose, format!("cannot ask about queue `{queue}`"), &error))?;
        let policy = answer.attributes().and_then(|all| all.get(&QueueAttributeName::RedrivePolicy));
        let policy: Option<Value> = policy.and_then(|policy| serde_json::from_str(policy).ok());
        let name = policy
            .as_ref()
            .and_then(|policy| policy.get("deadLetterTargetArn")?.as_str()?.rsplit(':').next())
            .ok_or_else(|| Failure::wrong(format!("queue `{queue}` has no dead-letter queue")))?;
        let url = client.get_queue_url().queue_name(name).send().await;
        let url = url.map_err(|error| unreachable(whose, format!("cannot find queue `{name}`"), &error))?;
        Ok(DeadLetters { client, whose, queue, letters: url.queue_url().unwrap_or_default().to_owned() })
    }

    /// Move all of them; how many there were. Each is sent before it is deleted, so that none is lost: one that is moved twice is still one run.
    ///
    /// # Errors
    /// When a queue cannot be reached; what was moved stays moved.
    pub async fn move_back(&self) -> Result<u64, Failure> {
        let mut moved = 0;
        loop {
            let request = self.client.receive_message().queue_url(&self.letters);
            let request = request.max_number_of_messages(BATCH).visibility_timeout(VISIBILITY);
            let request = request.wait_time_seconds(WAIT);
            let received = request.message_attribute_names("All").send().await;
            let received = received.map_err(|error| {
                unreachable(self.whose, format!("cannot read queue `{}`", self.letters), &error)
            })?;
            if received.messages().is_empty() {
                return Ok(moved);
            }
            for message in received.messages() {
                self.move_one(message).await?;
                moved += 1;
            }
        }
    }

    async fn move_one(&self, message: &Message) -> Result<(), Failure> {
        let mut request = self.client.send_message().queue_url(self.queue);
        request = request.message_body(message.body().unwrap_or_default());
        request = request.set_message_attributes(message.message_attributes().cloned());
        let known = message.message_attributes().is_some_and(|all| all.contains_key(SOURCE_ID));
        if let Some(id) = message.message_id().filter(|_| !known) {
            let attribute = MessageAttributeValue::builder().data_type("String").string_value(id).build();
            let attribute =
                attribute.map_err(|error| Failure::failed("cannot name the message").because(&error))?;
            request = request.message_attributes(SOURCE_ID, attribute);
        }
        let sent = request.send().await;
        sent.map_err(|error| {
            unreachable(self.whose, format!("cannot send to queue `{}`", self.queue), &error)
        })?;
        let receipt = message.receipt_handle().unwrap_or_default();
        let deleted =
            self.client.delete_message().queue_url(&self.letters).receipt_handle(receipt).send().await;
        deleted.map(drop).map_err(|error| {
            unreachable(self.whose, format!("cannot delete from `{}`", self.letters), &error)
        })
    }
}
