//! Where a run is, for a state machine that asks instead of waiting.

use serde::Deserialize;
use serde_json::{Value, json};
use shared::environment::Environment;
use shared::error::Error;
use shared::run::answer;
use shared::spec::place::shortened;
use shared::spec::problem::Problem;
use shared::spec::read::{RUN_IDS, is_run_id};
use shared::store::{keys, records, results};

/// The payload of an invoke that asks: `{"status": {"runId": "…"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusMessage {
    /// What is asked.
    status: StatusRequest,
}

/// Which run.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct StatusRequest {
    /// The run.
    run_id: String,
}

/// The run that is asked for.
///
/// # Errors
/// A refusal in words, when the question makes no sense: whoever asks gets it as the function's error.
pub fn read(payload: Value) -> Result<String, Error> {
    let message: StatusMessage = serde_json::from_value(payload).map_err(|error| {
        let accepted = r#"{"status": {"runId": "…"}}"#;
        Error::Payload(format!("`status` cannot be read: {error}; accepted: {accepted}"))
    })?;
    let run_id = message.status.run_id;
    if is_run_id(&run_id) {
        return Ok(run_id);
    }
    let found = shortened(&Value::from(run_id));
    let problem = Problem::new("/status/runId", "is no run id").found(found).accepted(RUN_IDS);
    Err(Error::Payload(problem.to_string()))
}

/// `{runId, state, ended}`; of a run that has ended also `resultUri`, and outputs and files or `error` and `cause`. `state` is null where there is no
/// such run (yet). Where another run took over, it is that one's, whose id is the answer's `runId`.
pub async fn of(environment: &Environment, run_id: &str) -> Result<Value, Error> {
    let bucket = environment.bucket.as_ref();
    let mut run_id = run_id.to_owned();
    // The result is written before the record goes: a run that ends between the looks is seen by the second one.
    let mut looks = 2;
    while looks > 0 {
        looks -= 1;
        if let Some(written) = results::read(bucket, &run_id).await? {
            let Some(successor) = written.result.superseded_by else {
                return Ok(answer::status(
                    &written.result,
                    &keys::uri(bucket.name(), &keys::result(&run_id)),
                ));
            };
            (run_id, looks) = (successor, 2);
            continue;
        }
        if let Some(stored) = records::find(bucket, &run_id).await? {
            return Ok(json!({"runId": run_id, "state": stored.record.apparent_state(), "ended": false}));
        }
    }
    Ok(json!({"runId": run_id, "state": null, "ended": false}))
}
