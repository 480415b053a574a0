//! `cancel`: marks runs first; `collect` then sees the mark, ends the pod and writes the result. Woken by the cancel queue, by direct invokes, and by
//! EventBridge when an execution of a state machine was aborted or timed out.

mod order;
mod run;
mod several;

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::batch;
use shared::environment::Environment;
use shared::error::Error;

use crate::order::Which;

/// A batch of the queue, or one request as the payload of an invoke, answered with `{runId, state}`, or with `{runIds}` where several may be meant.
///
/// # Errors
/// For an invoke, when a mark could not be set.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
) -> Result<Value, lambda_runtime::Error> {
    match batch::of(&event.payload) {
        Some(messages) => {
            Ok(serde_json::to_value(batch::each(messages, |message| one(message, environment)).await)?)
        }
        None => Ok(cancel(environment, event.payload).await?),
    }
}

async fn one(message: SqsMessage, environment: &Environment) -> Result<(), Error> {
    let body = message.body.unwrap_or_default();
    let payload = serde_json::from_str(&body)
        .map_err(|source| Error::Message { message: body.chars().take(200).collect(), source })?;
    match cancel(environment, payload).await {
        // Ended and cleaned up between the look and the mark.
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

async fn cancel(environment: &Environment, payload: Value) -> Result<Value, Error> {
    let order = order::read(payload)?;
    match &order.which {
        Which::Run(run_id) => {
            let state = run::by_id(environment, run_id, &order.reason).await?;
            Ok(json!({"runId": run_id, "state": state}))
        }
        Which::Selected(selector) => {
            Ok(json!({"runIds": several::selected(environment, selector, &order.reason).await?}))
        }
        Which::Execution(id) => {
            Ok(json!({"runIds": several::of_execution(environment, id, &order.reason).await?}))
        }
    }
}
