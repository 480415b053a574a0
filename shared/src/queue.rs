//! The queues between the functions, and what travels on them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::spec::rule::RuleTask;
use crate::spec::upload::Upload;

use crate::spec::answer::Address;

/// Longest delay of a queue message (SQS: 900 s). Longer waits are made of several.
pub const MAX_DELAY: Duration = Duration::from_secs(900);

/// How often Longshore may pass on one run's message to itself without anything having changed; a guard against loops, not a limit of a run.
pub const MAX_HOPS: u32 = 10_000;

/// Nudges to one group within a window of this many seconds are one wake.
pub const WAKE_WINDOW_SECONDS: i64 = 30;

/// Attribute of a message that was moved out of the dead letters: the id that it had at first.
pub const SOURCE_ID: &str = "longshoreSourceId";

/// One run to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RunMessage {
    /// Group of the run's record.
    pub group: String,
    /// The run.
    pub run_id: String,
    /// How often this message was passed on.
    #[serde(default)]
    pub hops: u32,
}

/// A message on the submissions queue that Longshore sent itself: `{"continue": {…}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continue {
    /// The run to carry on with.
    #[serde(rename = "continue")]
    pub run: RunMessage,
}

/// A message on the submissions queue from `trigger`: `{"triggered": {…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TriggeredMessage {
    /// What was uploaded, and what to run for it.
    pub triggered: Triggered,
}

/// An upload that becomes a run. `submit` reads what it refers to, so the message stays small.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Triggered {
    /// Id of the run, the same for every event of this upload. A task document of the drop box may name another.
    pub run_id: String,
    /// The upload.
    pub upload: Upload,
    /// The rule that it fits; `None` for a task document, which is the upload itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<MatchedRule>,
}

/// What a rule says of its runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct MatchedRule {
    /// Name of the rule.
    pub name: String,
    /// The upload is a manifest: the objects that it lists are the inputs of one run.
    pub batch: bool,
    /// Values for `{{ inputs.… }}` as the rule has them, with their templates.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// What to run.
    pub task: RuleTask,
}

/// A message on the notify queue that Longshore sent itself: `{"answer": {…}}`. The others are events of the bucket, for the event bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerMessage {
    /// What is to be told.
    pub answer: AnswerRequest,
}

/// Somebody is to be told how a run ended that has a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AnswerRequest {
    /// The run.
    pub run_id: String,
    /// Who; without it everybody whom the run's record names and who was not told yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Address>,
}

/// A message on `wake.fifo`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Wake {
    /// The schedule's tick: look which groups are active.
    Tick {
        /// Scheduled time; keeps one tick apart from the next for the queue's deduplication.
        time: String,
    },
    /// Look after one group.
    Wake {
        /// The group.
        group: String,
    },
}

/// A message could not be sent.
#[derive(Debug, thiserror::Error)]
#[error("could not send a message to queue `{queue}`")]
pub struct QueueError {
    /// URL of the queue.
    pub queue: String,
    /// The client's error.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// Sending to the queues that functions send to.
pub trait Queues: Send + Sync {
    /// To `submit`: an upload that becomes a run.
    fn hand_in<'a>(&'a self, triggered: &'a Triggered) -> BoxFuture<'a, Result<(), QueueError>>;
    /// To `submit`: carry on with a run, not before `delay` (at most [`MAX_DELAY`]) is over.
    fn carry_on<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>>;
    /// To `collect`: look at a run, not before `delay` (at most [`MAX_DELAY`]) is over.
    fn look_at<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>>;
    /// To `notify`: somebody is to be told how a run ended.
    fn answer<'a>(&'a self, request: &'a AnswerRequest) -> BoxFuture<'a, Result<(), QueueError>>;
    /// To `poll`: look after a group. Wakes of one group with the same `window` count once.
    fn wake<'a>(&'a self, group: &'a str, window: &'a str) -> BoxFuture<'a, Result<(), QueueError>>;
}

/// The queues on SQS.
#[derive(Clone, Debug)]
pub struct SqsQueues {
    /// The client.
    pub client: aws_sdk_sqs::Client,
    /// URL of the submissions queue.
    pub submissions: String,
    /// URL of the collect queue.
    pub collect: String,
    /// URL of the wake queue.
    pub wake: String,
    /// URL of the notify queue.
    pub notify: String,
    /// Nudges that were sent.
    pub nudges: Nudges,
}

/// Nudges that this instance has sent. SQS drops a second one with the same deduplication id for five minutes, and a window is shorter: not sending it
/// is the same, and saves a request for every run but the first of a window. A FIFO queue takes 300 sends a second.
#[derive(Clone, Debug, Default)]
pub struct Nudges(Arc<Mutex<BTreeSet<String>>>);

impl Nudges {
    /// More windows than these are not remembered; each group has one at a time.
    const MOST: usize = 64;

    fn sent(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was sent.
    fn knows(&self, deduplication: &str) -> bool {
        self.sent().contains(deduplication)
    }

    /// It was sent.
    fn note(&self, deduplication: String) {
        let mut sent = self.sent();
        if sent.len() >= Self::MOST {
            sent.clear();
        }
        sent.insert(deduplication);
    }
}

impl SqsQueues {
    async fn send(&self, queue: &str, body: &impl Serialize, delay: Duration) -> Result<(), QueueError> {
        let fail =
            |source: Box<dyn std::error::Error + Send + Sync>| QueueError { queue: queue.to_owned(), source };
        let body = serde_json::to_string(body).map_err(|error| fail(error.into()))?;
        let seconds = i32::try_from(whole_seconds(delay.min(MAX_DELAY))).unwrap_or(0);
        let request = self.client.send_message().queue_url(queue).message_body(body).delay_seconds(seconds);
        request.send().await.map(drop).map_err(|error| fail(error.into()))
    }
}

/// Rounded up: a message that comes too early would only be sent again.
fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

impl Queues for SqsQueues {
    fn hand_in<'a>(&'a self, triggered: &'a Triggered) -> BoxFuture<'a, Result<(), QueueError>> {
        let message = TriggeredMessage { triggered: triggered.clone() };
        Box::pin(async move { self.send(&self.submissions, &message, Duration::ZERO).await })
    }

    fn carry_on<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async move { self.send(&self.submissions, &Continue { run: run.clone() }, delay).await })
    }

    fn look_at<'a>(&'a self, run: &'a RunMessage, delay: Duration) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(self.send(&self.collect, run, delay))
    }

    fn answer<'a>(&'a self, request: &'a AnswerRequest) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async move {
            self.send(&self.notify, &AnswerMessage { answer: request.clone() }, Duration::ZERO).await
        })
    }

    fn wake<'a>(&'a self, group: &'a str, window: &'a str) -> BoxFuture<'a, Result<(), QueueError>> {
        Box::pin(async move {
            let fail = |source: Box<dyn std::error::Error + Send + Sync>| QueueError {
                queue: self.wake.clone(),
                source,
            };
            let wake = Wake::Wake { group: group.to_owned() };
            let body = serde_json::to_string(&wake).map_err(|error| fail(error.into()))?;
            let deduplication = format!("{group}-{window}");
            if self.nudges.knows(&deduplication) {
                return Ok(());
            }
            let request = self.client.send_message().queue_url(&self.wake).message_body(body);
            let request = request.message_group_id(group).message_deduplication_id(&deduplication);
            request.send().await.map_err(|error| fail(error.into()))?;
            self.nudges.note(deduplication);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nudge_that_was_sent_is_remembered_and_an_old_one_forgotten_in_time() {
        let nudges = Nudges::default();
        assert!(!nudges.knows("group-1"));
        nudges.note("group-1".to_owned());
        assert!(nudges.clone().knows("group-1") && !nudges.knows("group-2"));
        (2..=65).for_each(|window| nudges.note(format!("group-{window}")));
        assert!(nudges.knows("group-65") && !nudges.knows("group-1"));
    }

    #[test]
    fn the_words_on_the_wire_stay_as_they_are() {
        let run = RunMessage { group: "g".into(), run_id: "r".into(), hops: 2 };
        let text = serde_json::to_string(&Continue { run }).unwrap();
        assert_eq!(text, r#"{"continue":{"group":"g","runId":"r","hops":2}}"#);
        let tick: Wake = serde_json::from_str(r#"{"tick":{"time":"2026-11-21T03:00:00Z"}}"#).unwrap();
        assert_eq!(tick, Wake::Tick { time: "2026-11-21T03:00:00Z".into() });
        let text = r#"{"triggered":{"runId":"r","upload":{"bucket":"b","key":"k","size":1,"eTag":"e","sequencer":"1","time":"t"},"rule":{"name":"n","batch":false,"task":{"at":"config/tasks/t.yaml"}}}}"#;
        let message: TriggeredMessage = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&message).unwrap(), text);
        let wake = Wake::Wake { group: "g".into() };
        assert_eq!(serde_json::to_string(&wake).unwrap(), r#"{"wake":{"group":"g"}}"#);
    }
}
