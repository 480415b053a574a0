//! How a record changes: each step makes a whole new record from the old one, and the store writes it.

use jiff::Timestamp;

use super::decision::Ending;
use super::diagnosis::{Cause, Diagnosis};
use super::record::{Answer, Attempt, Cancel, FORMAT_VERSION, PastAttempt, Prepared, Record};
use super::succession::Lineage;
use crate::resolve::plan::{FilePlan, InputFile, Plan};
use crate::spec::answer::{Address, Asked};

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
    /// How many runs before it led to it.
    pub hops: u32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
    /// Who writes the record.
    pub writer: String,
    /// What to do.
    pub plan: Plan,
    /// Name of the first attempt's pod.
    pub pod_name: String,
    /// Who is told how the run ends.
    pub asked: Asked,
    /// The execution of a state machine that it was made for.
    pub execution_id: Option<String>,
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
            hops: acceptance.hops,
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
            answers: Vec::new(),
            heartbeat_seconds: None,
            execution_id: acceptance.execution_id,
            ending: None,
            collection: None,
            prepared: None,
            joined: Vec::new(),
            lineage: None,
            original: None,
        }
        .asked(&acceptance.asked)
    }

    /// Whoever asked is told too, and the shortest promise of a sign of life is kept. Who is known already stays as it was.
    pub fn asked(mut self, asked: &Asked) -> Self {
        for to in &asked.addresses {
            if !self.answers.iter().any(|answer| answer.to == *to) {
                self.answers.push(Answer { to: to.clone(), settled_at: None, refused: None });
            }
        }
        let promises = self.heartbeat_seconds.into_iter().chain(asked.heartbeat_seconds);
        Record { heartbeat_seconds: promises.min(), ..self }
    }

    /// Somebody was told, or could not be for a reason in words; what was settled first stays.
    pub fn answered(mut self, to: &Address, at: Timestamp, refused: Option<String>) -> Self {
        for answer in self.answers.iter_mut().filter(|answer| answer.to == *to && answer.settled_at.is_none())
        {
            answer.settled_at = Some(at);
            answer.refused.clone_from(&refused);
        }
        self
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

    /// What had to be known before the first pod: the inputs with the shared files among them, and the cache's key.
    pub fn prepared(self, inputs: Vec<InputFile>, prepared: Prepared) -> Self {
        let files = FilePlan { inputs, ..self.plan.files };
        Record { plan: Plan { files, ..self.plan }, prepared: Some(prepared), ..self }
    }

    /// A run at its beginning that takes over from another: the attempts of all of them count together.
    pub fn following(self, lineage: Lineage, predecessor: &Record, not_before: Timestamp) -> Self {
        let counted = predecessor.attempt.counted.saturating_add(1);
        let attempt = Attempt { counted, may_begin_at: Some(not_before), ..self.attempt };
        Record {
            attempt,
            lineage: Some(lineage),
            original: predecessor.original.clone(),
            not_before: Some(not_before),
            ..self
        }
    }

    /// Another submission of the run begins an attempt of its own in the place of the one under way.
    pub fn joined(mut self, source: &str, pod_name: String, at: Timestamp) -> Self {
        self.joined.push(source.to_owned());
        let diagnosis = Diagnosis::new(
            Cause::Replaced,
            format!("`{source}` submitted the run again with `resume: false`"),
        );
        let (counted, free) = (self.attempt.counted, self.attempt.infrastructure_failures);
        let successor = Successor { pod_name, counted: false, not_before: at, diagnosis, ended_at: at };
        let next = self.next_attempt(successor);
        let attempt = Attempt { counted, infrastructure_failures: free, ..next.attempt };
        Record { attempt, ..next }
    }

    /// Nothing is done for the run before that time, for a reason in words.
    pub fn waiting(self, not_before: Timestamp, reason: impl Into<String>) -> Self {
        Record { not_before: Some(not_before), waiting_for: Some(reason.into()), ..self }
    }

    /// It is the run's turn, for which it waited: its waiting budget begins here. Waiting again for another reason does not begin it anew.
    pub fn called(self, at: Timestamp) -> Self {
        let attempt = Attempt { may_begin_at: Some(at), ..self.attempt };
        Record { attempt, ..self }
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
