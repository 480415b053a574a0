//! A pod that stays after its run has ended too: nothing in it goes on.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use tokio::io::AsyncReadExt;

use crate::clock::later;
use crate::cluster::client::Cluster;
use crate::cluster::error::ClusterError;
use crate::effects::{observe, stop};
use crate::environment::Environment;
use crate::error::{Error, chain};
use crate::files::pace::Paced;
use crate::pod::OUT_CARRIER;
use crate::run::facts::{ContainerFacts, Role};
use crate::run::observation::{Observation, Roles};
use crate::run::record::Record;

/// Most bytes that the carrier may answer.
const MAX_ANSWER_BYTES: u64 = 1024;

/// How long it may take to answer: it makes one empty file.
const PATIENCE: Duration = Duration::from_secs(10);

/// Let the pod of a run that has ended come to its end: the carrier is told to, and a companion that still runs goes with the pod, which nothing else would
/// end before its `activeDeadlineSeconds`.
///
/// # Errors
/// What the cluster says; not that the carrier cannot be told, which leaves it to that limit.
pub async fn to_its_end(environment: &Environment, record: &Record) -> Result<(), Error> {
    let cluster = environment.clusters.of(&record.plan.target.cluster)?;
    let namespace = observe::namespace(environment, record);
    let found = cluster.get(namespace, &record.attempt.pod_name).await?;
    let Some(pod) = found.filter(|pod| observe::is_of(pod, record) && !observe::is_ending(pod)) else {
        return Ok(());
    };
    if runs(environment, record, &pod, Role::Companion) {
        tracing::info!(
            run.id = record.run_id,
            pod.name = record.attempt.pod_name,
            "a container beside the main one still runs: the pod cannot be kept"
        );
        let uid = record.attempt.pod_uid.as_deref().unwrap_or_default();
        let grace = u32::try_from(stop::grace_seconds(record)).ok();
        return Ok(cluster.delete(namespace, &record.attempt.pod_name, uid, grace).await?);
    }
    let Some(mark) = record.plan.files.end_mark() else { return Ok(()) };
    if runs(environment, record, &pod, Role::OutCarrier)
        && let Err(error) =
            tell(environment, cluster.as_ref(), namespace, &record.attempt.pod_name, &mark).await
    {
        tracing::warn!(
            run.id = record.run_id,
            pod.name = record.attempt.pod_name,
            error = chain(&error),
            "the carrier of a pod that is kept could not be told to end; the pod's own limit will end it"
        );
    }
    Ok(())
}

fn runs(environment: &Environment, record: &Record, pod: &Pod, role: Role) -> bool {
    let observation = Observation::of(pod, &Roles::of(&record.plan), environment.clock.now());
    let containers = observation.pod.map(|facts| facts.containers).unwrap_or_default();
    containers.iter().filter(|container| container.role == role).any(ContainerFacts::is_running)
}

async fn tell(
    environment: &Environment,
    cluster: &dyn Cluster,
    namespace: &str,
    pod_name: &str,
    mark: &str,
) -> Result<(), ClusterError> {
    let command = ["/bin/sh", "-c", ": >\"$1\"", "sh", mark].map(str::to_owned);
    let running = cluster.exec(namespace, pod_name, OUT_CARRIER, &command).await?;
    let clock = &environment.clock;
    let stdout = Paced::new(running.stdout, clock, PATIENCE, later(clock.now(), PATIENCE));
    let mut answer = Vec::new();
    // What it says matters to nobody, and how the command ends is told after it.
    match stdout.take(MAX_ANSWER_BYTES).read_to_end(&mut answer).await {
        Ok(_) => running.outcome.await,
        Err(error) => Err(ClusterError::Command {
            command: "end".to_owned(),
            container: OUT_CARRIER.to_owned(),
            outcome: format!("broke off: {error}"),
        }),
    }
}
