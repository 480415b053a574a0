//! How a record changes: each step makes a whole new record from the old one, and the store writes it.

use jiff::Timestamp;

use super::decision::Ending;
use super::diagnosis::Diagnosis;
use super::record::{Attempt, Cancel, FORMAT_VERSION, PastAttempt, Record};
use crate::resolve::plan::Plan;

/// What a run is accepted with.
#[derive(Clone, Debug, PartialEq)]
pub struct Acceptance {
    /// The run.
    pub run_id: String,
    /// Fingerprint of the cluster connection.
    pub group: String,
    /// Hex SHA-256 of the submission's bytes.
    pub submission_hash: String,
    /// Where it came from, for people.
    pub source: String,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Who writes the record.
    pub writer: String,
    /// What to do.
    pub plan: Plan,
    /// Name of the first attempt's pod.
    pub pod_name: String,
}

/// The attempt that follows one that ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Successor {
    /// Name of its pod.
    pub pod_name: String,
    /// The attempt that ended counts against the retry policy.
    pub counted: bool,
    /// Not before this time.
    pub not_before: Timestamp,
    /// Why the attempt before ended.
    pub diagnosis: Diagnosis,
    /// When that was found.
    pub ended_at: Timestamp,
}

impl Record {
    /// A run at its beginning: attempt 1, no pod.
    pub fn accepted(acceptance: Acceptance) -> Self {
        Record {
            format_version: FORMAT_VERSION,
            run_id: acceptance.run_id,
            group: acceptance.group,
            submission_hash: acceptance.submission_hash,
            source: acceptance.source,
            accepted_at: acceptance.accepted_at,
            writer: acceptance.writer,
            plan: acceptance.plan,
            attempt: Attempt {
                number: 1,
                counted: 0,
                infrastructure_failures: 0,
                pod_name: acceptance.pod_name,
                may_begin_at: None,
                pod_uid: None,
                created_at: None,
            },
            past: Vec::new(),
            not_before: None,
            waiting_for: None,
            cancel: None,
            ending: None,
            collection: None,
        }
    }

    /// Written by somebody else from now on.
    pub fn by(self, writer: impl Into<String>) -> Self {
        Record { writer: writer.into(), ..self }
    }

    /// The attempt has its pod; nothing is waited for any more.
    pub fn with_pod(self, uid: impl Into<String>, created_at: Timestamp) -> Self {
        let attempt = Attempt { pod_uid: Some(uid.into()), created_at: Some(created_at), ..self.attempt };
        Record { attempt, not_before: None, waiting_for: None, ..self }
    }

    /// Nothing is done for the run before that time, for a reason in words.
    pub fn waiting(self, not_before: Timestamp, reason: impl Into<String>) -> Self {
        Record { not_before: Some(not_before), waiting_for: Some(reason.into()), ..self }
    }

    /// Somebody asked for the end; of several requests the first stays.
    pub fn cancelled(self, at: Timestamp, reason: impl Into<String>) -> Self {
        let cancel = self.cancel.or_else(|| Some(Cancel { at, reason: reason.into() }));
        Record { cancel, ..self }
    }

    /// How the attempt ends is settled, before its pod is stopped; of several endings the first stays.
    pub fn settled(self, ending: Ending) -> Self {
        Record { ending: self.ending.or(Some(ending)), ..self }
    }

    /// The next attempt, without a pod.
    pub fn next_attempt(mut self, successor: Successor) -> Self {
        self.past.push(PastAttempt {
            number: self.attempt.number,
            pod_name: self.attempt.pod_name,
            diagnosis: successor.diagnosis,
            ended_at: successor.ended_at,
        });
        let (counted, free) = if successor.counted { (1, 0) } else { (0, 1) };
        Record {
            attempt: Attempt {
                number: self.attempt.number.saturating_add(1),
                counted: self.attempt.counted.saturating_add(counted),
                infrastructure_failures: self.attempt.infrastructure_failures.saturating_add(free),
                pod_name: successor.pod_name,
                may_begin_at: Some(successor.not_before),
                pod_uid: None,
                created_at: None,
            },
            not_before: Some(successor.not_before),
            waiting_for: None,
            ending: None,
            collection: None,
            ..self
        }
    }
}
