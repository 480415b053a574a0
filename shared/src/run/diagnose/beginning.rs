//! Causes that keep the main container from starting, or from coming to an end.

use super::MESSAGE_CHARACTERS;
use super::ended::ending;
use super::killed::{killed_by, words};
use super::scene::Scene;
use super::suspect::Suspect;
use crate::run::diagnosis::{Cause, Class};
use crate::run::facts::{ContainerState, Phase, Role, Scheduling};
use crate::run::hints;
use crate::run::reasons::{self, EventMeaning};
use crate::run::text::head;

pub(super) fn waiting_for_image_or_configuration(scene: &Scene<'_>) -> Option<Suspect> {
    let begun = scene.pod.main_started_at().is_some();
    scene.pod.containers.iter().filter(|container| container.role != Role::Companion).find_map(|container| {
        let ContainerState::Waiting { reason, message } = &container.state else {
            return None;
        };
        let cause = reasons::waiting(reason)?.cause?;
        if cause == Cause::CrashLoop || (begun && container.role != Role::Deciding) {
            return None;
        }
        let what = if cause == Cause::ImagePull { "cannot get its image" } else { "cannot be started" };
        let text = format!("`{}` {what} ({reason}): {}", container.name, head(message, MESSAGE_CHARACTERS));
        Some(image_details(Suspect::new(cause, text).in_container(container), message, scene))
    })
}

/// An overloaded registry is nobody's mistake; a missing pull secret shows only as an event.
pub(super) fn image_details(suspect: Suspect, message: &str, scene: &Scene<'_>) -> Suspect {
    if suspect.cause != Cause::ImagePull {
        suspect
    } else if reasons::is_transient_pull(message) {
        suspect.with_class(Class::Infrastructure).with_hint(hints::REGISTRY_BUSY)
    } else if let Some(event) = scene.events(EventMeaning::PullSecretMissing).next() {
        Suspect {
            message: format!("{}; {}", suspect.message, head(&event.message, MESSAGE_CHARACTERS)),
            ..suspect
        }
        .with_hint(hints::PULL_SECRET_MISSING)
    } else {
        suspect
    }
}

pub(super) fn restarted_again_and_again(scene: &Scene<'_>) -> Option<Suspect> {
    let begun = scene.pod.main_started_at().is_some();
    let container = scene.pod.containers.iter().find(|container| match container.role {
        Role::Deciding => container.restarts > 0,
        Role::Init | Role::InitCarrier | Role::NativeSidecar => !begun && container.restarts > 0,
        Role::Companion | Role::OutCarrier => false,
    })?;
    let last = container.last.as_ref().or_else(|| container.termination());
    let times = container.restarts;
    let exit_code = last.map(|last| last.exit_code);
    let ended = last.map(ending).unwrap_or_default();
    let suspect = if let Some(event) = killed_by(scene, &container.name) {
        let message = words(event);
        Suspect::new(
            Cause::ProbeOrHook,
            format!("the kubelet ended `{}` and started it again, {times} times: {message}", container.name),
        )
    } else {
        match container.role {
            Role::InitCarrier => Suspect::new(
                Cause::CarrierFailed,
                format!("`{}` failed and was started again, {times} times, last{ended}", container.name),
            ),
            Role::Init | Role::NativeSidecar => Suspect::new(
                Cause::InitContainerFailed,
                format!(
                    "`{}` ended and was started again, {times} times, last{ended}; the main container waits for it",
                    container.name
                ),
            ),
            Role::Deciding | Role::Companion | Role::OutCarrier => Suspect::new(
                Cause::CrashLoop,
                format!("`{}` ended and was started again, {times} times, last{ended}", container.name),
            ),
        }
    };
    let suspect = if exit_code == Some(0) { suspect.with_hint(hints::ALWAYS_RESTARTED) } else { suspect };
    let suspect = suspect.in_container(container);
    Some(match exit_code {
        Some(exit_code) => suspect.with_exit(exit_code),
        None => suspect,
    })
}

pub(super) fn not_scheduled(scene: &Scene<'_>) -> Option<Suspect> {
    match &scene.pod.scheduling {
        Scheduling::Unschedulable { message } => Some(Suspect::new(
            Cause::Unschedulable,
            format!("no node fits: {}", head(message, MESSAGE_CHARACTERS)),
        )),
        Scheduling::Gated => Some(Suspect::new(Cause::SchedulingGated, "a scheduling gate holds the pod")),
        Scheduling::Unknown | Scheduling::Scheduled => None,
    }
}

/// What only events tell while the containers are merely being created.
pub(super) fn told_by_events(scene: &Scene<'_>) -> Option<Suspect> {
    if scene.pod.main_started_at().is_some() {
        return None;
    }
    let message = words;
    if let Some(event) = scene.events(EventMeaning::VolumeMount).last() {
        return Some(Suspect::new(Cause::VolumeMount, message(event)));
    }
    if let Some(waiting) =
        scene.events(EventMeaning::Image).find_map(|event| reasons::waiting_in_event(&event.message))
    {
        let told = scene
            .events(EventMeaning::Image)
            .find(|event| reasons::waiting_in_event(&event.message).is_none());
        let text = told.map_or_else(|| waiting.reason.to_owned(), message);
        return Some(image_details(Suspect::new(waiting.cause?, text.clone()), &text, scene));
    }
    if let Some(event) = scene.events(EventMeaning::Sandbox).last() {
        return Some(Suspect::new(Cause::WaitingDeadline, message(event)).with_class(Class::Infrastructure));
    }
    scene
        .events(EventMeaning::Unschedulable)
        .last()
        .filter(|_| scene.pod.scheduling == Scheduling::Unknown)
        .map(|event| Suspect::new(Cause::Unschedulable, message(event)))
}

/// The phase is final, or the node silent, and no container tells why.
pub(super) fn nothing_told(scene: &Scene<'_>) -> Option<Suspect> {
    if scene.pod.phase == Phase::Failed && scene.pod.containers.iter().all(|one| !one.has_begun()) {
        // Somebody beside the kubelet ended it, as schedulers and virtual nodes do when they need or lose its place.
        let message = "the pod failed before any of its containers began, and does not say why";
        return Some(Suspect::new(Cause::NodeRefused, message).with_hint(hints::NOTHING_BEGAN));
    }
    if scene.pod.phase.is_terminal() {
        let phase = scene.pod.phase.as_str();
        return Some(Suspect::new(
            Cause::Internal,
            format!("the pod says {phase}, but not how its deciding container ended"),
        ));
    }
    scene.pod.node_is_silent().then(|| {
        Suspect::new(
            Cause::NodeLost,
            "the node does not answer; whether the container still runs is not known",
        )
    })
}
