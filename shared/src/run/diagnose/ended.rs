//! Causes told by a container that ended.

use super::MESSAGE_CHARACTERS;
use super::scene::Scene;
use super::suspect::{Suspect, signal};
use crate::run::diagnosis::{Cause, Class};
use crate::run::facts::{ContainerFacts, Role, Termination};
use crate::run::hints;
use crate::run::reasons::{self, TerminatedReason};
use crate::run::text::tail;

/// Exit code of the carrier `init-files` when the storage refuses its grant: it has expired.
const EXPIRED_GRANT: i32 = 77;
/// … when a file is not what the manifest says.
const INPUT_CHANGED: i32 = 78;
/// … when its image has no program to fetch with.
const NO_FETCHER: i32 = 79;

pub(super) fn failed_in_role<'a>(
    scene: &'a Scene<'_>,
    role: Role,
) -> Option<(&'a ContainerFacts, &'a Termination)> {
    scene
        .pod
        .containers
        .iter()
        .filter(|container| container.role == role)
        .filter_map(|container| Some((container, scene.pod.end_of(container)?)))
        .find(|(_, end)| end.exit_code != 0)
}

pub(super) fn carrier_failed(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = failed_in_role(scene, Role::InitCarrier)?;
    let message = format!("`{}` could not fetch the input files{}", container.name, ending(end));
    let suspect = match end.exit_code {
        EXPIRED_GRANT => {
            let message = "the access to the input files had expired when the pod came to fetch them";
            Suspect::new(Cause::CarrierFailed, message).with_hint(hints::GRANT_EXPIRED)
        }
        // Fetching the same again changes nothing.
        INPUT_CHANGED => Suspect::new(Cause::CarrierFailed, message)
            .with_class(Class::Config)
            .with_hint(hints::INPUT_CHANGED),
        NO_FETCHER => {
            Suspect::new(Cause::CarrierFailed, message).with_class(Class::Config).with_hint(hints::NO_FETCHER)
        }
        _ => Suspect::new(Cause::CarrierFailed, message),
    };
    Some(suspect.in_container(container).with_exit(end.exit_code))
}

pub(super) fn init_container_failed(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = failed_in_role(scene, Role::Init)?;
    let message = format!("init container `{}` failed{}", container.name, ending(end));
    Some(Suspect::new(Cause::InitContainerFailed, message).in_container(container).with_exit(end.exit_code))
}

pub(super) fn not_started_by_runtime(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = scene.failed_main()?;
    (reasons::terminated(&end.reason) == TerminatedReason::StartError).then(|| {
        let message =
            format!("`{}` could not be started: {}", container.name, tail(&end.message, MESSAGE_CHARACTERS));
        Suspect::new(Cause::StartError, message).in_container(container).with_exit(end.exit_code)
    })
}

pub(super) fn out_of_memory(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = scene.failed_main()?;
    (reasons::terminated(&end.reason) == TerminatedReason::OomKilled).then(|| {
        let message = if end.exit_code == 137 {
            format!("`{}` was killed for using more memory than its limit", container.name)
        } else {
            format!(
                "a process in `{}` was killed for its memory, and the container ended with exit code {}",
                container.name, end.exit_code
            )
        };
        Suspect::new(Cause::OomKilled, message).in_container(container).with_exit(end.exit_code)
    })
}

pub(super) fn end_unknown(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = scene.failed_main()?;
    (reasons::terminated(&end.reason) == TerminatedReason::StatusUnknown).then(|| {
        Suspect::new(
            Cause::NodeLost,
            format!("the node does not know how `{}` ended, or whether it ran", container.name),
        )
        .in_container(container)
    })
}

pub(super) fn ended_with_error(scene: &Scene<'_>) -> Option<Suspect> {
    let (container, end) = scene.failed_main()?;
    let message = format!("`{}` failed{}", container.name, ending(end));
    let suspect = Suspect::new(Cause::NonZeroExit, message).in_container(container).with_exit(end.exit_code);
    Some(if signal(end.exit_code).is_some() { suspect.with_hint(hints::SIGNALLED) } else { suspect })
}

/// ` with exit code 3: what the program left as its message`.
pub(super) fn ending(end: &Termination) -> String {
    let signal = signal(end.exit_code).map(|signal| format!(" (signal {signal})")).unwrap_or_default();
    let message = tail(&end.message, MESSAGE_CHARACTERS);
    let message = if message.is_empty() { message } else { format!(": {message}") };
    format!(" with exit code {}{signal}{message}", end.exit_code)
}
