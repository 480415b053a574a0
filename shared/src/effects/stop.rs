//! Stopping a pod that still runs: its time is over, or somebody asked.

use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::run::decision::Ending;
use crate::run::observation::Observation;
use crate::run::record::Record;
use crate::store::records::{self, Stored};

/// Kubernetes' own default for a pod's grace.
const DEFAULT_GRACE_SECONDS: u64 = 30;

/// How long the carrier outlives the other containers, so that files still come back.
const COLLECTION_WINDOW_SECONDS: u64 = 60;

/// Between two looks at a pod that is ending.
const PAUSE: Duration = Duration::from_millis(200);

/// Settle the ending, delete the pod with its own grace and, where files are to come back, a window for that; then wait until its deciding containers
/// have ended, the grace is over, or the time of this invocation is. The answer is the pod as it is then.
///
/// # Errors
/// What the bucket or the cluster says.
pub async fn pod(
    environment: &Environment,
    stored: Stored,
    ending: &Ending,
    until: Timestamp,
) -> Result<(Stored, Observation), Error> {
    // Settled first: what the pod does once it is being deleted must not look like a reason of its own.
    let change = |record: &mut Record| {
        let changes = record.ending.is_none();
        if changes {
            *record = record.clone().settled(ending.clone()).by(environment.writer.as_str());
        }
        changes
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    let record = &stored.record;
    let grace =
        record.plan.pod.pointer("/spec/terminationGracePeriodSeconds").and_then(serde_json::Value::as_u64);
    let grace = grace.unwrap_or(DEFAULT_GRACE_SECONDS);
    let window = if record.plan.files.has_outputs() { COLLECTION_WINDOW_SECONDS } else { 0 };
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let uid = record.attempt.pod_uid.clone().unwrap_or_default();
    let seconds = u32::try_from(grace.saturating_add(window)).unwrap_or(u32::MAX);
    let namespace = observe::namespace(environment, record).to_owned();
    cluster.delete(&namespace, &record.attempt.pod_name, &uid, Some(seconds)).await?;
    tracing::info!(
        run.id = record.run_id,
        pod.name = record.attempt.pod_name,
        grace_seconds = seconds,
        "the pod is being stopped"
    );
    let patience = later(environment.clock.now(), Duration::from_secs(grace)).min(until);
    let mut stored = stored;
    loop {
        let (looked, observation, _) = observe::pod(environment, stored).await?;
        stored = looked;
        let ended = observation.gone
            || observation
                .pod
                .as_ref()
                .is_none_or(|pod| pod.deciding().all(|container| !container.is_running()));
        if ended || environment.clock.now() >= patience {
            return Ok((stored, observation));
        }
        environment.clock.sleep(PAUSE).await;
    }
}
