//! A submission: a task document plus inputs, an optional run id, and where the answer goes.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::Asked;
use super::origin::Origin;

/// What arrives on the queue, after the envelope was told apart from a bare task document.
#[derive(Clone, Debug, PartialEq)]
pub struct Submission {
    /// The caller's run id; else it is derived from the source.
    pub run_id: Option<String>,
    /// The task document as a tree; `pointer_base` tells where it stood in what was sent.
    pub document: Value,
    /// Values for `{{ inputs.… }}`.
    pub inputs: Map<String, Value>,
    /// Values for `{{ trigger.… }}`.
    pub trigger: Map<String, Value>,
    /// Prefix of JSON pointers into `document`: empty for a bare document, `/task` in an envelope.
    pub pointer_base: String,
    /// Where the answer goes.
    pub asked: Asked,
    /// The state of a state machine that it comes from.
    pub origin: Option<Origin>,
    /// Place among the runs that wait for a free place, before what the document says.
    pub priority: Option<i32>,
}

/// The envelope as the command `longshore` writes it: `{"task": …, "inputs": {…}, "runId": "…", "trigger": {…}}`. `task` is an object, or a string of
/// YAML or JSON. Others write more ([`super::read`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Envelope {
    /// The task document.
    pub task: Value,
    /// Values for `{{ inputs.… }}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// The run id to use: 1 to 128 of `A-Z a-z 0-9 . _ -`, beginning and ending with a letter or digit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Values for `{{ trigger.… }}`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub trigger: Map<String, Value>,
}
