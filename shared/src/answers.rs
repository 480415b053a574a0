//! Telling others: states of Step Functions that wait with a task token, reply queues, the event bus.

use aws_sdk_eventbridge::types::PutEventsRequestEntry;
use aws_sdk_sfn::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sqs::types::MessageAttributeValue;
use futures::future::BoxFuture;
use sha2::{Digest, Sha256};

use crate::error::chain;
use crate::run::answer::Reply;
use crate::store::upload::hex;

/// `source` of the events, and what `detail-type` says.
const EVENT_SOURCE: &str = "longshore";
const EVENT_TYPE: &str = "Longshore Run State Change";

/// Attribute of a reply message that carries the correlation id.
const CORRELATION: &str = "correlationId";

/// Errors of Step Functions that say that nobody waits with this token (any more): API reference, `SendTaskSuccess`.
const NOBODY_WAITS: [&str; 3] = ["TaskTimedOut", "TaskDoesNotExist", "InvalidToken"];

/// Errors that another try would meet again: the queue is not there, or the role may not send to it, or the message is none.
const REFUSED: [&str; 11] = [
    "AccessDenied",
    "AccessDeniedException",
    "AWS.SimpleQueueService.NonExistentQueue",
    "QueueDoesNotExist",
    "InvalidAddress",
    "InvalidMessageContents",
    "InvalidParameterValue",
    "KmsAccessDenied",
    "MissingParameter",
    "InvalidOutput",
    "ValidationException",
];

/// What became of an answer. None of these is tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was taken.
    Taken,
    /// Nobody waits for it any more.
    NobodyWaits,
    /// It cannot be given, for a reason in words.
    Refused(String),
}

/// An answer could not be given now.
#[derive(Debug, thiserror::Error)]
#[error("could not {operation}")]
pub struct AnswerError {
    /// What was tried.
    pub operation: &'static str,
    /// The client's error.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A message for a reply queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// URL of the queue.
    pub queue_url: String,
    /// Sent along as an attribute.
    pub correlation_id: Option<String>,
    /// The run, which keeps messages of a FIFO queue apart.
    pub run_id: String,
    /// JSON.
    pub body: String,
}

/// Whoever can be told something.
pub trait Answers: Send + Sync {
    /// The state that waits with this token goes on, or fails.
    fn reply<'a>(&'a self, token: &'a str, reply: &'a Reply) -> BoxFuture<'a, Result<Told, AnswerError>>;
    /// The run of the state that waits with this token goes on.
    fn heartbeat<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Told, AnswerError>>;
    /// A message to a reply queue.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Told, AnswerError>>;
    /// The event `Longshore Run State Change` with this detail; nothing without a bus.
    fn announce<'a>(&'a self, detail: &'a str) -> BoxFuture<'a, Result<(), AnswerError>>;
}

/// Telling by AWS.
#[derive(Clone, Debug)]
pub struct AwsAnswers {
    /// Step Functions.
    pub states: aws_sdk_sfn::Client,
    /// SQS.
    pub queues: aws_sdk_sqs::Client,
    /// EventBridge.
    pub events: aws_sdk_eventbridge::Client,
    /// Name or ARN of the event bus; `None` announces nothing.
    pub bus: Option<String>,
}

impl Answers for AwsAnswers {
    fn reply<'a>(&'a self, token: &'a str, reply: &'a Reply) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            let operation = "answer a task token";
            match reply {
                Reply::Success(output) => {
                    let request = self.states.send_task_success().task_token(token).output(output);
                    told(operation, request.send().await)
                }
                Reply::Failure { error, cause } => {
                    let request = self.states.send_task_failure().task_token(token).error(error).cause(cause);
                    told(operation, request.send().await)
                }
            }
        })
    }

    fn heartbeat<'a>(&'a self, token: &'a str) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            told("send a heartbeat", self.states.send_task_heartbeat().task_token(token).send().await)
        })
    }

    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<Told, AnswerError>> {
        Box::pin(async move {
            let fail = |source| AnswerError { operation: "send to a reply queue", source };
            let mut request =
                self.queues.send_message().queue_url(&message.queue_url).message_body(&message.body);
            if let Some(id) = &message.correlation_id {
                let attribute = MessageAttributeValue::builder().data_type("String").string_value(id).build();
                request =
                    request.message_attributes(CORRELATION, attribute.map_err(|error| fail(error.into()))?);
            }
            if message.queue_url.ends_with(".fifo") {
                let id = message.correlation_id.as_deref().unwrap_or_default();
                let once = hex(&Sha256::digest(format!("{}\0{id}", message.run_id)));
                request = request.message_group_id(&message.run_id).message_deduplication_id(once);
            }
            told("send to a reply queue", request.send().await)
        })
    }

    fn announce<'a>(&'a self, detail: &'a str) -> BoxFuture<'a, Result<(), AnswerError>> {
        Box::pin(async move {
            let Some(bus) = &self.bus else { return Ok(()) };
            let fail = |source| AnswerError { operation: "put an event", source };
            let entry = PutEventsRequestEntry::builder().source(EVENT_SOURCE).detail_type(EVENT_TYPE);
            let entry = entry.detail(detail).event_bus_name(bus).build();
            let put =
                self.events.put_events().entries(entry).send().await.map_err(|error| fail(error.into()))?;
            match put.entries().iter().find_map(|entry| entry.error_message().or(entry.error_code())) {
                Some(words) => Err(fail(words.into())),
                None => Ok(()),
            }
        })
    }
}

fn told<T, E>(operation: &'static str, answer: Result<T, SdkError<E>>) -> Result<Told, AnswerError>
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let Err(error) = answer else { return Ok(Told::Taken) };
    match error.code() {
        Some(code) if NOBODY_WAITS.contains(&code) => Ok(Told::NobodyWaits),
        Some(code) if REFUSED.contains(&code) => Ok(Told::Refused(chain(&error))),
        Some(_) | None => Err(AnswerError { operation, source: error.into() }),
    }
}
