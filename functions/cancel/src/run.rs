//! One run is marked; `collect` then sees the mark.

use shared::effects::cancel;
use shared::environment::Environment;
use shared::error::Error;
use shared::run::diagnosis::{Cause, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::{records, results};

/// Cancel a run by its id; the answer is its state, which is its last one when it is over already.
pub async fn by_id(environment: &Environment, run_id: &str, reason: &str) -> Result<State, Error> {
    let bucket = environment.bucket.as_ref();
    if let Some(written) = results::read(bucket, run_id).await? {
        return Ok(written.result.state);
    }
    match records::find(bucket, run_id).await? {
        Some(stored) => {
            cancel::mark(environment, stored, reason).await?;
            Ok(State::Collecting)
        }
        // Not accepted yet: the result comes first, and the submission finds it, or this finds the record that the submission makes meanwhile.
        None => {
            let result = results::write_once(bucket, never_began(environment, run_id, reason)).await?;
            if let Some(stored) = records::find(bucket, run_id).await? {
                cancel::mark(environment, stored, reason).await?;
            }
            Ok(result.state)
        }
    }
}

fn never_began(environment: &Environment, run_id: &str, reason: &str) -> RunResult {
    let message = format!("the run was cancelled before it was accepted: {reason}");
    RunResult::without_attempt(
        run_id,
        State::Cancelled,
        Diagnosis::new(Cause::Cancelled, message),
        environment.clock.now(),
    )
}
