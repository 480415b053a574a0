//! What the rules look at.

use crate::run::facts::{ContainerFacts, PodFacts, Termination};
use crate::run::observation::{EventFact, Observation};
use crate::run::reasons::{self, EventMeaning};

/// The pod, when it was seen, and its events.
pub(super) struct Scene<'a> {
    pub(super) observation: &'a Observation,
    pub(super) pod: &'a PodFacts,
    pub(super) events: &'a [EventFact],
}

impl Scene<'_> {
    pub(super) fn events(&self, meaning: EventMeaning) -> impl Iterator<Item = &EventFact> {
        self.events.iter().filter(move |event| reasons::event(&event.reason) == Some(meaning))
    }

    pub(super) fn event_for(&self, meaning: EventMeaning, container: &str) -> Option<&EventFact> {
        self.events(meaning).find(|event| event.container() == Some(container))
    }

    /// The first deciding container that ended for good with another code than 0.
    pub(super) fn failed_main(&self) -> Option<(&ContainerFacts, &Termination)> {
        self.pod
            .deciding()
            .filter_map(|container| Some((container, self.pod.end_of(container)?)))
            .find(|(_, end)| end.exit_code != 0)
    }
}
