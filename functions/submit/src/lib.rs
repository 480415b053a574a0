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
use shared::spec::problem::{Problem, Problems};
use shared::spec::read::{RUN_IDS, is_run_id};

use crate::accept::{Identity, Submitted};

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
            status::of(environment, &status::read(event.payload)?).await
        }
        None => {
            let bytes = event.payload.to_string().into_bytes();
            let submitted = Submitted {
                source_id: event.context.request_id.clone(),
                source: format!("invoke:{}", event.context.request_id),
                hops: 0,
                bytes,
                identity: Identity::Words,
            };
            let answer = accept::submission(environment, submitted, deadline).await?;
            json(&answer)
        }
    }
}

fn json(answer: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(answer)
        .map_err(|error| Error::Payload(format!("the answer cannot be written: {error}")))
}

/// The message's id, or that of the message which it repeats: one that comes out of the dead letters has a new id, and would be a new run.
fn source_of(message: &SqsMessage) -> String {
    let first =
        message.message_attributes.get(SOURCE_ID).and_then(|attribute| attribute.string_value.clone());
    first.filter(|id| is_run_id(id)).or_else(|| message.message_id.clone()).unwrap_or_default()
}

fn no_run_id(pointer: &str, found: &str) -> Problems {
    Problems(vec![Problem::new(pointer, "is no run id").found(found).accepted(RUN_IDS)])
}

async fn one(message: SqsMessage, environment: &Environment, deadline: jiff::Timestamp) -> Result<(), Error> {
    let id = source_of(&message);
    let body = message.body.unwrap_or_default();
    let submitted = |body: String| Submitted {
        source: format!("sqs:{id}"),
        source_id: id.clone(),
        hops: 0,
        bytes: body.into_bytes(),
        identity: Identity::Words,
    };
    // Whoever may send a submission may send these as well: the names in them become keys of the bucket.
    if let Ok(Continue { run }) = serde_json::from_str::<Continue>(&body) {
        if !is_run_id(&run.run_id) || run.group.contains('/') {
            let problems = no_run_id("/continue/runId", &run.run_id);
            return accept::rejected(environment, &submitted(body), None, problems).await.map(drop);
        }
        return carry_on::run(environment, run, deadline).await;
    }
    if let Ok(TriggeredMessage { triggered }) = serde_json::from_str::<TriggeredMessage>(&body) {
        if !is_run_id(&triggered.run_id) {
            let problems = no_run_id("/triggered/runId", &triggered.run_id);
            return accept::rejected(environment, &submitted(body), None, problems).await.map(drop);
        }
        return triggered::upload(environment, triggered, deadline).await;
    }
    accept::submission(environment, submitted(body), deadline).await.map(drop)
}
