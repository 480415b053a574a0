//! `collect`: looks at one run, brings its logs and files back when its attempt is over, and ends it or lets the next attempt begin. Woken by the collect
//! queue: at once when something happened, later when a limit is due.

mod away;
mod event;

use std::time::Duration;

use aws_lambda_events::event::sqs::SqsMessage;
use jiff::Timestamp;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::batch;
use shared::cluster::error::ClusterError;
use shared::effects::{self, Turn, finish, observe, wait};
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::{MAX_HOPS, RunMessage};
use shared::run::decision::Next;
use shared::run::result::RunResult;
use shared::store::records::Stored;
use shared::store::{records, results};

/// The queue delivers a message five times (`maxReceiveCount`); before the last one a collection that cannot be done is given up, with a result that says so.
const LAST_TRY: u32 = 4;

/// Between what a helper says last and the end of its container.
const ENDING_PAUSE: Duration = Duration::from_secs(1);

/// A batch of the queue; failures are reported one by one.
///
/// # Errors
/// When the payload is no batch of a queue.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    let deadline = batch::deadline(event.context.deadline);
    let messages = batch::of(&event.payload).ok_or("the payload is no batch of a queue")?;
    let response = batch::each(messages, |message| one(message, environment, deadline)).await;
    Ok(serde_json::to_value(response)?)
}

async fn one(message: SqsMessage, environment: &Environment, deadline: Timestamp) -> Result<(), Error> {
    let body = message.body.as_deref().unwrap_or_default();
    if let Some(runs) = event::done(body, environment.bucket.name()) {
        return announce(environment, &runs).await;
    }
    let run: RunMessage =
        serde_json::from_str(body).map_err(|source| Error::Message { bytes: body.len(), source })?;
    if run.hops > MAX_HOPS {
        tracing::error!(run.id = run.run_id, hops = run.hops, "a message goes in circles and is dropped");
        return Ok(());
    }
    let received = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    let last_try = received.is_some_and(|count: u32| count >= LAST_TRY);
    match look(environment, &run, deadline, last_try).await {
        // The record went away under our hands: the run has ended and was cleaned up.
        Err(error) if error.is_not_found() => Ok(()),
        other => other,
    }
}

/// A helper has uploaded its files and is about to let its container end: that is looked at in a moment.
async fn announce(environment: &Environment, runs: &[String]) -> Result<(), Error> {
    for run_id in runs {
        if let Some(stored) = records::find(environment.bucket.as_ref(), run_id).await? {
            environment.queues.look_at(&wait::message(&stored.record, 0), ENDING_PAUSE).await?;
        }
    }
    Ok(())
}

/// Load, observe, decide, apply.
async fn look(
    environment: &Environment,
    run: &RunMessage,
    deadline: Timestamp,
    last_try: bool,
) -> Result<(), Error> {
    let bucket = environment.bucket.as_ref();
    let stored = records::load(bucket, &run.group, &run.run_id).await?;
    let turn = Turn { deadline, hops: run.hops, last_try };
    if let Some(written) = results::read(bucket, &run.run_id).await? {
        return away::not_for_the_pod(follow_up(environment, stored, &written.result).await);
    }
    let known = stored.clone();
    let (stored, observation, _) = match observe::pod(environment, stored).await {
        // Nobody can look for a pod in a cluster that nobody knows, and `submit` waits for it, or ends the run if somebody asked for that.
        Err(Error::Cluster(ClusterError::Unknown { .. })) if !known.record.has_pod() => {
            return Ok(environment
                .queues
                .carry_on(&wait::message(&known.record, run.hops), Duration::ZERO)
                .await?);
        }
        Err(Error::Cluster(error)) => return away::look(environment, known, error, turn).await,
        other => other?,
    };
    let decision = shared::run::decide(&stored.record, &observation, environment.clock.now());
    tracing::debug!(run.id = run.run_id, decision = ?decision.next, "looked at the run");
    if decision.next == Next::Create {
        // Checking the inputs and signing for them takes rights that `submit` has.
        return effects::hand_over(environment, &stored, &decision.next).await;
    }
    effects::apply(environment, stored, &observation, decision, turn).await
}

/// What is left to do for a run that has ended. A pod whose creator got no answer before it gave up is the run's as well, and goes with it.
async fn follow_up(environment: &Environment, stored: Stored, result: &RunResult) -> Result<(), Error> {
    if stored.record.has_pod() {
        return finish::follow_up(environment, &stored.record, result).await;
    }
    let known = stored.clone();
    let (stored, unseen) = match observe::pod(environment, stored).await {
        Ok((stored, _, _)) => (stored, Ok(())),
        // Whoever takes over does not wait for this cluster.
        Err(error @ Error::Cluster(_)) => (known, Err(error)),
        Err(error) => return Err(error),
    };
    finish::follow_up(environment, &stored.record, result).await.and(unseen)
}
