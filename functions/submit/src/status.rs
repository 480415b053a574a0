//! Where a run is, for a state machine that asks instead of waiting.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::environment::Environment;
use shared::error::Error;
use shared::run::answer;
use shared::store::{keys, records, results};

/// The payload of an invoke that asks: `{"status": {"runId": "…"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusMessage {
    /// What is asked.
    pub status: StatusRequest,
}

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct StatusRequest {
    /// The run.
    pub run_id: String,
}

/// `{runId, state, ended}`; of a run that has ended also `resultUri`, and outputs and files or `error` and `cause`. `state` is null where there is no
/// such run (yet).
pub async fn of(environment: &Environment, run_id: &str) -> Result<Value, Error> {
    let bucket = environment.bucket.as_ref();
    // The result is written before the record goes: a run that ends between the looks is seen by the second one.
    for _ in 0..2 {
        if let Some(written) = results::read(bucket, run_id).await? {
            return Ok(answer::status(&written.result, &keys::uri(bucket.name(), &keys::result(run_id))));
        }
        if let Some(stored) = records::find(bucket, run_id).await? {
            return Ok(json!({"runId": run_id, "state": stored.record.apparent_state(), "ended": false}));
        }
    }
    Ok(json!({"runId": run_id, "state": null, "ended": false}))
}
