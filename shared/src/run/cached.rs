//! `taskCache`: what makes two runs the same, and when the outcome of the one may stand for the other.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::limits::later;
use super::record::Record;
use super::result::RunResult;
use super::state::State;
use crate::resolve::plan::Plan;
use crate::spec::cache::TaskCache;
use crate::spec::label::hex;

/// The version this code writes.
pub const FORMAT_VERSION: u32 = 1;

/// `cache/<key>.json`: the success that stands for other runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CacheEntry {
    /// Version of this format.
    pub format_version: u32,
    /// The run that succeeded; its result tells the rest.
    pub run_id: String,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// An input file and what tells its content from another: a hash, or the object's etag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputVersion {
    /// Path below the working directory.
    pub path: String,
    /// `sha256:…` or `etag:…`.
    pub version: String,
}

/// The name of what the run computes: 64 hex digits of SHA-256 over the task's names, its pod as rendered, what goes in and what comes out, and where it
/// runs. Limits, retries and how the pod is cleaned up change nothing of the outcome and do not count.
pub fn key(plan: &Plan, group: &str, inputs: &[InputVersion]) -> String {
    let files = &plan.files;
    let inputs: Map<String, Value> =
        inputs.iter().map(|input| (input.path.clone(), input.version.as_str().into())).collect();
    let name = &plan.task;
    let content = json!({
        "task": [name.namespace, name.flow, name.id, name.kind],
        "where": [group, plan.target.namespace],
        "pod": plan.pod,
        "deciding": plan.deciding,
        "inputs": inputs,
        "outputs": files.outputs,
        "outputDir": files.output_dir,
        "carrier": files.carrier,
        "volume": files.volume,
        "failOnMissingOutputs": plan.fail_on_missing_outputs,
    });
    hex(&Sha256::digest(sorted(content).to_string()), 64)
}

/// The same value with the keys of every map in order: two spellings of one document are one.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut pairs: Vec<(String, Value)> = map.into_iter().collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            Value::Object(pairs.into_iter().map(|(key, value)| (key, sorted(value))).collect())
        }
        Value::Array(list) => list.into_iter().map(sorted).collect(),
        other => other,
    }
}

impl CacheEntry {
    /// The success that a result tells.
    pub fn of(result: &RunResult) -> Self {
        CacheEntry {
            format_version: FORMAT_VERSION,
            run_id: result.run_id.clone(),
            ended_at: result.timings.ended_at,
        }
    }

    /// It may stand for a run with this cache at that time.
    pub fn is_fresh(&self, cache: &TaskCache, now: Timestamp) -> bool {
        cache.ttl_seconds.is_none_or(|seconds| now < later(self.ended_at, seconds))
    }
}

/// The outcome of a run of its own may stand for others: a success, and without warnings unless the task says that they do not matter (`allowWarning`).
/// Warnings about the document itself come again with it and do not count.
pub fn is_reusable(record: &Record, result: &RunResult) -> bool {
    let has_warnings = result.warnings.len() > record.plan.warnings.len();
    result.state == State::Succeeded
        && result.tolerated.is_none()
        && result.cached_from.is_none()
        && (!has_warnings || record.plan.allow_warning)
}
