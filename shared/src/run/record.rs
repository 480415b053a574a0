//! The run's one durable state object, `active/<group>/<run-id>.json`.
//!
//! It is written as seldom as possible: when the run is accepted, when an attempt's pod has its uid, and when a wait, a cancel or a new attempt
//! changes what comes next. Whether the run has ended is not here but in the existence of `runs/<run-id>/result.json`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::decision::Ending;
use super::diagnosis::Diagnosis;
use crate::resolve::plan::Plan;

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
    /// How the attempt ends, settled before its pod is stopped for it (time limit, stuck start): what the stopped pod looks like afterwards says
    /// nothing about why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ending: Option<Ending>,
    /// Progress of a collection that did not fit into one invocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collection: Option<CollectionProgress>,
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
    /// When it may begin: the end of the pause after the attempt before; `None` for the first, which begins with the run.
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

/// How far a collection came before it ran out of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionProgress {
    /// The attempt being collected.
    pub attempt: u32,
    /// Invocations used so far.
    pub rounds: u32,
}

impl Record {
    /// The run has reached its pod: from now on a missing pod is one that vanished.
    pub fn has_pod(&self) -> bool {
        self.attempt.pod_uid.is_some()
    }
}
