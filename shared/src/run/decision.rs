//! What `decide` answers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::diagnosis::Diagnosis;
use super::state::State;

/// Where the run is and what comes next. Plain data: the same record, observation and time give the same decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The state as a user would be told it now.
    pub state: State,
    /// What to do about it.
    pub next: Next,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Nothing before that time; events may come earlier. It is the nearest limit of the run (waiting, running, image-pull grace, `notBefore`).
    Wait {
        /// When to look again even if nothing happens.
        until: Timestamp,
    },
    /// The attempt has no pod yet and may have one: create it.
    Create,
    /// The attempt is over, or must be ended: bring back logs and files, then carry the ending out.
    Collect(Ending),
    /// The attempt is over and there is no pod to collect anything from: carry the ending out.
    End(Ending),
}

/// How an attempt ends.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ending {
    /// What becomes of the run.
    pub outcome: Outcome,
    /// Why, for everything but plain success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// Containers still run and must be stopped (time limit, cancel, stuck start): the pod is deleted with its grace before files are collected.
    pub stop: bool,
    /// What the result should warn of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// What becomes of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum Outcome {
    /// It ends in this terminal state.
    Finish(State),
    /// Another attempt follows.
    #[serde(rename_all = "camelCase")]
    Retry {
        /// Not before this time.
        not_before: Timestamp,
        /// The attempt that just ended counts against the retry policy.
        counted: bool,
    },
    /// The run ends in this terminal state, and a new run takes over.
    #[serde(rename_all = "camelCase")]
    NewRun {
        /// How this one ends.
        state: State,
        /// The new one does not begin before this time.
        not_before: Timestamp,
    },
}
