//! `cancel`: marks a run first; `collect` then sees the mark, ends the pod and writes the result. Woken by the cancel queue and by direct invokes.

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::batch;
use shared::effects::wait;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::{CancelMessage, CancelRequest};
use shared::run::diagnosis::{Cause, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::records::Stored;
use shared::store::{keys, records, results};

/// What a run is cancelled for when nobody says.
const NO_REASON: &str = "no reason was given";

/// A batch of the queue, or one request as the payload of an invoke, answered with `{runId, state}`.
///
/// # Errors
/// For an invoke, when the mark could not be set.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    match batch::of(&event.payload) {
        Some(messages) => {
            Ok(serde_json::to_value(batch::each(messages, |message| one(message, environment)).await)?)
        }
        None => {
            let message: CancelMessage = serde_json::from_value(event.payload)?;
            let state = cancel(environment, &message.cancel).await?;
            Ok(json!({"runId": message.cancel.run_id, "state": state}))
        }
    }
}

async fn one(message: SqsMessage, environment: &Environment) -> Result<(), Error> {
    let body = message.body.unwrap_or_default();
    let message: CancelMessage = serde_json::from_str(&body)
        .map_err(|source| Error::Message { message: body.chars().take(200).collect(), source })?;
    cancel(environment, &message.cancel).await.map(drop)
}

/// Mark the run, wherever it is. The answer is its state: a terminal one when it is over already.
async fn cancel(environment: &Environment, request: &CancelRequest) -> Result<State, Error> {
    let bucket = environment.bucket.as_ref();
    if let Some(written) = results::read(bucket, &request.run_id).await? {
        return Ok(written.result.state);
    }
    let reason = request.reason.as_deref().unwrap_or(NO_REASON);
    let Some(stored) = find(environment, &request.run_id).await? else {
        // Not accepted yet: the result comes first, and the submission finds it.
        return Ok(results::write_once(bucket, never_began(environment, &request.run_id, reason))
            .await?
            .state);
    };
    let now = environment.clock.now();
    let marked = records::change(bucket, stored, |record| {
        let changes = record.cancel.is_none();
        if changes {
            *record = record.clone().cancelled(now, reason).by(environment.writer.as_str());
        }
        changes
    });
    let stored = marked.await?;
    shared::crash::point("after-mark");
    tracing::info!(run.id = request.run_id, reason, "the run is marked as cancelled");
    environment.queues.look_at(&wait::message(&stored.record, 0), std::time::Duration::ZERO).await?;
    Ok(State::Collecting)
}

/// The run's record, in whichever group it is.
async fn find(environment: &Environment, run_id: &str) -> Result<Option<Stored>, Error> {
    let bucket = environment.bucket.as_ref();
    for group in bucket.folders(keys::ACTIVE).await? {
        match records::load(bucket, &group, run_id).await {
            Ok(stored) => return Ok(Some(stored)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
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
