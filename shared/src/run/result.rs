//! What a run ends with: `runs/<run-id>/result.json`, written once.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::diagnosis::Diagnosis;
use super::state::State;

/// The version this code writes.
pub const FORMAT_VERSION: u32 = 1;

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RunResult {
    /// Version of this format.
    pub format_version: u32,
    /// The run.
    pub run_id: String,
    /// Hex SHA-256 of the submission's bytes; absent where no submission was read (a cancel that came first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submission_hash: Option<String>,
    /// Group of the run's record, which knows who is to be told; absent where there never was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// How it ended; always terminal.
    pub state: State,
    /// Why, unless it succeeded; also where a failure was tolerated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diagnosis: Option<Diagnosis>,
    /// Why nothing was done, where the state is `SKIPPED`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped_because: Option<String>,
    /// How the run would have ended, had the task not allowed failure (`allowFailure`): `FAILED` or `TIMED_OUT`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tolerated: Option<State>,
    /// The run whose outcome this is (`taskCache`): outputs, files and logs are its.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_from: Option<String>,
    /// The run that this one follows (`behavior: CREATE_NEW_EXECUTION`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub predecessor: Option<String>,
    /// The run that takes over from this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<String>,
    /// Every problem of a submission that was rejected.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub problems: Vec<crate::spec::problem::Problem>,
    /// Variables that the task set with `::{"outputs":…}::` lines.
    #[serde(default)]
    pub outputs: Map<String, Value>,
    /// The pod of a `PodCreate` as it was last seen, where it could be seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<PodOutputs>,
    /// Files brought back, sorted by path.
    #[serde(default)]
    pub output_files: Vec<OutputFile>,
    /// Log objects by container.
    #[serde(default)]
    pub logs: BTreeMap<String, LogObject>,
    /// The last 64 KiB of the deciding container's log, when the run did not succeed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_tail: Option<String>,
    /// What went not quite right.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The attempt that counts; 0 when none was made.
    pub attempt: u32,
    /// Name of its pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_name: Option<String>,
    /// Kubernetes namespace of the pod.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// When what happened.
    pub timings: Timings,
}

impl RunResult {
    /// How the run itself ended, whatever the task made of it.
    pub fn own_state(&self) -> State {
        self.tolerated.unwrap_or(self.state)
    }

    /// The result of a run that ended before its first attempt.
    pub fn without_attempt(run_id: &str, state: State, diagnosis: Diagnosis, ended_at: Timestamp) -> Self {
        RunResult {
            format_version: FORMAT_VERSION,
            run_id: run_id.to_owned(),
            submission_hash: None,
            group: None,
            state,
            diagnosis: Some(diagnosis),
            skipped_because: None,
            tolerated: None,
            cached_from: None,
            predecessor: None,
            superseded_by: None,
            problems: Vec::new(),
            outputs: Map::new(),
            pod: None,
            output_files: Vec::new(),
            logs: BTreeMap::new(),
            log_tail: None,
            warnings: Vec::new(),
            attempt: 0,
            pod_name: None,
            namespace: None,
            timings: Timings { ended_at, ..Timings::default() },
        }
    }
}

/// What a `PodCreate` tells of its pod.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PodOutputs {
    /// `metadata`, without `managedFields`.
    pub metadata: Value,
    /// `status`.
    pub status: Value,
}

/// A file that was brought back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OutputFile {
    /// Path below the working directory.
    pub path: String,
    /// `s3://bucket/key`; the key holds the path as it is.
    pub uri: String,
    /// Bytes.
    pub size: u64,
    /// Lower-case hex.
    pub sha256: String,
}

/// Where a container's log is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogObject {
    /// `s3://bucket/key`.
    pub uri: String,
    /// Bytes.
    pub size: u64,
    /// False when the beginning had been rotated away before it could be read.
    pub complete: bool,
}

/// Moments (RFC 3339) and spans (milliseconds) of a run; what did not happen is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// The submission was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// The pod of the attempt that counts was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod_created_at: Option<Timestamp>,
    /// Its deciding container started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// … and ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The collection began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_from: Option<Timestamp>,
    /// The result was written.
    pub ended_at: Timestamp,
    /// From acceptance to result.
    pub total_ms: u64,
    /// From the deciding container's start to its end (whole seconds, as Kubernetes tells them).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub running_ms: Option<u64>,
    /// The collection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collecting_ms: Option<u64>,
}
