//! A cluster that cannot be asked: what can be done for its runs all the same. One that has outwaited it is handed to `collect`, which ends it; the record of
//! one that has ended goes, with what was written into it.

use jiff::Timestamp;
use shared::clock::between;
use shared::cluster::error::ClusterError;
use shared::effects::{observe, wait};
use shared::environment::Environment;
use shared::error::{Error, chain};
use shared::run::absence::{give_up, may_forget};
use shared::store::bucket::{Listed, list_all};
use shared::store::records::{self, Stored};
use shared::store::results::{self, Written};
use shared::store::{cursors, keys};

use crate::hands::side_by_side;
use crate::reconcile::{self, SETTLED_AFTER};

/// Look at every record of a group after its cluster could not be asked. None of them is waited for.
pub async fn runs(environment: &Environment, group: &str, error: &ClusterError) -> Result<(), Error> {
    let now = environment.clock.now();
    let listed = list_all(environment.bucket.as_ref(), &keys::records(group)).await?;
    let is_due = |listed: &&Listed| between(listed.modified, now) >= SETTLED_AFTER;
    let looks = listed.iter().filter(is_due).filter_map(|listed| {
        let (_, run_id) = keys::parse_record(&listed.key)?;
        Some(look(environment, group, run_id, error))
    });
    side_by_side(looks).await.map(drop)
}

async fn look(
    environment: &Environment,
    group: &str,
    run_id: &str,
    error: &ClusterError,
) -> Result<(), Error> {
    let bucket = environment.bucket.as_ref();
    let stored = match records::load(bucket, group, run_id).await {
        Ok(stored) => stored,
        Err(error) if error.is_not_found() => return Ok(()),
        Err(error) => return Err(error.into()),
    };
    let (record, now) = (&stored.record, environment.clock.now());
    if let Some(written) = results::read(bucket, run_id).await? {
        return ended(environment, &stored, &written, error, now).await;
    }
    // Most are not due whenever the cluster was heard.
    if give_up(record, None, &chain(error), now).is_none() {
        return Ok(());
    }
    let heard_at = cursors::heard_at(bucket, group, observe::namespace(environment, record)).await?;
    match give_up(record, heard_at, &chain(error), now) {
        Some(_) => {
            Ok(environment.queues.look_at(&wait::message(record, 0), std::time::Duration::ZERO).await?)
        }
        None => Ok(()),
    }
}

/// A run that has ended: whoever has to be told is told, whoever takes over has begun, and nobody can see to a pod.
async fn ended(
    environment: &Environment,
    stored: &Stored,
    written: &Written,
    error: &ClusterError,
    now: Timestamp,
) -> Result<(), Error> {
    let bucket = environment.bucket.as_ref();
    let record = &stored.record;
    let age = between(written.at, now);
    let namespace = observe::namespace(environment, record);
    if age < SETTLED_AFTER || !reconcile::have_told(environment, record, age).await? {
        return Ok(());
    }
    let heard_at = cursors::heard_at(bucket, &record.group, namespace).await?;
    if !may_forget(record, error.absence(), written.at, heard_at, now) {
        return Ok(());
    }
    if let Some(successor) = &written.result.superseded_by
        && !reconcile::has_begun(bucket, &record.group, successor).await?
    {
        return Ok(environment.queues.look_at(&wait::message(record, 0), std::time::Duration::ZERO).await?);
    }
    if record.has_pod() {
        tracing::warn!(
            run.id = record.run_id,
            pod.name = record.attempt.pod_name,
            namespace,
            error = chain(error),
            "nobody could be asked whether the pod of a run that is over is left"
        );
    }
    let key = keys::record(&record.group, &record.run_id);
    reconcile::forget(environment, record, &key).await
}
