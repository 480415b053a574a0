//! `trigger`: uploads become runs. Woken by the uploads queue, which gets the notifications of Longshore's own bucket and the events of others
//! from EventBridge, and by S3 or EventBridge directly.

mod event;
mod identity;
pub mod rules;
mod watch;

use std::sync::Arc;

use aws_lambda_events::event::sqs::SqsMessage;
use lambda_runtime::LambdaEvent;
use serde_json::{Value, json};
use shared::batch;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::Triggered;
use shared::spec::problem::{Problem, Problems};
use shared::spec::upload::Upload;
use shared::store::keys;
use shared::store::rejections::{self, Rejection};

use crate::rules::Rules;
use crate::watch::{Watch, is_own};

/// A batch of the queue, or one event as the payload of an invoke.
///
/// # Errors
/// When the rules cannot be read; for an invoke also when a run could not be handed in. Everything is delivered again.
pub async fn handle(
    event: LambdaEvent<Value>,
    environment: &Environment,
    rules: &Rules,
) -> Result<Value, lambda_runtime::Error> {
    let watches = rules.load(environment).await.map_err(Error::from)?;
    match batch::of(&event.payload) {
        Some(messages) => {
            let response = batch::each(messages, |message| one(message, environment, &watches)).await;
            Ok(serde_json::to_value(response)?)
        }
        None => {
            let id = event.context.request_id;
            let origin = Origin { id: &id, source: format!("invoke:{id}") };
            let sent = serde_json::to_vec(&event.payload)?;
            let runs = uploads(environment, &watches, &origin, event::uploads(&event.payload), &sent).await?;
            Ok(json!({"runIds": runs}))
        }
    }
}

/// Where an event came from.
struct Origin<'a> {
    id: &'a str,
    source: String,
}

async fn one(message: SqsMessage, environment: &Environment, watches: &[Arc<Watch>]) -> Result<(), Error> {
    let id = message.message_id.unwrap_or_default();
    let body = message.body.unwrap_or_default();
    let read = match serde_json::from_str::<Value>(&body) {
        Ok(event) => event::uploads(&event),
        Err(error) => {
            let problem = Problem::new("", format!("is no JSON: {error}"));
            Err(Problems(vec![problem.accepted(event::ACCEPTED)]))
        }
    };
    let origin = Origin { id: &id, source: format!("sqs:{id}") };
    uploads(environment, watches, &origin, read, body.as_bytes()).await.map(drop)
}

/// The ids of the runs that an event's uploads become. An event that cannot be read is kept.
async fn uploads(
    environment: &Environment,
    watches: &[Arc<Watch>],
    origin: &Origin<'_>,
    read: Result<Vec<Upload>, Problems>,
    sent: &[u8],
) -> Result<Vec<String>, Error> {
    let uploads = match read {
        Ok(uploads) => uploads,
        Err(problems) => {
            let rejection = Rejection::new(&origin.source, environment.clock.now(), &problems.0, sent);
            rejections::write(environment.bucket.as_ref(), origin.id, &rejection).await?;
            tracing::warn!(source = origin.source, problems = problems.0.len(), "the event is rejected");
            return Ok(Vec::new());
        }
    };
    let mut run_ids = Vec::new();
    for upload in &uploads {
        for triggered in runs_of(upload, watches, environment.bucket.name()) {
            environment.queues.hand_in(&triggered).await?;
            tracing::info!(
                run.id = triggered.run_id,
                rule = triggered.rule.as_ref().map(|rule| rule.name.as_str()),
                object.bucket = upload.bucket,
                object.key = upload.key,
                "the upload becomes a run"
            );
            run_ids.push(triggered.run_id);
        }
    }
    Ok(run_ids)
}

/// A task document is a run; what Longshore wrote is none; data is a run for each rule that it fits.
fn runs_of(upload: &Upload, watches: &[Arc<Watch>], own_bucket: &str) -> Vec<Triggered> {
    if upload.bucket == own_bucket && upload.key.starts_with(keys::SUBMISSIONS) {
        let run_id = identity::run_id(upload, None);
        return vec![Triggered { run_id, upload: upload.clone(), rule: None }];
    }
    if is_own(upload, own_bucket) {
        return Vec::new();
    }
    let fitting = watches.iter().filter(|watch| watch.fits(upload));
    fitting
        .map(|watch| Triggered {
            run_id: identity::run_id(upload, Some(&watch.rule.name)),
            upload: upload.clone(),
            rule: Some(watch.rule.clone()),
        })
        .collect()
}
