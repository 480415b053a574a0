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
use shared::spec::problem::{Problem, Problems};
use shared::store::rejections::{self, Rejection};

use crate::order::{Order, Which};

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
        None => {
            let order = order::read(&event.payload).map_err(in_words)?;
            Ok(cancel(environment, &order).await?)
        }
    }
}

/// Whoever invokes gets every problem as the function's error.
fn in_words(problems: Problems) -> String {
    problems.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

async fn one(message: SqsMessage, environment: &Environment) -> Result<(), Error> {
    let body = message.body.unwrap_or_default();
    let read = match serde_json::from_str(&body) {
        Ok(payload) => order::read(&payload),
        Err(error) => {
            let problem = Problem::new("", format!("is no JSON: {error}"));
            Err(Problems(vec![problem.accepted(order::ACCEPTED)]))
        }
    };
    let order = match read {
        Ok(order) => order,
        Err(problems) => {
            return keep(environment, &message.message_id.unwrap_or_default(), &body, &problems).await;
        }
    };
    match cancel(environment, &order).await {
        // Ended and cleaned up between the look and the mark.
        Err(error) if error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

/// A message that cannot be read now will not be later: it is kept for people, and no other is held up.
async fn keep(environment: &Environment, id: &str, body: &str, problems: &Problems) -> Result<(), Error> {
    let source = format!("sqs:{id}");
    tracing::warn!(source, problems = problems.0.len(), "the request to cancel is rejected");
    let rejection = Rejection::new(&source, environment.clock.now(), &problems.0, body.as_bytes());
    Ok(rejections::write(environment.bucket.as_ref(), id, &rejection).await?)
}

async fn cancel(environment: &Environment, order: &Order) -> Result<Value, Error> {
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
