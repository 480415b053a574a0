//! Stopping a pod that still runs: its time is over, or somebody asked.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use crate::clock::later;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::run::decision::{Ending, Outcome};
use crate::run::facts::{ContainerFacts, PodFacts};
use crate::run::observation::Observation;
use crate::run::record::Record;
use crate::run::state::State;
use crate::store::records::{self, Stored};

/// Kubernetes' own default for a pod's grace.
const DEFAULT_GRACE_SECONDS: u64 = 30;

/// How long the carrier outlives the other containers, so that files still come back.
const COLLECTION_WINDOW_SECONDS: u64 = 60;

/// Between two looks at a pod that is ending.
const PAUSE: Duration = Duration::from_millis(200);

/// How long a cancelled run waits for its program; one that ignores SIGTERM is left to its grace.
const CANCEL_SECONDS: u64 = 5;

/// Write down how the attempt ends, before its pod is touched: what the pod does once it is being deleted must not look like a reason of its own. The answer
/// is the ending that stands there, which another function may have written. `None`: another attempt has begun since this ending was decided, or somebody
/// has asked for the end of the run; it is to be looked at anew.
///
/// # Errors
/// What the bucket says.
pub async fn settle(
    environment: &Environment,
    stored: Stored,
    ending: &Ending,
) -> Result<(Stored, Option<Ending>), Error> {
    let (number, cancel) = (stored.record.attempt.number, stored.record.cancel.clone());
    let change = |record: &mut Record| {
        let is_as_decided = record.attempt.number == number && record.cancel == cancel;
        let changes = record.ending.is_none() && is_as_decided;
        if changes {
            *record = record.clone().settled(ending.clone()).by(environment.writer.as_str());
        }
        changes
    };
    let stored = records::change(environment.bucket.as_ref(), stored, change).await?;
    let settled = stored.record.ending.clone().filter(|_| stored.record.attempt.number == number);
    Ok((stored, settled))
}

/// Until when the deciding containers are waited for: the pod's own grace, less for a cancel, and no longer than this invocation.
pub fn patience(environment: &Environment, record: &Record, ending: &Ending, until: Timestamp) -> Timestamp {
    let seconds = match ending.outcome {
        Outcome::Finish(State::Cancelled) => grace_seconds(record).min(CANCEL_SECONDS),
        Outcome::Finish(_) | Outcome::Retry { .. } | Outcome::NewRun { .. } => grace_seconds(record),
    };
    later(environment.clock.now(), Duration::from_secs(seconds)).min(until)
}

/// The pod's own grace.
pub fn grace_seconds(record: &Record) -> u64 {
    let grace =
        record.plan.pod.pointer("/spec/terminationGracePeriodSeconds").and_then(serde_json::Value::as_u64);
    grace.unwrap_or(DEFAULT_GRACE_SECONDS)
}

/// Delete the pod with its own grace and, where files are to come back, a window for that; then wait until its deciding containers have ended, their
/// logs have (`silent`; a kubelet tells nothing new of a pod that it is ending), or `patience` is over. The answer is the pod as it is then.
///
/// # Errors
/// What the bucket or the cluster says.
pub async fn pod(
    environment: &Environment,
    mut stored: Stored,
    patience: Timestamp,
    silent: &AtomicBool,
) -> Result<(Stored, Observation), Error> {
    let record = &stored.record;
    let files = &record.plan.files;
    let window = if files.has_sidecar() || files.uploads() { COLLECTION_WINDOW_SECONDS } else { 0 };
    let seconds = u32::try_from(grace_seconds(record).saturating_add(window)).unwrap_or(u32::MAX);
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let uid = record.attempt.pod_uid.as_deref().unwrap_or_default();
    cluster
        .delete(observe::namespace(environment, record), &record.attempt.pod_name, uid, Some(seconds))
        .await?;
    tracing::info!(
        run.id = record.run_id,
        pod.name = record.attempt.pod_name,
        grace_seconds = seconds,
        "the pod is being stopped"
    );
    loop {
        let (looked, observation, _) = observe::pod(environment, stored).await?;
        stored = looked;
        let runs = |pod: &PodFacts| pod.deciding().any(ContainerFacts::is_running);
        let ended = observation.gone || !observation.pod.as_ref().is_some_and(runs);
        if ended || silent.load(Ordering::Relaxed) || environment.clock.now() >= patience {
            return Ok((stored, observation));
        }
        environment.clock.sleep(PAUSE).await;
    }
}
