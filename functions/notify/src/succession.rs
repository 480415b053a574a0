//! Who waits for a run that another took over waits for that one.

use shared::environment::Environment;
use shared::error::Error;
use shared::queue::AnswerRequest;
use shared::run::result::RunResult;
use shared::spec::answer::{Address, Asked};
use shared::store::records::{self, Stored};
use shared::store::results;

use crate::tell;

/// See that the run which takes over tells somebody how it ends, or tell how it has ended. `false` while it has not begun: its record will name whom the one
/// before named.
pub async fn hand_on(
    environment: &Environment,
    before: &RunResult,
    successor: &str,
    address: &Address,
) -> Result<bool, Error> {
    let bucket = environment.bucket.as_ref();
    // In this order: a run that ends between the looks has a result after the second.
    let stored = record_of(environment, before, successor).await?;
    if stored.as_ref().is_some_and(|stored| knows(stored, address)) {
        return Ok(true);
    }
    if results::read(bucket, successor).await?.is_some() {
        tell(environment, successor, address).await?;
        return Ok(true);
    }
    let Some(stored) = stored else { return Ok(false) };
    let asked = Asked { addresses: vec![address.clone()], heartbeat_seconds: None };
    let changed = records::change(bucket, stored, |record| {
        let with = record.clone().asked(&asked);
        let changes = with != *record;
        if changes {
            *record = with.by(environment.writer.as_str());
        }
        changes
    });
    match changed.await {
        Ok(_) => {}
        // It has ended, and its record went.
        Err(error) if error.is_not_found() => {}
        Err(error) => return Err(error.into()),
    }
    // Whoever told how it ended may not have seen this one yet.
    if results::read(bucket, successor).await?.is_some() {
        tell(environment, successor, address).await?;
    }
    Ok(true)
}

fn knows(stored: &Stored, address: &Address) -> bool {
    stored.record.answers.iter().any(|answer| answer.to == *address)
}

/// It stays in the group of the run before.
async fn record_of(
    environment: &Environment,
    before: &RunResult,
    successor: &str,
) -> Result<Option<Stored>, Error> {
    let Some(group) = &before.group else { return Ok(None) };
    match records::load(environment.bucket.as_ref(), group, successor).await {
        Ok(stored) => Ok(Some(stored)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn tell(environment: &Environment, successor: &str, address: &Address) -> Result<(), Error> {
    let request = AnswerRequest { run_id: successor.to_owned(), to: Some(address.clone()) };
    Box::pin(tell::asked(environment, &request)).await
}
