//! What it means when the API server refuses to create a pod.

use jiff::Timestamp;

use super::decision::{Ending, Outcome};
use super::diagnosis::{Cause, Diagnosis};
use super::limits::{later, seconds_between, trying_since};
use super::reasons::{self, Forbidden};
use super::record::Record;
use super::state::State;
use super::text::head;
use crate::spec::worker_group::Fallback;

/// Seconds to wait after 429 without `Retry-After`.
const BUSY_SECONDS: u64 = 2;
/// Seconds to wait after a conflict, which several creations at once make with a quota.
const CONFLICT_SECONDS: u64 = 2;
/// Seconds to wait for a server that is starting.
const STARTING_SECONDS: u64 = 5;
/// Seconds to wait for a server that is in trouble or does not answer.
const TROUBLE_SECONDS: u64 = 10;
/// Seconds to wait for room in a quota: other pods have to end first.
const QUOTA_SECONDS: u64 = 30;
/// No answer makes a run wait longer than this at a time.
const MOST_SECONDS: u64 = 300;
/// Characters of the server's words in a diagnosis: a 422 with many causes is long and all of it matters.
const MESSAGE_CHARACTERS: usize = 2_000;

/// What a refused creation means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// A pod of this name exists: read it. With this run, attempt and submission hash it is ours, which is a resume; else [`name_taken`].
    NameInUse,
    /// Not the task's fault: try again after that many seconds, as long as [`after_wait`] allows.
    Wait {
        /// How long.
        seconds: u64,
        /// What for; the end of a wait that lasted too long.
        diagnosis: Diagnosis,
    },
    /// The credentials were refused: make new ones and try once more; the second time it fails with this.
    Credentials(Diagnosis),
    /// It will be refused each time.
    Fail(Diagnosis),
    /// The run is not to wait for its cluster.
    Cancel(Diagnosis),
}

/// The cluster is not known or did not answer: what the run's `fallback` says. Without one it waits like for a server in trouble.
pub fn out_of_reach(record: &Record, diagnosis: Diagnosis, now: Timestamp) -> Refusal {
    match record.plan.target.fallback {
        Some(Fallback::Fail) => Refusal::Fail(diagnosis),
        Some(Fallback::Cancel) => Refusal::Cancel(diagnosis),
        Some(Fallback::Wait) => {
            // The longer it lasts, the less often it is asked.
            let seconds = seconds_between(trying_since(record), now) / 8;
            Refusal::Wait { seconds: seconds.clamp(TROUBLE_SECONDS, MOST_SECONDS), diagnosis }
        }
        None => Refusal::Wait { seconds: TROUBLE_SECONDS, diagnosis },
    }
}

/// Judges an answer to the POST of a pod: HTTP status, and `reason` and `message` of the `Status` object (empty when the body is none: 429 is
/// plain text). `retry_after_seconds` is the header, if any.
pub fn judge(status: u16, reason: &str, message: &str, retry_after_seconds: Option<u64>) -> Refusal {
    let words = words(status, reason, message);
    let wait = |seconds: u64, cause: Cause| Refusal::Wait {
        seconds: retry_after_seconds.unwrap_or(seconds).clamp(1, MOST_SECONDS),
        diagnosis: Diagnosis::new(cause, words.clone()),
    };
    let fail = |cause: Cause| Refusal::Fail(Diagnosis::new(cause, words.clone()));
    match (status, reason) {
        (409, "AlreadyExists") => Refusal::NameInUse,
        (409, _) => wait(CONFLICT_SECONDS, Cause::ClusterUnreachable),
        (429, _) => wait(BUSY_SECONDS, Cause::ClusterUnreachable),
        (401, _) => Refusal::Credentials(Diagnosis::new(Cause::ClusterUnreachable, words)),
        (403, _) => match reasons::forbidden(message) {
            Forbidden::Quota => wait(QUOTA_SECONDS, Cause::QuotaExceeded),
            Forbidden::Starting => wait(STARTING_SECONDS, Cause::Forbidden),
            Forbidden::Admission => fail(Cause::AdmissionRejected),
            Forbidden::Rights => fail(Cause::Forbidden),
        },
        (500.., _) if reasons::is_permanent_server_error(message) => fail(Cause::AdmissionRejected),
        (408 | 500.., _) => wait(TROUBLE_SECONDS, Cause::ClusterUnreachable),
        // 400, 404 (the namespace), 413, 415, 422: about what was sent. Anything else is no answer of an API server.
        (400..=499, _) => fail(Cause::AdmissionRejected),
        (..400, _) => wait(TROUBLE_SECONDS, Cause::ClusterUnreachable),
    }
}

/// No answer came: connection refused or reset, name not resolved, time over. Whether the pod was created is not known; trying again finds out.
pub fn unanswered(error: &str) -> Refusal {
    Refusal::Wait {
        seconds: TROUBLE_SECONDS,
        diagnosis: Diagnosis::new(
            Cause::ClusterUnreachable,
            format!("the API server did not answer: {}", head(error, MESSAGE_CHARACTERS)),
        ),
    }
}

/// The pod that has the name is not of this run and attempt.
pub fn name_taken(pod_name: &str, owner: &str) -> Diagnosis {
    Diagnosis::new(Cause::NameTaken, format!("a pod `{pod_name}` exists and is not of this attempt: {owner}"))
}

/// What follows a [`Refusal::Wait`].
#[derive(Clone, Debug, PartialEq)]
pub enum AfterWait {
    /// Try again then.
    Again {
        /// Not before this time.
        not_before: Timestamp,
    },
    /// The waiting budget of the attempt is used up.
    GiveUp(Ending),
}

/// Whether to wait once more. All waits of an attempt together last at most its waiting budget, counted from the run's acceptance or the end of the
/// pause after the attempt before; then the run has timed out for the reason it waited for. A run that is to wait for its cluster does so
/// however long.
pub fn after_wait(record: &Record, seconds: u64, diagnosis: Diagnosis, now: Timestamp) -> AfterWait {
    let is_away = matches!(diagnosis.cause, Cause::ClusterUnreachable | Cause::ClusterUnknown);
    if is_away && record.plan.target.fallback == Some(Fallback::Wait) {
        return AfterWait::Again { not_before: later(now, seconds) };
    }
    let budget = record.plan.limits.start_seconds();
    let give_up_at = later(trying_since(record), budget);
    if now < give_up_at {
        return AfterWait::Again { not_before: later(now, seconds).min(give_up_at) };
    }
    let message = format!("the pod could not be created within {budget} s: {}", diagnosis.message);
    AfterWait::GiveUp(Ending {
        outcome: Outcome::Finish(State::TimedOut),
        diagnosis: Some(Diagnosis { message, ..diagnosis }),
        stop: false,
        warnings: Vec::new(),
    })
}

/// The run ends because its pod was refused for good.
pub fn ending(diagnosis: Diagnosis) -> Ending {
    Ending {
        outcome: Outcome::Finish(State::Failed),
        diagnosis: Some(diagnosis),
        stop: false,
        warnings: Vec::new(),
    }
}

/// The run ends as cancelled, for a reason.
pub fn cancelling(diagnosis: Diagnosis) -> Ending {
    Ending { outcome: Outcome::Finish(State::Cancelled), ..ending(diagnosis) }
}

fn words(status: u16, reason: &str, message: &str) -> String {
    let message = head(message, MESSAGE_CHARACTERS);
    match (reason, message.as_str()) {
        ("", "") => format!("the API server answered {status}"),
        ("", message) => format!("the API server answered {status}: {message}"),
        (reason, "") => format!("the API server answered {status} {reason}"),
        (reason, message) => format!("the API server answered {status} {reason}: {message}"),
    }
}
