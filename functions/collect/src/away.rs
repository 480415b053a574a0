//! A run whose cluster cannot be asked: it is looked at again later, and ended when that has lasted too long.

use std::time::Duration;

use shared::cluster::error::ClusterError;
use shared::effects::gather::Gathered;
use shared::effects::{Turn, collect, finish, observe, wait};
use shared::environment::Environment;
use shared::error::{Error, chain};
use shared::run::absence;
use shared::store::cursors;
use shared::store::records::Stored;

/// Between two looks at a run whose cluster does not answer.
const OUTAGE_PAUSE: Duration = Duration::from_secs(60);

/// Wait, or end the run with what is in the bucket.
pub async fn look(
    environment: &Environment,
    stored: Stored,
    error: ClusterError,
    turn: Turn,
) -> Result<(), Error> {
    let record = &stored.record;
    let namespace = observe::namespace(environment, record);
    let heard_at = cursors::heard_at(environment.bucket.as_ref(), &record.group, namespace).await?;
    let reason = chain(&error);
    if let Some(ending) = absence::give_up(record, heard_at, &reason, environment.clock.now()) {
        tracing::error!(run.id = record.run_id, error = reason, "the run is given up with its cluster");
        let ended = match environment.clusters.of(&record.plan.target.cluster) {
            // A helper may have uploaded what the cluster cannot tell.
            Ok(_) => collect::without_pod(environment, stored, ending, turn).await,
            Err(_) => finish::end(environment, stored, ending, Gathered::default()).await,
        };
        return not_for_the_pod(ended);
    }
    if !error.is_passing() {
        return Err(error.into());
    }
    // However long it lasts: it must not use up the message's deliveries.
    tracing::warn!(run.id = record.run_id, error = reason, "the run is looked at again later");
    let again = wait::message(record, turn.hops.saturating_add(1));
    Ok(environment.queues.look_at(&again, OUTAGE_PAUSE).await?)
}

/// The run has its result, and whoever waits for it is told; its pod is removed by the next comparison of `poll` that the cluster answers. A message must not
/// die for that.
pub fn not_for_the_pod(ended: Result<(), Error>) -> Result<(), Error> {
    match ended {
        Err(Error::Cluster(error)) => {
            tracing::warn!(error = chain(&error), "the pod of a run that is over could not be removed");
            Ok(())
        }
        other => other,
    }
}
