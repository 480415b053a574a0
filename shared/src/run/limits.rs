//! Time limits of an attempt, as moments.

use jiff::{SignedDuration, Timestamp};

use super::facts::{PodFacts, Ready, Scheduling};
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

/// The clock that runs until the main container has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StartClock {
    /// When it is over.
    pub ends_at: Timestamp,
    /// How long it runs.
    pub seconds: u64,
    /// What it waits for.
    pub waits_for: WaitsFor,
}

/// What the clock of a start waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// The main container, since the pod was created.
    Start,
    /// A node; the clock of the start follows.
    Node,
    /// The main container, since the pod has a node.
    StartOnNode,
}

impl StartClock {
    /// What it means that the clock is over.
    pub fn lateness(&self) -> String {
        match self.waits_for {
            WaitsFor::Start => format!("the main container did not start within {} s", self.seconds),
            WaitsFor::Node => format!("the pod did not get a node within {} s", self.seconds),
            WaitsFor::StartOnNode => {
                format!("the main container did not start within {} s after the pod got a node", self.seconds)
            }
        }
    }
}

/// The clock that runs before the main container has started. There is one from the pod's creation, or, where `scheduling_seconds` are given, one until
/// the pod has a node and another one from then on. Where somebody else lets pods in, both wait until it has a node.
pub fn start_clock(record: &Record, pod: &PodFacts) -> StartClock {
    let limits = &record.plan.limits;
    let created_at = created_at(record, pod);
    let has_node_since = node_since(pod, limits.scheduling_seconds.map(|seconds| later(created_at, seconds)));
    let begun = if record.plan.is_let_in() { pod.acknowledged_at } else { Some(created_at) };
    let (begun, seconds, waits_for) = match (limits.scheduling_seconds, has_node_since) {
        (None, _) => (begun, limits.waiting_seconds, WaitsFor::Start),
        (Some(seconds), None) => (begun, seconds, WaitsFor::Node),
        (Some(_), Some(since)) => (Some(since), limits.waiting_seconds, WaitsFor::StartOnNode),
    };
    StartClock { ends_at: begun.map_or(Timestamp::MAX, |begun| later(begun, seconds)), seconds, waits_for }
}

/// When the pod got its node, as far as it says; a node that came at no known time came at the latest one.
fn node_since(pod: &PodFacts, latest: Option<Timestamp>) -> Option<Timestamp> {
    let told = pod.scheduled_at.or(pod.acknowledged_at);
    match pod.scheduling {
        Scheduling::Scheduled => told.or(latest),
        Scheduling::Unknown | Scheduling::Unschedulable { .. } | Scheduling::Gated => pod.acknowledged_at,
    }
}

fn created_at(record: &Record, pod: &PodFacts) -> Timestamp {
    pod.created_at.or(record.attempt.created_at).unwrap_or_else(|| trying_since(record))
}

/// When the pod has to be ready, counted from its creation; `None` when it need not become ready, or is.
pub fn ready_by(record: &Record, pod: &PodFacts) -> Option<Timestamp> {
    let seconds = record.plan.limits.ready_seconds?;
    let limit = later(created_at(record, pod), seconds);
    match &pod.ready {
        Ready::True => None,
        // It was ready when it had to be, and is not any more.
        Ready::False { .. } if pod.ready_changed_at.is_some_and(|changed_at| changed_at > limit) => None,
        Ready::False { .. } | Ready::Unknown => Some(limit),
    }
}

/// When the running limit is over, counted from the main container's start; `None` before it.
pub fn finish_by(record: &Record, pod: &PodFacts) -> Option<Timestamp> {
    Some(later(pod.main_started_at()?, record.plan.limits.running_seconds))
}
