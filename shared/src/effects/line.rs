//! Waiting for a free place: pods of a cluster or namespace with a cap are created by the poll of its group alone, which runs one at a time.

use crate::cluster::directory::DirectoryError;
use crate::effects::{create, observe};
use crate::environment::Environment;
use crate::error::Error;
use crate::resolve::plan::ClusterChoice;
use crate::run::record::Record;
use crate::spec::clusters::{Caps, DEFAULT};
use crate::store::waiting::{self, Mark};

/// The caps of a cluster; `None` while `config/clusters.yaml` has problems, and nobody knows them.
///
/// # Errors
/// When the file cannot be read.
pub async fn caps(environment: &Environment, choice: &ClusterChoice) -> Result<Option<Caps>, Error> {
    let name = match choice {
        ClusterChoice::Default => DEFAULT,
        ClusterChoice::Named(name) => name,
        ClusterChoice::Explicit(_) => return Ok(Some(Caps::default())),
    };
    match environment.directory.load(environment.bucket.as_ref(), environment.clock.now()).await {
        Ok(clusters) => Ok(Some(clusters.named(name).map(|entry| entry.caps.clone()).unwrap_or_default())),
        Err(DirectoryError::Problems { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The run may get its pod only when its turn comes.
///
/// # Errors
/// When the file of the clusters cannot be read.
pub async fn must_wait(environment: &Environment, record: &Record) -> Result<bool, Error> {
    let caps = caps(environment, &record.plan.target.cluster).await?;
    Ok(caps.is_none_or(|caps| caps.cover(observe::namespace(environment, record))))
}

/// Have the run wait for its turn, and the group's poll look.
///
/// # Errors
/// What the bucket or the queue says.
pub async fn join(environment: &Environment, record: &Record) -> Result<(), Error> {
    let mark = Mark::of(record, observe::namespace(environment, record));
    waiting::add(environment.bucket.as_ref(), &record.group, &mark).await?;
    tracing::info!(run.id = record.run_id, group = record.group, "the run waits for a free place");
    create::announce(environment, record).await
}
