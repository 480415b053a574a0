//! Telling somebody how a run ended, and remembering that it was done.

use jiff::Timestamp;
use shared::answers::{Message, Told};
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::AnswerRequest;
use shared::run::answer;
use shared::run::result::RunResult;
use shared::spec::answer::Address;
use shared::store::records::{self, Stored};
use shared::store::{keys, results};

use crate::succession;

/// A result was written: the event bus is told.
pub async fn bus(environment: &Environment, run_id: &str) -> Result<(), Error> {
    let Some(written) = results::read(environment.bucket.as_ref(), run_id).await? else { return Ok(()) };
    let detail = answer::event(&written.result, &uri(environment, run_id));
    Ok(environment.answers.announce(&detail).await?)
}

/// Somebody waits for the end of a run that has a result: all whom its record names, or one whom it does not.
pub async fn asked(environment: &Environment, request: &AnswerRequest) -> Result<(), Error> {
    let Some(written) = results::read(environment.bucket.as_ref(), &request.run_id).await? else {
        tracing::warn!(run.id = request.run_id, "the run has no result to tell of");
        return Ok(());
    };
    let stored = record_of(environment, &written.result).await?;
    let waiting: Vec<Address> = match (&request.to, &stored) {
        (Some(address), _) => vec![address.clone()],
        (None, Some(stored)) => stored.record.unanswered().cloned().collect(),
        (None, None) => Vec::new(),
    };
    each(environment, &written.result, stored, &waiting).await
}

async fn record_of(environment: &Environment, result: &RunResult) -> Result<Option<Stored>, Error> {
    // Cancelled before it was accepted: its submission may have made a record at the same moment.
    let Some(group) = &result.group else {
        return Ok(records::find(environment.bucket.as_ref(), &result.run_id).await?);
    };
    match records::load(environment.bucket.as_ref(), group, &result.run_id).await {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Tell each of them. One who cannot be told now keeps nobody else waiting; the message comes again for that one.
async fn each(
    environment: &Environment,
    result: &RunResult,
    stored: Option<Stored>,
    waiting: &[Address],
) -> Result<(), Error> {
    let mut settled: Vec<(&Address, Option<String>)> = Vec::new();
    let mut failure = None;
    for address in waiting {
        if let Some(successor) = &result.superseded_by {
            match succession::hand_on(environment, result, successor, address).await {
                Ok(true) => settled.push((address, None)),
                // Nobody but this message may know of somebody whom the record does not name.
                Ok(false) if !named(stored.as_ref(), address) => {
                    failure = Some(Error::Unbegun { run_id: successor.clone() });
                }
                // The next look of the group's poll at the record asks again.
                Ok(false) => {}
                Err(error) => failure = Some(error),
            }
            continue;
        }
        match one(environment, result, address).await {
            Ok(told) => settled.push((address, log(result, address, told))),
            Err(error) => failure = Some(error),
        }
    }
    shared::crash::point("after-answer");
    if let Some(stored) = stored {
        remember(environment, stored, &settled, environment.clock.now()).await?;
    }
    failure.map_or(Ok(()), Err)
}

fn named(stored: Option<&Stored>, address: &Address) -> bool {
    stored.is_some_and(|stored| stored.record.unanswered().any(|waiting| waiting == address))
}

async fn one(environment: &Environment, result: &RunResult, address: &Address) -> Result<Told, Error> {
    let uri = uri(environment, &result.run_id);
    let answers = environment.answers.as_ref();
    let told = match address {
        Address::TaskToken { task_token } => answers.reply(task_token, &answer::reply(result, &uri)).await,
        Address::Queue { queue_url, correlation_id } => {
            let message = Message {
                queue_url: queue_url.clone(),
                correlation_id: correlation_id.clone(),
                run_id: result.run_id.clone(),
                body: answer::message(result, &uri),
            };
            answers.send(&message).await
        }
    };
    Ok(told?)
}

/// Why it was refused, if it was.
fn log(result: &RunResult, address: &Address, told: Told) -> Option<String> {
    let (run_id, to) = (&result.run_id, address.kind());
    match told {
        Told::Taken => tracing::info!(run.id = run_id, to, "the answer is given"),
        Told::NobodyWaits => tracing::info!(run.id = run_id, to, "nobody waits for the answer any more"),
        Told::Refused(reason) => {
            tracing::error!(run.id = run_id, to, reason, "the answer cannot be given");
            return Some(reason);
        }
    }
    None
}

async fn remember(
    environment: &Environment,
    stored: Stored,
    settled: &[(&Address, Option<String>)],
    now: Timestamp,
) -> Result<(), Error> {
    let changed = records::change(environment.bucket.as_ref(), stored, |record| {
        let before = record.clone();
        for (address, refused) in settled {
            *record = record.clone().answered(address, now, refused.clone());
        }
        let changes = *record != before;
        if changes {
            *record = record.clone().by(environment.writer.as_str());
        }
        changes
    });
    match changed.await {
        // The record went meanwhile: everything was settled.
        Err(error) if error.is_not_found() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}

fn uri(environment: &Environment, run_id: &str) -> String {
    keys::uri(environment.bucket.name(), &keys::result(run_id))
}
