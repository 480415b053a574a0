//! One failure classifier: a numbered list of rules; the first that applies names the cause and the culprit together.

mod beginning;
mod ended;
mod killed;
mod outside;
mod scene;
mod suspect;

pub(super) use killed::killed_yet_successful;
use scene::Scene;
use suspect::Suspect;

use super::diagnosis::{Cause, Diagnosis};
use super::observation::{EventFact, Observation};

/// Characters of a foreign message in a diagnosis.
const MESSAGE_CHARACTERS: usize = 600;

/// The best explanation of what is wrong with the pod. Where nothing is wrong that can be seen, it says how far the pod has come.
pub fn diagnose(observation: &Observation, events: &[EventFact]) -> Diagnosis {
    culprit(observation, events).unwrap_or_else(|| {
        let pod = observation.pod.as_ref();
        let suspect = match pod {
            Some(pod) if pod.is_success() => Suspect::new(Cause::Internal, "nothing is wrong with the pod"),
            Some(pod) if pod.main_started_at().is_some() => {
                Suspect::new(Cause::RunningDeadline, "the main container has started and has not ended")
            }
            Some(_) | None => Suspect::new(Cause::WaitingDeadline, "the main container has not started"),
        };
        suspect.diagnosis(pod, events)
    })
}

/// The explanation, if something is wrong.
pub(super) fn culprit(observation: &Observation, events: &[EventFact]) -> Option<Diagnosis> {
    let Some(pod) = &observation.pod else {
        return observation.gone.then(|| outside::vanished(events).diagnosis(None, events));
    };
    if pod.is_success() && !pod.is_ended_by_deadline() {
        return None;
    }
    let scene = Scene { observation, pod, events };
    RULES.iter().find_map(|rule| rule(&scene)).map(|suspect| suspect.diagnosis(Some(pod), events))
}

/// The rules by priority. A cause from outside goes before what it made the containers do.
const RULES: [fn(&Scene<'_>) -> Option<Suspect>; 17] = [
    /* 1 */ outside::ended_by_deadline,
    /* 2 */ outside::pod_reason,
    /* 3 */ outside::disrupted,
    /* 4 */ outside::node_lost_while_deleting,
    /* 5 */ outside::deleted,
    /* 6 */ ended::carrier_failed,
    /* 7 */ ended::init_container_failed,
    /* 8 */ ended::not_started_by_runtime,
    /* 9 */ ended::out_of_memory,
    /* 10 */ killed::killed_by_probe_or_hook,
    /* 11 */ ended::end_unknown,
    /* 12 */ ended::ended_with_error,
    /* 13 */ beginning::waiting_for_image_or_configuration,
    /* 14 */ beginning::restarted_again_and_again,
    /* 15 */ beginning::not_scheduled,
    /* 16 */ beginning::told_by_events,
    /* 17 */ beginning::nothing_told,
];

/// A diagnosis that does not come from a pod.
pub(super) fn without_pod(cause: Cause, message: impl Into<String>) -> Diagnosis {
    Suspect::new(cause, message).diagnosis(None, &[])
}

/// A limit was over: what is wrong besides stays as evidence.
pub(super) fn over_limit(cause: Cause, message: impl Into<String>, observation: &Observation) -> Diagnosis {
    Suspect::new(cause, message).diagnosis(observation.pod.as_ref(), &[])
}
