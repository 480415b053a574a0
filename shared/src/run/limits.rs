//! Time limits of an attempt, as moments.

use jiff::{SignedDuration, Timestamp};

use super::facts::PodFacts;
use super::record::Record;

/// How long a container may fail to get its image, or to be created, before the attempt is given up. Registries and nodes recover from short
/// trouble by themselves, and the kubelet tries again after 10, 20 and 40 seconds.
pub const START_GRACE_SECONDS: u64 = 60;

/// How long after the end of its grace a deleted pod may still say `running` before its node counts as lost.
pub const NODE_LOST_SECONDS: u64 = 60;

/// A moment, that many seconds later; the end of time when there is no such moment.
pub fn later(moment: Timestamp, seconds: u64) -> Timestamp {
    let duration = SignedDuration::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX));
    moment.checked_add(duration).unwrap_or(Timestamp::MAX)
}

/// Whole seconds from one moment to another; 0 when the other is earlier.
pub fn seconds_between(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

/// Since when the run has been trying to create its attempt's pod: its acceptance, or the end of the pause after the attempt before.
pub fn trying_since(record: &Record) -> Timestamp {
    record.attempt.may_begin_at.unwrap_or(record.accepted_at)
}

/// When the waiting budget of the attempt's pod is used up, counted from its creation.
pub fn start_by(record: &Record, pod: &PodFacts) -> Timestamp {
    let created_at = pod.created_at.or(record.attempt.created_at).unwrap_or_else(|| trying_since(record));
    later(created_at, record.plan.limits.waiting_seconds)
}

/// When the running limit is over, counted from the main container's start; `None` before it.
pub fn finish_by(record: &Record, pod: &PodFacts) -> Option<Timestamp> {
    Some(later(pod.main_started_at()?, record.plan.limits.running_seconds))
}
