//! A cluster that cannot be asked: how long its runs wait for it, and what becomes of them then.
//!
//! An outage is nobody's fault and passes, so a run outlives it as long as its pod may. But a run that never ends leaves somebody waiting and its
//! record, with what was written into it, in the bucket.

use jiff::Timestamp;

use super::decide::decide;
use super::decision::{Ending, Next, Outcome};
use super::diagnosis::{Cause, Diagnosis};
use super::limits::{later, trying_since};
use super::observation::Observation;
use super::record::Record;
use super::state::State;
use crate::pod::life_seconds;

/// How long a cluster may stay away after the life of a run's pod: whoever is told in the evening has until the next one.
pub const ABSENCE_SECONDS: u64 = 24 * 60 * 60;

/// How long a run that somebody wants to end waits for a cluster that cannot be told.
pub const CANCEL_SECONDS: u64 = 60 * 60;

/// In which way a cluster cannot be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Absence {
    /// It does not answer or is in trouble, or it refuses this request.
    Silent,
    /// The connection itself is of no use: settings that make no sense, a server that is not trusted, credentials that nobody knows.
    Unusable,
}

/// How a run ends whose cluster cannot be asked, for a reason in words; `None` while it waits. `heard_at` is when the cluster was last compared
/// with the records: a pod may be older than its limits, held by a gate or by an earlier outage, and no outage begins before that.
///
/// A run without a pod waits where its pod is to be created, which has limits of its own; here it ends only if it is to end anyway.
pub fn give_up(record: &Record, heard_at: Option<Timestamp>, reason: &str, now: Timestamp) -> Option<Ending> {
    let outwaited = outwaited_at(record, heard_at);
    let limit = match &record.cancel {
        Some(cancel) => outwaited.min(later(since(cancel.at, heard_at), CANCEL_SECONDS)),
        None => outwaited,
    };
    if now < limit {
        return None;
    }
    // What is settled or asked for is decided as of a pod that cannot be seen; that it cannot be seen says nothing else.
    let is_to_end = record.cancel.is_some() || record.ending.is_some();
    let decided = match decide(record, &Observation::gone(now), now).next {
        Next::End(ending) | Next::Collect(ending) if is_to_end => {
            Some(ending).filter(|ending| matches!(ending.outcome, Outcome::Finish(_)))
        }
        Next::Wait { .. } | Next::Create | Next::Collect(_) | Next::End(_) => None,
    };
    let ending = match decided {
        Some(ending) => ending,
        None if record.has_pod() => lost(record, reason),
        None => return None,
    };
    Some(warned(record, ending, reason))
}

/// The record of a run that has ended goes though its cluster cannot be asked for pods that are left: at once where no pod is known and the
/// connection never was of use, else when it was waited for long enough.
pub fn may_forget(
    record: &Record,
    absence: Absence,
    ended_at: Timestamp,
    heard_at: Option<Timestamp>,
    now: Timestamp,
) -> bool {
    let is_known_to_be_nowhere = absence == Absence::Unusable && !record.has_pod();
    let limit = outwaited_at(record, heard_at).min(later(ended_at, ABSENCE_SECONDS));
    is_known_to_be_nowhere || now >= limit
}

/// When the pod of the attempt has ended by itself, and the cluster has had its time to come back.
fn outwaited_at(record: &Record, heard_at: Option<Timestamp>) -> Timestamp {
    let born = record.attempt.created_at.unwrap_or_else(|| trying_since(record));
    later(since(later(born, life_seconds(&record.plan)), heard_at), ABSENCE_SECONDS)
}

fn since(moment: Timestamp, heard_at: Option<Timestamp>) -> Timestamp {
    heard_at.map_or(moment, |heard_at| moment.max(heard_at))
}

/// What became of the pod cannot be found out. No policy is asked: another attempt would wait for the same cluster.
fn lost(record: &Record, reason: &str) -> Ending {
    let message = format!(
        "nobody can tell what became of the pod `{}`, whose cluster could not be asked for {} hours: {reason}",
        record.attempt.pod_name,
        ABSENCE_SECONDS / 3600
    );
    Ending {
        outcome: Outcome::Finish(State::Failed),
        diagnosis: Some(Diagnosis::new(Cause::ClusterUnreachable, message)),
        stop: false,
        warnings: Vec::new(),
    }
}

fn warned(record: &Record, mut ending: Ending, reason: &str) -> Ending {
    ending.stop = false;
    if record.has_pod() {
        ending.warnings.push(format!(
            "the pod `{}` could not be deleted, since its cluster could not be asked: {reason}; at the latest it ends by its `activeDeadlineSeconds`",
            record.attempt.pod_name
        ));
    }
    ending
}
