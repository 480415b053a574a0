//! Causes from outside the containers: the cluster's deadline, the kubelet's refusal or eviction, disruptions, deletions.

use super::MESSAGE_CHARACTERS;
use super::beginning::{restarted_again_and_again, told_by_events, waiting_for_image_or_configuration};
use super::scene::Scene;
use super::suspect::Suspect;
use crate::run::diagnosis::Cause;
use crate::run::facts::Scheduling;
use crate::run::hints;
use crate::run::limits::{NODE_LOST_SECONDS, later};
use crate::run::observation::EventFact;
use crate::run::reasons::{self, EventMeaning, PodReason, TerminatedReason};
use crate::run::text::head;

pub(super) fn ended_by_deadline(scene: &Scene<'_>) -> Option<Suspect> {
    if !scene.pod.is_ended_by_deadline() {
        return None;
    }
    if scene.pod.main_started_at().is_some() {
        let main = scene.failed_main();
        let suspect = Suspect::new(
            Cause::RunningDeadline,
            "the cluster ended the pod: its `activeDeadlineSeconds` was over",
        );
        return Some(match main {
            Some((container, end)) => suspect.in_container(container).with_exit(end.exit_code),
            None => suspect,
        });
    }
    // It never began: what held it up is the reason, and only without one it is the deadline.
    let reason = [waiting_for_image_or_configuration, restarted_again_and_again, told_by_events]
        .iter()
        .find_map(|rule| rule(scene))
        .unwrap_or_else(|| Suspect::new(Cause::WaitingDeadline, "the main container did not start in time"));
    Some(Suspect {
        message: format!(
            "the cluster ended the pod before it began, its `activeDeadlineSeconds` was over: {}",
            reason.message
        ),
        ..reason
    })
}

pub(super) fn pod_reason(scene: &Scene<'_>) -> Option<Suspect> {
    let cause = match reasons::pod(scene.pod.reason.as_deref())? {
        PodReason::DeadlineExceeded => return None,
        PodReason::Evicted => Cause::Evicted,
        PodReason::Preempted => Cause::Preempted,
        PodReason::NodeShutdown => Cause::NodeShutdown,
        PodReason::NodeLost => Cause::NodeLost,
        PodReason::NodeRefused => Cause::NodeRefused,
    };
    let reason = scene.pod.reason.as_deref().unwrap_or_default();
    let suspect =
        Suspect::new(cause, from_outside(cause, reason, scene.pod.message.as_deref().unwrap_or_default()));
    let suspect =
        if cause == Cause::Evicted { suspect.with_hint(hints::EVICTED_BY_KUBELET) } else { suspect };
    Some(with_main_exit(suspect, scene))
}

pub(super) fn disrupted(scene: &Scene<'_>) -> Option<Suspect> {
    let disruption = scene.pod.effective_disruption()?;
    let silent = scene.pod.node_is_silent() || scene.events(EventMeaning::NodeSilent).next().is_some();
    let cause = match reasons::disruption(&disruption.reason) {
        // The taint was the one of a node that stopped answering.
        Cause::Evicted if silent => Cause::NodeLost,
        cause => cause,
    };
    let message = from_outside(cause, &disruption.reason, &disruption.message);
    Some(with_main_exit(Suspect::new(cause, message), scene))
}

/// `the pod was evicted (EvictionByEvictionAPI): Eviction API: evicting`.
pub(super) fn from_outside(cause: Cause, reason: &str, message: &str) -> String {
    let what = match cause {
        Cause::Preempted => "a pod of higher priority took the place",
        Cause::NodeShutdown => "the node was shut down",
        Cause::NodeLost => "the node went away or stopped answering",
        Cause::NodeRefused => "the node refused the pod",
        _ => "the pod was evicted",
    };
    format!("{what} ({reason}): {}", head(message, MESSAGE_CHARACTERS))
}

pub(super) fn node_lost_while_deleting(scene: &Scene<'_>) -> Option<Suspect> {
    let deletion = scene.pod.deletion?;
    let overdue = !scene.observation.gone
        // Without a node a finalizer holds it.
        && scene.pod.scheduling == Scheduling::Scheduled
        && !scene.pod.is_decided()
        && scene.observation.seen_at >= later(deletion.deadline, NODE_LOST_SECONDS);
    overdue.then(|| {
        Suspect::new(Cause::NodeLost, "the pod was to be deleted, but its node does not confirm its end")
    })
}

pub(super) fn deleted(scene: &Scene<'_>) -> Option<Suspect> {
    let cut_short =
        scene.pod.is_cut_short_by_deletion() || (scene.observation.gone && !scene.pod.is_decided());
    let message = match scene.pod.main_started_at() {
        Some(_) => "somebody deleted the pod while the main container ran",
        None => "somebody deleted the pod before the main container started",
    };
    cut_short.then(|| with_main_exit(Suspect::new(Cause::PodDeleted, message), scene))
}

/// The pod went before it could be looked at: only its events may tell who took it.
pub(super) fn vanished(events: &[EventFact]) -> Suspect {
    let told = events.iter().rev().find_map(|event| match reasons::event(&event.reason)? {
        EventMeaning::Preempted => Some((event, Cause::Preempted)),
        EventMeaning::Evicted => Some((event, Cause::Evicted)),
        _ => None,
    });
    match told {
        Some((event, cause)) => Suspect::new(cause, from_outside(cause, &event.reason, &event.message)),
        None => Suspect::new(Cause::PodVanished, "the pod is not there any more"),
    }
}

pub(super) fn with_main_exit(suspect: Suspect, scene: &Scene<'_>) -> Suspect {
    match scene.failed_main() {
        Some((container, end)) if reasons::terminated(&end.reason) != TerminatedReason::StatusUnknown => {
            suspect.in_container(container).with_exit(end.exit_code)
        }
        Some(_) | None => suspect,
    }
}
