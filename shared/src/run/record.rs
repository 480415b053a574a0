//! The run's one durable state object, `active/<group>/<run-id>.json`.
//!
//! It is written as seldom as possible: when the run is accepted, when an attempt's pod has its uid, and when a wait, a cancel or a new attempt
//! changes what comes next. Whether the run has ended is not here but in the existence of `runs/<run-id>/result.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::Ending;
use super::diagnosis::Diagnosis;
use super::state::State;
use super::succession::{Lineage, Original};
use crate::resolve::plan::Plan;
use crate::spec::answer::Address;

/// The version this code writes.
pub const FORMAT_VERSION: u32 = 1;

/// Everything that must survive a function's death. Fields that an older version wrote and this one does not know are dropped on the next write;
/// a newer `formatVersion` is refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// Version of this format.
    pub format_version: u32,
    /// The run.
    pub run_id: String,
    /// Fingerprint of the cluster connection; the folder the record lies in.
    pub group: String,
    /// Hex SHA-256 of the submission's bytes: a second submission under this run id must have the same.
    pub submission_hash: String,
    /// Where the submission came from, for people: `sqs:<message id>`, `invoke:<request id>`.
    pub source: String,
    /// How many runs before this one led to it: its input was written by one, whose input was written by another, …
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hops: u32,
    /// When the run was accepted.
    pub accepted_at: Timestamp,
    /// Who wrote last: a 412 on one's own write is told apart by it.
    pub writer: String,
    /// What to do.
    pub plan: Plan,
    /// The attempt under way.
    pub attempt: Attempt,
    /// Attempts that are over, oldest first.
    #[serde(default)]
    pub past: Vec<PastAttempt>,
    /// Do nothing for this run before this time: quota, 429, outage, back-off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// Why the run waits, in words for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// Somebody asked for the run to end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel: Option<Cancel>,
    /// Who is told how the run ends.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// Whoever waits with a task token gives up after so many seconds without a sign of life.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heartbeat_seconds: Option<u64>,
    /// The execution of a state machine that the run was made for: when it is aborted, the run ends too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub execution_id: Option<String>,
    /// How the attempt ends, settled before its pod is stopped for it (time limit, stuck start): what the stopped pod looks like afterwards says
    /// nothing about why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Progress of a collection that did not fit into one invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionProgress>,
    /// Set once the shared files are listed among the plan's inputs and the cache was asked; never done twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Prepared>,
    /// Later submissions under this run id that began an attempt of their own (`resume: false`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub joined: Vec<String>,
    /// The run follows another one that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lineage: Option<Lineage>,
    /// Kept where a successor may have to be made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<Original>,
}

/// What was found out before the first attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Prepared {
    /// What the run computes, as a key of the cache; `None` where the task asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_key: Option<String>,
}

/// One try of a run; has exactly one pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// From 1; part of the pod's name.
    pub number: u32,
    /// How many of the attempts before this one count against the retry policy (infrastructure failures before the start do not); 0 at first.
    pub counted: u32,
    /// How many attempts before this one ended by an infrastructure failure before the main container started.
    #[serde(default)]
    pub infrastructure_failures: u32,
    /// Name of the pod.
    pub pod_name: String,
    /// When it may begin: the end of the pause after the attempt before, or the turn of a run that waited for a free place in its cluster; `None`
    /// for a first attempt, which begins with the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub may_begin_at: Option<Timestamp>,
    /// Set once the pod was created; from then on this attempt is never created again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_uid: Option<String>,
    /// When the pod was created, by the API server's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
}

/// An attempt that is over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PastAttempt {
    /// Its number.
    pub number: u32,
    /// Name of its pod.
    pub pod_name: String,
    /// Why it was not the last.
    pub diagnosis: Diagnosis,
    /// When that was found.
    pub ended_at: Timestamp,
}

/// A request to end the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cancel {
    /// When it was asked for.
    pub at: Timestamp,
    /// Who or why, in words.
    pub reason: String,
}

/// Somebody who is told how the run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// Who.
    pub to: Address,
    /// When it was settled: the answer was taken, or nobody waits for it any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// Why it was not taken, where that is so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// How far a collection came before it ran out of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionProgress {
    /// The attempt being collected.
    pub attempt: u32,
    /// Invocations used so far.
    pub rounds: u32,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Record {
    /// The run has reached its pod: from now on a missing pod is one that vanished.
    pub fn has_pod(&self) -> bool {
        self.attempt.pod_uid.is_some()
    }

    /// Who has still to be told.
    pub fn unanswered(&self) -> impl Iterator<Item = &Address> {
        self.answers.iter().filter(|answer| answer.settled_at.is_none()).map(|answer| &answer.to)
    }

    /// Where the run is as far as the record alone tells: whether its pod waits or runs only the cluster knows.
    pub fn apparent_state(&self) -> State {
        match (self.has_pod(), self.past.is_empty()) {
            (true, _) => State::Running,
            (false, true) => State::Accepted,
            (false, false) => State::Retrying,
        }
    }
}
