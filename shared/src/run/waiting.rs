//! Containers that do not come to start: which hold the run up, and for how long that is borne.

use jiff::Timestamp;

use super::facts::{ContainerFacts, ContainerState, PodFacts, Role};
use super::limits::{START_GRACE_SECONDS, later};
use super::reasons::{self, Patience};

/// What the waiting containers mean for the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// Nothing holds it up that does not belong to a start.
    Fine,
    /// Trouble that may pass; at that time it will have lasted too long.
    Troubled(Timestamp),
    /// It will not come to start.
    Stuck,
}

/// How the start stands. Containers that do not decide matter only as long as the deciding ones wait for them.
pub(super) fn start(pod: &PodFacts, now: Timestamp) -> Start {
    let begun = pod.main_started_at().is_some();
    let mut start = Start::Fine;
    for container in pod.containers.iter().filter(|container| holds_up(container.role, begun)) {
        match bearable_until(pod, container) {
            Bearable::Always => {}
            Bearable::Until(until) if now < until => {
                start = match start {
                    Start::Troubled(earlier) => Start::Troubled(earlier.min(until)),
                    Start::Fine | Start::Stuck => Start::Troubled(until),
                };
            }
            Bearable::Until(_) | Bearable::Never => return Start::Stuck,
        }
    }
    start
}

/// Companions never hold the run up. A carrier that cannot start does so before the task has begun, not when it would cost the task's work.
fn holds_up(role: Role, begun: bool) -> bool {
    match role {
        Role::Deciding => true,
        Role::Companion => false,
        Role::InitCarrier | Role::OutCarrier | Role::Init | Role::NativeSidecar => !begun,
    }
}

enum Bearable {
    Always,
    Until(Timestamp),
    Never,
}

fn bearable_until(pod: &PodFacts, container: &ContainerFacts) -> Bearable {
    let ContainerState::Waiting { reason, message } = &container.state else {
        return Bearable::Always;
    };
    match reasons::waiting(reason).map(|row| row.patience) {
        None | Some(Patience::Wait) => Bearable::Always,
        Some(Patience::Grace) if reasons::is_transient_pull(message) => Bearable::Always,
        Some(Patience::Grace) => trying_since(pod, container)
            .map_or(Bearable::Always, |since| Bearable::Until(later(since, START_GRACE_SECONDS))),
        Some(Patience::None) => Bearable::Never,
    }
}

/// Since when the kubelet may have been trying: the status does not say when a trouble began, so the grace runs from the last moment before which
/// it cannot have begun. For a container that is started again that is the end of the instance before.
fn trying_since(pod: &PodFacts, container: &ContainerFacts) -> Option<Timestamp> {
    let init_ends = pod
        .containers
        .iter()
        .filter(|container| matches!(container.role, Role::Init | Role::InitCarrier))
        .filter_map(|container| container.termination()?.finished_at);
    let own_end = container.last.as_ref().and_then(|last| last.finished_at);
    init_ends.chain(own_end).chain(pod.acknowledged_at).max().or(pod.created_at)
}
