//! Containers that the kubelet ended for a failed probe or hook; only events tell.

use super::MESSAGE_CHARACTERS;
use super::scene::Scene;
use super::suspect::Suspect;
use crate::run::diagnosis::Cause;
use crate::run::observation::{EventFact, Observation};
use crate::run::reasons::EventMeaning;
use crate::run::text::head;

pub(super) fn killed_by_probe_or_hook(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = scene.failed_main()?;
    let event = killed_by(scene, &container.name)?;
    let message = format!("the kubelet ended `{}`: {}", container.name, words(event));
    Some(Suspect::new(Cause::ProbeOrHook, message).in_container(container).with_exit(end.exit_code))
}

/// The failed probe or hook for which the kubelet ended a container.
pub(super) fn killed_by<'a>(scene: &'a Scene<'_>, container: &str) -> Option<&'a EventFact> {
    scene.event_for(EventMeaning::Killing, container)?;
    scene.event_for(EventMeaning::Hook, container).or_else(|| scene.event_for(EventMeaning::Probe, container))
}

/// A probe without output leaves a colon at the end.
pub(super) fn words(event: &EventFact) -> String {
    head(&event.message, MESSAGE_CHARACTERS).trim_end_matches([':', ' ']).to_owned()
}

/// A warning for a container that ended with 0 though the kubelet ended it.
pub(in super::super) fn killed_yet_successful(
    observation: &Observation,
    events: &[EventFact],
) -> Vec<String> {
    let Some(pod) = observation.pod.as_ref().filter(|pod| pod.is_success() && pod.deletion.is_none()) else {
        return Vec::new();
    };
    let scene = Scene { observation, pod, events };
    pod.deciding()
        .filter_map(|container| {
            let event = killed_by(&scene, &container.name)?;
            Some(format!(
                "the kubelet ended `{}` ({}), which then exited 0: its work may be incomplete",
                container.name,
                words(event)
            ))
        })
        .collect()
}
