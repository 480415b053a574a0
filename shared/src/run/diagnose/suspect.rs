//! What a rule found.

use crate::run::diagnosis::{Cause, Class, Diagnosis};
use crate::run::evidence::evidence;
use crate::run::facts::{ContainerFacts, PodFacts};
use crate::run::hints;
use crate::run::observation::EventFact;
use crate::run::reasons;

/// A cause, and who gave it.
pub(super) struct Suspect {
    pub(super) cause: Cause,
    pub(super) class: Option<Class>,
    pub(super) container: Option<String>,
    pub(super) exit_code: Option<i32>,
    pub(super) message: String,
    pub(super) hint: Option<&'static str>,
}

impl Suspect {
    pub(super) fn new(cause: Cause, message: impl Into<String>) -> Self {
        Suspect { cause, class: None, container: None, exit_code: None, message: message.into(), hint: None }
    }

    pub(super) fn in_container(mut self, container: &ContainerFacts) -> Self {
        self.container = Some(container.name.clone());
        self
    }

    pub(super) fn with_exit(mut self, exit_code: i32) -> Self {
        self.exit_code = Some(exit_code);
        self
    }

    pub(super) fn with_hint(mut self, hint: &'static str) -> Self {
        self.hint = Some(hint);
        self
    }

    pub(super) fn with_class(mut self, class: Class) -> Self {
        self.class = Some(class);
        self
    }

    pub(super) fn diagnosis(self, pod: Option<&PodFacts>, events: &[EventFact]) -> Diagnosis {
        Diagnosis {
            class: self.class.unwrap_or_else(|| reasons::class(self.cause)),
            cause: self.cause,
            evidence: evidence(pod, self.container.as_deref(), events),
            container: self.container,
            exit_code: self.exit_code,
            signal: self.exit_code.and_then(signal),
            message: self.message,
            hint: self.hint.unwrap_or_else(|| hints::hint(self.cause)).to_owned(),
        }
    }
}

/// The signal behind an exit code; Kubernetes' own `signal` field is never set.
pub(super) fn signal(exit_code: i32) -> Option<i32> {
    (129..=159).contains(&exit_code).then(|| exit_code - 128)
}
