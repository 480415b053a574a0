//! How often and when a failed attempt is repeated.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use super::decision::Outcome;
use super::diagnosis::{Cause, Class, Diagnosis};
use super::limits::later;
use super::record::Record;
use super::state::State;
use crate::spec::retry::{Backoff, Behavior, RetryPolicy};

/// Infrastructure failures before the main container started that are repeated without being counted, whatever the policy says.
pub const FREE_RETRIES: u32 = 3;

/// Pauses before those, in seconds: a node that was just lost or full is not back at once.
pub const FREE_RETRY_SECONDS: [u64; FREE_RETRIES as usize] = [5, 20, 60];

/// An attempt that ended without success.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Failure {
    /// Why.
    pub(super) diagnosis: Diagnosis,
    /// The task's own program has begun, or may have.
    pub(super) main_started: bool,
    /// What the run ends with if no attempt follows.
    pub(super) state: State,
}

/// Another attempt, or the end.
pub(super) fn outcome(record: &Record, failure: &Failure, now: Timestamp) -> Outcome {
    if failure.state == State::Failed
        && !failure.main_started
        && let Some(not_before) = free(record, &failure.diagnosis, now)
    {
        return Outcome::Retry { not_before, counted: false };
    }
    match record.plan.retry.next(record, &failure.diagnosis, now) {
        Some(not_before) => match record.plan.retry.behavior {
            Behavior::RetryFailedTask => Outcome::Retry { not_before, counted: true },
            Behavior::CreateNewExecution => Outcome::NewRun { state: failure.state, not_before },
        },
        None => Outcome::Finish(failure.state),
    }
}

/// The warning of a run that succeeded only after another attempt, if its policy asks for one.
pub(super) fn warning(record: &Record) -> Option<String> {
    if !record.plan.retry.warning_on_retry {
        return None;
    }
    match (record.past.len(), &record.lineage) {
        (0, None) => None,
        (0, Some(lineage)) => {
            Some(format!("succeeded in the place of run `{}`, which failed", lineage.predecessor))
        }
        (earlier, _) => {
            Some(format!("succeeded at attempt {} after {earlier} that failed", record.attempt.number))
        }
    }
}

fn free(record: &Record, diagnosis: &Diagnosis, now: Timestamp) -> Option<Timestamp> {
    if diagnosis.class != Class::Infrastructure {
        return None;
    }
    let failures = usize::try_from(record.attempt.infrastructure_failures).ok()?;
    Some(later(now, *FREE_RETRY_SECONDS.get(failures)?))
}

/// Repeating the same pod can end otherwise.
fn is_worth_repeating(diagnosis: &Diagnosis) -> bool {
    match diagnosis.class {
        Class::User | Class::Infrastructure | Class::Capacity | Class::Timeout => true,
        Class::Config | Class::Internal => false,
        // A pod that somebody deleted may be created again; a run that somebody cancelled may not.
        Class::Cancelled => diagnosis.cause == Cause::PodDeleted,
    }
}

impl RetryPolicy {
    /// When the next counted attempt may begin; `None` when there is none.
    ///
    /// `record` is that of the attempt that just failed. A mistake in the task document is never repeated.
    pub fn next(&self, record: &Record, diagnosis: &Diagnosis, now: Timestamp) -> Option<Timestamp> {
        let attempts = record.attempt.counted.saturating_add(1);
        if !is_worth_repeating(diagnosis) || attempts >= self.max_attempts {
            return None;
        }
        let not_before = later(now, self.backoff.seconds(&record.run_id, attempts));
        let last_moment = self.max_duration_seconds.map(|seconds| later(record.began_at(), seconds));
        match last_moment {
            Some(last_moment) if not_before >= last_moment => None,
            Some(_) | None => Some(not_before),
        }
    }
}

impl Backoff {
    /// Seconds to wait after that many counted attempts (from 1). The same for the same run and number, each time it is asked for.
    pub fn seconds(&self, run_id: &str, attempts: u32) -> u64 {
        match self {
            Backoff::Constant { interval_seconds } => *interval_seconds,
            Backoff::Exponential { interval_seconds, max_interval_seconds, factor } => {
                let growth =
                    factor.max(1.0).powi(i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX));
                // `as` saturates, and makes nothing of what is no number.
                ((*interval_seconds as f64 * growth) as u64).min(*max_interval_seconds)
            }
            Backoff::Random { min_interval_seconds, max_interval_seconds } => {
                let span = max_interval_seconds.saturating_sub(*min_interval_seconds);
                match span.checked_add(1) {
                    Some(choices) => min_interval_seconds.saturating_add(dice(run_id, attempts) % choices),
                    None => dice(run_id, attempts),
                }
            }
        }
    }
}

/// A number that looks random and is always the same for one run and attempt: the first eight bytes of SHA-256.
fn dice(run_id: &str, attempts: u32) -> u64 {
    let digest =
        Sha256::new().chain_update(run_id).chain_update([0]).chain_update(attempts.to_be_bytes()).finalize();
    digest.iter().take(8).fold(0, |number, byte| (number << 8) | u64::from(*byte))
}
