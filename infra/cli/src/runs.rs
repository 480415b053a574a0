//! Runs as they stand in the bucket.

use futures::{StreamExt, TryStreamExt, stream};
use serde::de::DeserializeOwned;
use shared::run::record::Record;
use shared::run::result::RunResult;
use shared::store::keys;

use crate::cloud::{Cloud, Whose};
use crate::exit::Failure;

/// Records that are read side by side: a deployment may have thousands, and each takes some 20 ms.
const AT_A_TIME: usize = 32;

/// What the bucket knows of a run.
#[derive(Debug)]
pub enum Run {
    /// It has ended.
    Ended(Box<RunResult>),
    /// It is under way.
    Active(Box<Record>),
}

/// Look a run up: its result, else its record.
///
/// # Errors
/// When the bucket cannot be reached, or there is no such run (exit code 2).
pub async fn find(cloud: &Cloud, run_id: &str) -> Result<Run, Failure> {
    crate::run_id::check(run_id)?;
    // The result is written before the record goes, so a run that ends between the two looks is seen by a second one.
    for _ in 0..2 {
        if let Some(result) = result(cloud, run_id).await? {
            return Ok(Run::Ended(Box::new(result)));
        }
        if let Some(record) = record(cloud, run_id).await? {
            return Ok(Run::Active(Box::new(record)));
        }
    }
    Err(Failure::wrong(format!("there is no run `{run_id}`"))
        .remedy("`longshore list` shows the runs; one that was just submitted needs a moment"))
}

/// The result of a run, if it has ended.
///
/// # Errors
/// When the bucket cannot be reached.
pub async fn result(cloud: &Cloud, run_id: &str) -> Result<Option<RunResult>, Failure> {
    read(cloud, &keys::result(run_id)).await
}

/// The record of a run, if it is active. It costs a listing, because the record's folder is the fingerprint of the cluster.
///
/// # Errors
/// When the bucket cannot be reached.
pub async fn record(cloud: &Cloud, run_id: &str) -> Result<Option<Record>, Failure> {
    let listed = cloud.list(keys::ACTIVE).await?;
    match listed.iter().find(|object| keys::parse_record(&object.key).is_some_and(|(_, id)| id == run_id)) {
        Some(object) => read(cloud, &object.key).await,
        None => Ok(None),
    }
}

/// The record of a run as it is now, if the run is still active.
///
/// # Errors
/// When the bucket cannot be reached.
pub async fn again(cloud: &Cloud, known: &Record) -> Result<Option<Record>, Failure> {
    read(cloud, &keys::record(&known.group, &known.run_id)).await
}

/// The records of all active runs.
///
/// # Errors
/// When the bucket cannot be reached.
pub async fn active(cloud: &Cloud) -> Result<Vec<Record>, Failure> {
    let mut listed = cloud.list(keys::ACTIVE).await?;
    listed.retain(|object| keys::parse_record(&object.key).is_some());
    let records = stream::iter(&listed).map(|object| read(cloud, &object.key)).buffered(AT_A_TIME);
    let records: Vec<Option<Record>> = records.try_collect().await?;
    Ok(records.into_iter().flatten().collect())
}

/// The latest results, newest first.
///
/// # Errors
/// When the bucket cannot be reached.
pub async fn latest(cloud: &Cloud, limit: usize) -> Result<Vec<RunResult>, Failure> {
    let mut listed = cloud.list("runs/").await?;
    listed.retain(|object| keys::parse_result(&object.key).is_some());
    listed.sort_by_key(|object| std::cmp::Reverse(object.modified_seconds));
    let mut results = Vec::new();
    for object in listed.iter().take(limit) {
        results.extend(read::<RunResult>(cloud, &object.key).await?);
    }
    results.sort_by_key(|result| std::cmp::Reverse(result.timings.ended_at));
    Ok(results)
}

async fn read<T: DeserializeOwned>(cloud: &Cloud, key: &str) -> Result<Option<T>, Failure> {
    let Some(bytes) = cloud.get(key).await? else { return Ok(None) };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Failure::failed(format!("cannot read `s3://{}/{key}`", cloud.bucket)).because(&error).remedy(
            match cloud.whose {
                Whose::Stack => {
                    "the stack may run another version of Longshore: `longshore down`, then try again"
                }
                Whose::Aws => "the deployment may be of a newer version of Longshore than this command",
            },
        )
    })
}
