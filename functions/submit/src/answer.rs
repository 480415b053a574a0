//! Who is told how a run ends: kept with the run while it is active, told at once when it is over.

use bytes::Bytes;
use shared::environment::Environment;
use shared::error::Error;
use shared::queue::AnswerRequest;
use shared::run::record::Record;
use shared::run::result::RunResult;
use shared::spec::answer::{Address, Asked};
use shared::store::bucket::Condition;
use shared::store::records::{self, Stored};
use shared::store::{keys, results};

/// Another delivery of the submission of an active run: who is new waits for its end too.
pub async fn join(environment: &Environment, stored: Stored, asked: &Asked) -> Result<Stored, Error> {
    let bucket = environment.bucket.as_ref();
    let mut joined = false;
    let changed = records::change(bucket, stored, |record| {
        let with = record.clone().asked(asked);
        joined = with != *record;
        if joined {
            *record = with.by(environment.writer.as_str());
        }
        joined
    });
    let stored = changed.await?;
    // It may have ended meanwhile, and whoever was told then did not include this one.
    if joined && results::read(bucket, &stored.record.run_id).await?.is_some() {
        let run_id = stored.record.run_id.clone();
        environment.queues.answer(&AnswerRequest { run_id, to: None }).await?;
    }
    Ok(stored)
}

/// A run that promised signs of life is listed for `poll`.
pub async fn promise(environment: &Environment, record: &Record) -> Result<(), Error> {
    if record.heartbeat_seconds.is_some() {
        let key = keys::heartbeat(&record.group, &record.run_id);
        environment.bucket.put(&key, Bytes::new(), Condition::Always).await?;
    }
    Ok(())
}

/// The run is over already. Whoever its record knows has been told or soon will be; a state of Step Functions that asks again has not got its answer.
pub async fn ended(environment: &Environment, result: &RunResult, asked: &Asked) -> Result<(), Error> {
    if asked.addresses.is_empty() {
        return Ok(());
    }
    let record = match &result.group {
        Some(group) => match records::load(environment.bucket.as_ref(), group, &result.run_id).await {
            Ok(stored) => Some(stored.record),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error.into()),
        },
        None => None,
    };
    let known = |address: &Address| {
        let mut answers = record.iter().flat_map(|record| &record.answers);
        let settled = answers.find(|answer| answer.to == *address).map(|answer| answer.settled_at.is_some());
        match address {
            Address::TaskToken { .. } => settled == Some(false),
            Address::Queue { .. } => settled.is_some(),
        }
    };
    let fresh = asked.addresses.iter().filter(|address| !known(address));
    tell(environment, &result.run_id, fresh).await
}

/// Have everybody told how a run ended that has no record.
pub async fn tell(
    environment: &Environment,
    run_id: &str,
    addresses: impl Iterator<Item = &Address>,
) -> Result<(), Error> {
    for address in addresses {
        let request = AnswerRequest { run_id: run_id.to_owned(), to: Some(address.clone()) };
        environment.queues.answer(&request).await?;
    }
    Ok(())
}
