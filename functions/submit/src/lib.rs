//! `submit`: task submissions become runs. Woken by the submissions queue (batches, partial failures) and by direct invokes.

mod accept;
mod carry_on;
mod reject;

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::LambdaEvent;
use serde_json::Value;
use shared::batch;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::Continue;

use crate::accept::Submitted;

/// A batch of the queue, or one submission as the payload of an invoke. An invoke is answered with `{runId, state}` or `{state: REJECTED, problems}`.
///
/// # Errors
/// For an invoke, when the run could not be taken over; nothing is lost for a batch, whose failures are reported one by one.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    let deadline = batch::deadline(event.context.deadline);
    match batch::of(&event.payload) {
        Some(messages) => {
            let response = batch::each(messages, |message| one(message, environment, deadline)).await;
            Ok(serde_json::to_value(response)?)
        }
        None => {
            let bytes = serde_json::to_vec(&event.payload)?;
            let submitted = Submitted {
                source_id: event.context.request_id.clone(),
                source: format!("invoke:{}", event.context.request_id),
                bytes,
            };
            let answer = accept::submission(environment, submitted, deadline).await?;
            Ok(serde_json::to_value(answer)?)
        }
    }
}

async fn one(message: SqsMessage, environment: &Environment, deadline: jiff::Timestamp) -> Result<(), Error> {
    let id = message.message_id.unwrap_or_default();
    let body = message.body.unwrap_or_default();
    match serde_json::from_str::<Continue>(&body) {
        Ok(message) => carry_on::run(environment, message.run, deadline).await,
        Err(_) => {
            let submitted =
                Submitted { source: format!("sqs:{id}"), source_id: id, bytes: body.into_bytes() };
            accept::submission(environment, submitted, deadline).await.map(drop)
        }
    }
}
