//! `notify`: tells whoever asked how a run ended. Woken by whoever wrote the result of a run for which somebody waits, by `submit` and `poll` for answers
//! that this does not cover, and, where there is an event bus, by the bucket when a `result.json` is written; all through the notify queue.

mod event;
mod succession;
mod tell;

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::batch;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::AnswerMessage;

/// A batch of the queue; failures are reported one by one.
///
/// # Errors
/// When the payload is no batch of a queue.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    let messages = batch::of(&event.payload).ok_or("the payload is no batch of a queue")?;
    let response = batch::each(messages, |message| one(message, environment)).await;
    Ok(serde_json::to_value(response)?)
}

async fn one(message: SqsMessage, environment: &Environment) -> Result<(), Error> {
    let body = message.body.unwrap_or_default();
    if let Ok(message) = serde_json::from_str::<AnswerMessage>(&body) {
        return tell::asked(environment, &message.answer).await;
    }
    for run_id in event::results(&body, environment.bucket.name())? {
        tell::bus(environment, &run_id).await?;
    }
    Ok(())
}
