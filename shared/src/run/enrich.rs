//! The same ending, better explained once the events are known.

use super::decision::Ending;
use super::diagnose::{culprit, killed_yet_successful};
use super::diagnosis::{Cause, Diagnosis};
use super::evidence::evidence;
use super::observation::{EventFact, Observation};

impl Ending {
    /// The same ending with what the events add: a cause that only they tell, more evidence, a warning. What becomes of the run stays as decided.
    pub fn with_events(mut self, observation: &Observation, events: &[EventFact]) -> Self {
        self.diagnosis = self.diagnosis.map(|diagnosis| better(diagnosis, observation, events));
        if self.diagnosis.is_none() {
            self.warnings.extend(killed_yet_successful(observation, events));
        }
        self
    }
}

fn better(diagnosis: Diagnosis, observation: &Observation, events: &[EventFact]) -> Diagnosis {
    let found = culprit(observation, events).filter(|_| comes_from_the_pod(diagnosis.cause));
    match found {
        Some(found) if found.cause != diagnosis.cause || found.hint != diagnosis.hint => {
            Diagnosis { message: retold(&diagnosis.message, observation, &found.message), ..found }
        }
        Some(_) | None => {
            let evidence = evidence(observation.pod.as_ref(), diagnosis.container.as_deref(), events);
            Diagnosis { evidence, ..diagnosis }
        }
    }
}

/// The message with the new reason in the place of the one that was known without events; what stood before it (which limit was over) stays.
fn retold(message: &str, observation: &Observation, reason: &str) -> String {
    match culprit(observation, &[]) {
        Some(known) => {
            format!("{}{reason}", message.strip_suffix(known.message.as_str()).unwrap_or_default())
        }
        None => format!("{message}: {reason}"),
    }
}

/// Causes that were read from the pod, and that events may therefore make more precise. The others were decided by something else: a limit, a
/// cancel, an answer to a request.
fn comes_from_the_pod(cause: Cause) -> bool {
    match cause {
        Cause::NonZeroExit
        | Cause::OomKilled
        | Cause::StartError
        | Cause::ImagePull
        | Cause::InvalidImageName
        | Cause::ImageNeverPull
        | Cause::ContainerConfig
        | Cause::VolumeMount
        | Cause::Unschedulable
        | Cause::SchedulingGated
        | Cause::NodeRefused
        | Cause::Evicted
        | Cause::NodeLost
        | Cause::Preempted
        | Cause::NodeShutdown
        | Cause::WaitingDeadline
        | Cause::PodDeleted
        | Cause::PodVanished
        | Cause::InitContainerFailed
        | Cause::CarrierFailed
        | Cause::ProbeOrHook
        | Cause::CrashLoop => true,
        Cause::QuotaExceeded
        | Cause::ReadyDeadline
        | Cause::RunningDeadline
        | Cause::InputMissing
        | Cause::OutputMissing
        | Cause::OutputInvalid
        | Cause::CollectionFailed
        | Cause::Forbidden
        | Cause::AdmissionRejected
        | Cause::NameTaken
        | Cause::ClusterUnreachable
        | Cause::ClusterUnknown
        | Cause::Cancelled
        | Cause::Replaced
        | Cause::InvalidSubmission
        | Cause::Internal => false,
    }
}
