//! What a pod's facts mean, without a record: how far it is, whether it is over, and why.

use jiff::Timestamp;

use super::diagnose::{culprit, diagnose};
use super::diagnosis::{Cause, Diagnosis};
use super::facts::{ContainerFacts, ContainerState, PodFacts, Role, Termination};
use super::limits::{NODE_LOST_SECONDS, later};
use super::observation::{EventFact, Observation};
use super::reasons::{self, TerminatedReason};
use super::state::State;
use super::waiting::{Start, start};

/// How far a pod is.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The deciding containers have not all started.
    Pending {
        /// When the verdict changes by itself.
        changes_at: Option<Timestamp>,
    },
    /// A deciding container runs or waits for its restart.
    Running {
        /// When the verdict changes by itself.
        changes_at: Option<Timestamp>,
    },
    /// The deciding containers ended, every one with 0.
    Succeeded {
        /// What went not quite right.
        warnings: Vec<String>,
    },
    /// It is over and no success.
    Failed {
        /// Why.
        diagnosis: Diagnosis,
        /// What else went not quite right.
        warnings: Vec<String>,
        /// Containers do or may still come to run: they have to be stopped.
        stop: bool,
    },
}

/// The state as a user would be told it, and what is wrong, if anything is. `now` matters only to what is borne for a while.
pub fn verdict(observation: &Observation, now: Timestamp) -> (State, Option<Diagnosis>) {
    verdict_with_events(observation, &[], now)
}

/// The same with the pod's events, which explain more.
pub fn verdict_with_events(
    observation: &Observation,
    events: &[EventFact],
    now: Timestamp,
) -> (State, Option<Diagnosis>) {
    match Verdict::of(observation, now) {
        Verdict::Pending { .. } => (State::Pending, culprit(observation, events)),
        Verdict::Running { .. } => (State::Running, culprit(observation, events)),
        Verdict::Succeeded { .. } => (State::Succeeded, None),
        Verdict::Failed { .. } => {
            let diagnosis = diagnose(observation, events);
            (failed_state(observation), Some(diagnosis))
        }
    }
}

/// `TIMED_OUT` when the cluster's own deadline ended the pod.
pub(super) fn failed_state(observation: &Observation) -> State {
    if observation.pod.as_ref().is_some_and(PodFacts::is_ended_by_deadline) {
        State::TimedOut
    } else {
        State::Failed
    }
}

impl Verdict {
    /// The verdict on what was observed.
    pub fn of(observation: &Observation, now: Timestamp) -> Self {
        let Some(pod) = &observation.pod else {
            return Verdict::Failed {
                diagnosis: diagnose(observation, &[]),
                warnings: Vec::new(),
                stop: false,
            };
        };
        // Container states come first: they are ahead of the phase, and only they tell of a success.
        if pod.is_success() && !pod.is_ended_by_deadline() {
            return Verdict::Succeeded { warnings: warnings(pod) };
        }
        if pod.is_decided() || pod.phase.is_terminal() || observation.gone || init_failed(pod) {
            return Verdict::Failed {
                diagnosis: diagnose(observation, &[]),
                warnings: warnings(pod),
                stop: false,
            };
        }
        if let Some(deletion) = pod.deletion {
            // A deleted pod still comes to an end of its own, perhaps a good one; only a lost node never tells.
            let lost_at = later(deletion.deadline, NODE_LOST_SECONDS);
            if now >= lost_at {
                return Verdict::Failed {
                    diagnosis: diagnose(observation, &[]),
                    warnings: Vec::new(),
                    stop: false,
                };
            }
            return unfinished(pod, Some(lost_at));
        }
        match start(pod, now) {
            Start::Stuck => {
                Verdict::Failed { diagnosis: diagnose(observation, &[]), warnings: Vec::new(), stop: true }
            }
            Start::Troubled(until) => unfinished(pod, Some(until)),
            Start::Fine => unfinished(pod, None),
        }
    }
}

fn unfinished(pod: &PodFacts, changes_at: Option<Timestamp>) -> Verdict {
    if pod.main_started_at().is_some() {
        Verdict::Running { changes_at }
    } else {
        Verdict::Pending { changes_at }
    }
}

/// An init container ended for good without success: the others never start.
fn init_failed(pod: &PodFacts) -> bool {
    pod.containers
        .iter()
        .filter(|container| matches!(container.role, Role::Init | Role::InitCarrier))
        .filter_map(|container| pod.end_of(container))
        .any(|end| end.exit_code != 0)
}

fn warnings(pod: &PodFacts) -> Vec<String> {
    let mut warnings = Vec::new();
    if pod.is_success() {
        for container in pod.deciding() {
            let reason = container.termination().map(|end| reasons::terminated(&end.reason));
            if reason == Some(TerminatedReason::OomKilled) {
                warnings.push(format!(
                    "a process in `{}` was killed for its memory, though the container exited 0",
                    container.name
                ));
            }
        }
        if let Some(disruption) = pod.effective_disruption() {
            warnings.push(format!(
                "the pod was disrupted ({}), though its main container exited 0",
                disruption.reason
            ));
        } else if pod.deletion.is_some_and(|deletion| deletion.grace_seconds > 0)
            && pod.is_cut_short_by_deletion()
        {
            // With grace 0 it may as well have been deleted after its end.
            warnings.push("the pod was deleted while it ran, though its main container exited 0".to_owned());
        }
    }
    warnings.extend(pod.containers.iter().filter_map(companion_warning));
    warnings
}

/// A companion that failed by itself. One that the kubelet stopped with the pod, or whose end is not known, did nothing wrong.
fn companion_warning(container: &ContainerFacts) -> Option<String> {
    if !matches!(container.role, Role::Companion | Role::NativeSidecar | Role::OutCarrier) {
        return None;
    }
    let failed = |end: &&Termination| {
        end.exit_code != 0
            && !matches!(end.exit_code, 137 | 143)
            && reasons::terminated(&end.reason) != TerminatedReason::StatusUnknown
    };
    let end = container.termination().filter(failed).or_else(|| container.last.as_ref().filter(failed));
    if let Some(end) = end {
        return Some(format!(
            "container `{}` beside the main one failed with exit code {}",
            container.name, end.exit_code
        ));
    }
    let ContainerState::Waiting { reason, .. } = &container.state else {
        return None;
    };
    let cause = reasons::waiting(reason)?.cause?;
    (cause != Cause::CrashLoop)
        .then(|| format!("container `{}` beside the main one did not start: {reason}", container.name))
}
