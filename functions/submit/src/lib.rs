//! `submit`: task submissions become runs. Woken by the submissions queue (batches, partial failures) and by direct invokes.

mod accept;
mod answer;
mod carry_on;
mod join;
mod reject;
mod status;
mod triggered;

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde::Serialize;
use serde_json::Value;
use shared::batch;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::{Continue, SOURCE_ID, TriggeredMessage};
use shared::run::answer::class_name;
use shared::spec::read::is_run_id;

use crate::accept::Submitted;
use crate::status::StatusMessage;

/// A batch of the queue, or one submission as the payload of an invoke, which is answered with `{runId, state}`, and `problems` when it is `REJECTED`; or
/// the question where a run is, `{"status": {"runId": "…"}}`.
///
/// # Errors
/// For an invoke, when the run could not be taken over; its type is a name that `Retry` and `Catch` of a state machine match, such as
/// `Longshore.infrastructure`. Nothing is lost for a batch, whose failures are reported one by one.
pub async fn handle(event: LambdaEvent<Value>, environment: &Environment) -> Result<Value, Diagnostic> {
    respond(event, environment)
        .await
        .map_err(|error| Diagnostic { error_type: class_name(error.class()), error_message: error.in_full() })
}

async fn respond(event: LambdaEvent<Value>, environment: &Environment) -> Result<Value, Error> {
    let deadline = batch::deadline(event.context.deadline);
    match batch::of(&event.payload) {
        Some(messages) => {
            let response = batch::each(messages, |message| one(message, environment, deadline)).await;
            json(&response)
        }
        None if event.payload.get("status").is_some() => {
            let message: StatusMessage = serde_json::from_value(event.payload)
                .map_err(|source| Error::Message { message: "status".into(), source })?;
            status::of(environment, &message.status.run_id).await
        }
        None => {
            let bytes = event.payload.to_string().into_bytes();
            let submitted = Submitted {
                source_id: event.context.request_id.clone(),
                source: format!("invoke:{}", event.context.request_id),
                hops: 0,
                bytes,
            };
            let answer = accept::submission(environment, submitted, deadline).await?;
            json(&answer)
        }
    }
}

fn json(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer).map_err(|source| Error::Message { message: "an answer".into(), source })
}

/// The message's id, or that of the message which it repeats: one that comes out of the dead letters has a new id, and would be a new run.
fn source_of(message: &SqsMessage) -> String {
    let first =
        message.message_attributes.get(SOURCE_ID).and_then(|attribute| attribute.string_value.clone());
    first.filter(|id| is_run_id(id)).or_else(|| message.message_id.clone()).unwrap_or_default()
}

async fn one(message: SqsMessage, environment: &Environment, deadline: jiff::Timestamp) -> Result<(), Error> {
    let id = source_of(&message);
    let body = message.body.unwrap_or_default();
    if let Ok(message) = serde_json::from_str::<Continue>(&body) {
        return carry_on::run(environment, message.run, deadline).await;
    }
    if let Ok(message) = serde_json::from_str::<TriggeredMessage>(&body) {
        return triggered::upload(environment, message.triggered, deadline).await;
    }
    let submitted =
        Submitted { source: format!("sqs:{id}"), source_id: id, hops: 0, bytes: body.into_bytes() };
    accept::submission(environment, submitted, deadline).await.map(drop)
}
