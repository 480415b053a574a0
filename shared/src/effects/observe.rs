//! A look at a run: its record and its pod.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;

use crate::environment::Environment;
use crate::error::Error;
use crate::pod::identity_of;
use crate::run::observation::{Observation, Roles};
use crate::run::record::Record;
use crate::store::records::{self, Stored};

/// Kubernetes namespace of a run's pod.
pub fn namespace<'a>(environment: &'a Environment, record: &'a Record) -> &'a str {
    record.plan.target.namespace.as_deref().unwrap_or(&environment.config.namespace)
}

/// Look at the pod of the attempt under way. A pod that is this attempt's though the record does not know it yet (its creator died before it
/// could write) is taken on.
///
/// # Errors
/// What the cluster or the bucket says.
pub async fn pod(
    environment: &Environment,
    stored: Stored,
) -> Result<(Stored, Observation, Option<Pod>), Error> {
    let record = &stored.record;
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let found = cluster.get(namespace(environment, record), &record.attempt.pod_name).await?;
    let now = environment.clock.now();
    // A pod that is being deleted is never taken on.
    let is_usable = |pod: &Pod| is_of(pod, record) && (record.has_pod() || !is_ending(pod));
    let Some(pod) = found.filter(is_usable) else {
        return Ok((stored, Observation::gone(now), None));
    };
    let observation = Observation::of(&pod, &Roles::of(&record.plan), now);
    if record.has_pod() {
        return Ok((stored, observation, Some(pod)));
    }
    let uid = pod.metadata.uid.clone().unwrap_or_default();
    let created_at = pod.metadata.creation_timestamp.as_ref().map_or(now, |time| time.0);
    Ok((adopt(environment, stored, &uid, created_at).await?, observation, Some(pod)))
}

/// Somebody asked for the pod's deletion.
pub fn is_ending(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

/// This pod belongs to this run, attempt and submission.
pub fn is_of(pod: &Pod, record: &Record) -> bool {
    let known_uid = record.attempt.pod_uid.as_ref().is_none_or(|uid| pod.metadata.uid.as_ref() == Some(uid));
    known_uid
        && identity_of(pod).is_some_and(|identity| {
            identity.run_id == record.run_id
                && identity.attempt == record.attempt.number
                && identity.submission_hash == record.submission_hash
        })
}

/// Write the pod's uid into the record.
///
/// # Errors
/// The bucket's; `NotFound` when the run is over.
pub async fn adopt(
    environment: &Environment,
    stored: Stored,
    uid: &str,
    created_at: Timestamp,
) -> Result<Stored, Error> {
    let number = stored.record.attempt.number;
    let change = |record: &mut Record| {
        let changes = record.attempt.number == number && record.attempt.pod_uid.is_none();
        if changes {
            *record = record.clone().with_pod(uid, created_at).by(environment.writer.as_str());
        }
        changes
    };
    Ok(records::change(environment.bucket.as_ref(), stored, change).await?)
}
