//! Why an attempt failed, as far as the cluster tells; pod and events are kept for people.

use bytes::Bytes;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;

use crate::cluster::client::Cluster;
use crate::effects::observe;
use crate::environment::Environment;
use crate::error::Error;
use crate::files::redact;
use crate::run::decision::Ending;
use crate::run::observation::Observation;
use crate::run::record::Record;
use crate::store::bucket::Condition;
use crate::store::keys;

/// The same ending, explained with the pod's events.
///
/// # Errors
/// What the bucket or the cluster says.
pub async fn ending(
    environment: &Environment,
    cluster: &dyn Cluster,
    record: &Record,
    observation: &Observation,
    ending: Ending,
) -> Result<Ending, Error> {
    if ending.diagnosis.is_none() {
        return Ok(ending);
    }
    let namespace = observe::namespace(environment, record);
    let uid = record.attempt.pod_uid.as_deref().unwrap_or_default();
    // Events are good to have: without the right to list them the diagnosis is what the pod alone tells.
    let events = cluster.events(namespace, &record.attempt.pod_name, uid).await.unwrap_or_default();
    keep(environment, record, "events.json", &serde_json::to_value(&events).unwrap_or_default()).await?;
    if !observation.gone
        && let Some(pod) = cluster.get(namespace, &record.attempt.pod_name).await?
    {
        keep(environment, record, "pod.json", &redact::pod(as_json(&pod))).await?;
    }
    Ok(ending.with_events(observation, &events))
}

/// The same ending of an attempt whose pod is gone, explained with what is left of it: its events. Nothing is asked about an attempt that never had a pod,
/// or whose ending was settled before.
///
/// # Errors
/// What the bucket says.
pub async fn gone(
    environment: &Environment,
    record: &Record,
    observation: &Observation,
    ending: Ending,
) -> Result<Ending, Error> {
    if !record.has_pod() || record.ending.is_some() {
        return Ok(ending);
    }
    match environment.clusters.of(&record.plan.target.cluster) {
        Ok(cluster) => self::ending(environment, cluster.as_ref(), record, observation, ending).await,
        // Its pod was there once: the way to the cluster is lost, and with it what it could tell.
        Err(_) => Ok(ending),
    }
}

fn as_json(pod: &Pod) -> Value {
    serde_json::to_value(pod).unwrap_or_default()
}

async fn keep(environment: &Environment, record: &Record, name: &str, value: &Value) -> Result<(), Error> {
    let key = keys::attempt(&record.run_id, record.attempt.number, name);
    let bytes = Bytes::from(serde_json::to_vec_pretty(value).unwrap_or_default());
    match environment.bucket.put(&key, bytes, Condition::Absent).await {
        Err(error) if error.is_precondition_failed() => Ok(()),
        other => Ok(other.map(drop)?),
    }
}
