//! Questions about a pod's facts that several judgements ask.

use jiff::Timestamp;

use super::facts::{ContainerFacts, ContainerState, Disruption, PodFacts, Ready, Role, Termination};
use super::limits::later;
use super::reasons::{self, PodReason};

/// Between a container's end and the moment the kubelet reports the pod finished.
const REPORT_SECONDS: u64 = 5;

impl PodFacts {
    /// The containers that say how the run ended.
    pub fn deciding(&self) -> impl Iterator<Item = &ContainerFacts> {
        self.containers.iter().filter(|container| container.role == Role::Deciding)
    }

    /// When the first deciding container started for the first time; `None` before that.
    ///
    /// After more than one restart the first start is not in the status any more: then the end of the init containers stands for it.
    pub fn main_started_at(&self) -> Option<Timestamp> {
        self.deciding()
            .filter(|container| container.has_started())
            .filter_map(|container| self.first_start(container))
            .min()
    }

    /// When the last deciding container ended; `None` while one has not.
    pub fn main_finished_at(&self) -> Option<Timestamp> {
        let mut latest = None;
        for container in self.deciding() {
            latest = latest.max(Some(self.end_of(container)?.finished_at?));
        }
        latest
    }

    /// Names of the containers that have run and may have written a log, in the order of the spec.
    pub fn started_containers(&self) -> impl Iterator<Item = &str> {
        self.containers
            .iter()
            .filter(|container| container.has_started())
            .map(|container| container.name.as_str())
    }

    fn first_start(&self, container: &ContainerFacts) -> Option<Timestamp> {
        let fallback = || self.initialized_at.or(self.acknowledged_at).or(self.created_at);
        let (current, instances_told) = match &container.state {
            ContainerState::Running { started_at } => (*started_at, 2),
            ContainerState::Terminated(termination) => (termination.started_at, 2),
            ContainerState::Waiting { .. } | ContainerState::Absent => (None, 1),
        };
        if container.restarts >= instances_told {
            return fallback();
        }
        let last = container.last.as_ref().and_then(|last| last.started_at);
        [current, last].into_iter().flatten().min().or_else(fallback)
    }

    /// How the container ended for good: it has terminated and will not be started again.
    pub(super) fn end_of<'a>(&self, container: &'a ContainerFacts) -> Option<&'a Termination> {
        let termination = container.termination()?;
        let stays = self.phase.is_terminal()
            // A pod that is being deleted restarts nothing.
            || self.deletion.is_some()
            || !container.restart.follows(termination.exit_code);
        stays.then_some(termination)
    }

    /// Every deciding container has ended for good.
    pub(super) fn is_decided(&self) -> bool {
        self.deciding().next().is_some() && self.deciding().all(|container| self.end_of(container).is_some())
    }

    /// Every deciding container has ended for good, and with 0. Nothing else is a success.
    pub(super) fn is_success(&self) -> bool {
        self.is_decided()
            && self.deciding().filter_map(|container| self.end_of(container)).all(|end| end.exit_code == 0)
    }

    /// The main container was over before that moment.
    pub(super) fn was_over_before(&self, moment: Timestamp) -> bool {
        self.is_decided() && self.main_finished_at().is_some_and(|finished_at| finished_at < moment)
    }

    /// The kubelet ended the pod by its `activeDeadlineSeconds` while it was still at work.
    pub(super) fn is_ended_by_deadline(&self) -> bool {
        reasons::pod(self.reason.as_deref()) == Some(PodReason::DeadlineExceeded)
            // `startTime` is cut to whole seconds, and so is `finishedAt`.
            && !self.active_deadline_at.is_some_and(|deadline| {
                self.main_finished_at().is_some_and(|finished_at| later(finished_at, 1) < deadline)
            })
    }

    /// The disruption, unless the main container was over before it.
    pub(super) fn effective_disruption(&self) -> Option<&Disruption> {
        self.disruption
            .as_ref()
            .filter(|disruption| !disruption.since.is_some_and(|since| self.was_over_before(since)))
    }

    /// Somebody asked for the deletion before the main container was over.
    pub(super) fn is_cut_short_by_deletion(&self) -> bool {
        self.deletion.is_some_and(|deletion| {
            let requested_at = deletion
                .deadline
                .checked_sub(jiff::SignedDuration::from_secs(
                    i64::try_from(deletion.grace_seconds).unwrap_or(0),
                ))
                .unwrap_or(deletion.deadline);
            if deletion.grace_seconds > 0 {
                return !self.was_over_before(requested_at);
            }
            // With grace 0 the timestamp is either the request itself or the kubelet's "finished", which follows the end at once.
            !self.main_finished_at().is_some_and(|finished_at| {
                self.is_decided() && later(finished_at, REPORT_SECONDS) < deletion.deadline
            })
        })
    }

    /// The node controller, and not the kubelet, says that the pod is not ready: the node is silent, and `running` may be long out of date.
    pub fn node_is_silent(&self) -> bool {
        self.ready == Ready::False { reason: None } && self.containers.iter().any(ContainerFacts::is_running)
    }
}
