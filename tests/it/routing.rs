//! `workerGroup`: which cluster a run goes to, and what becomes of it when the cluster is not known or does not answer.

use std::time::Duration;

use anyhow::Result;
use fixtures::hours::Hours;
use serde_json::{Value, json};
use shared::clock::{Clock, later};
use shared::run::diagnosis::Cause;
use shared::run::record::Record;
use shared::run::state::State;

fn submission(run_id: &str, group: &Value) -> Value {
    let task = json!({
        "id": "task", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"], "workerGroup": group,
    });
    json!({"task": task, "runId": run_id})
}

#[tokio::test]
async fn a_key_leads_to_a_cluster_with_its_namespace_and_group() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(600), 0)?;
    hours
        .clusters(
            "clusters:
  default: {workerGroups: [home]}
  gpu: {eks: {name: gpu-prod, region: eu-west-1}, namespace: batch, workerGroups: [ml]}",
        )
        .await?;
    for key in ["gpu", "ml", "home", "default"] {
        hours.send(submission(key, &json!({"key": key})));
    }
    hours.minute().await?;
    for (group, run_id, namespace) in [
        ("cluster-gpu", "gpu", "batch"),
        ("cluster-gpu", "ml", "batch"),
        ("eks-test", "home", "default"),
        ("eks-test", "default", "default"),
    ] {
        let bytes = hours.bucket.read(&format!("active/{group}/{run_id}.json"));
        let record: Record = serde_json::from_slice(&bytes.unwrap_or_else(|| panic!("{run_id}")))?;
        assert_eq!(record.plan.target.namespace.as_deref(), Some(namespace));
        assert!(record.has_pod());
    }
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_is_not_known_fails_cancels_or_holds_the_run() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.cluster.is_not(Some("mars"));
    for fallback in ["FAIL", "CANCEL", "WAIT"] {
        hours.send(submission(fallback, &json!({"key": "mars", "fallback": fallback})));
    }
    for _ in 0..60 {
        hours.minute().await?;
    }
    let ended = |run_id: &str| {
        let result = hours.result(run_id).unwrap();
        (result.state, result.diagnosis.unwrap().cause)
    };
    assert_eq!(ended("FAIL"), (State::Failed, Cause::ClusterUnknown));
    assert_eq!(ended("CANCEL"), (State::Cancelled, Cause::ClusterUnknown));
    assert!(hours.result("WAIT").is_none());
    hours.cluster.is_not(None);
    hours.until(15, |hours| hours.result("WAIT").is_some()).await?;
    assert_eq!(hours.result("WAIT").unwrap().state, State::Succeeded);
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_cluster_that_does_not_answer_fails_cancels_or_holds_the_run() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.clusters("clusters: {far: {eks: {name: far}, fallback: CANCEL}}").await?;
    hours.cluster.goes_down(hours.clock.now(), later(hours.clock.now(), Duration::from_secs(3600)));
    hours.send(submission("fails", &json!({"key": "far", "fallback": "FAIL"})));
    hours.send(submission("cancelled", &json!({"key": "far"})));
    hours.send(submission("waits", &json!({"key": "far", "fallback": "WAIT"})));
    for _ in 0..59 {
        hours.minute().await?;
    }
    let ended = |run_id: &str| {
        let result = hours.result(run_id).unwrap();
        (result.state, result.diagnosis.unwrap().cause)
    };
    assert_eq!(ended("fails"), (State::Failed, Cause::ClusterUnreachable));
    assert_eq!(ended("cancelled"), (State::Cancelled, Cause::ClusterUnreachable));
    hours.until(15, |hours| hours.result("waits").is_some()).await?;
    assert_eq!(hours.result("waits").unwrap().state, State::Succeeded);
    Ok(())
}

#[tokio::test]
async fn a_run_that_waits_for_a_cluster_that_is_not_known_can_be_cancelled() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.cluster.is_not(Some("mars"));
    hours.send(submission("waits", &json!({"key": "mars"})));
    for _ in 0..10 {
        hours.minute().await?;
    }
    assert!(hours.result("waits").is_none());
    hours.cancel(json!({"runId": "waits"})).await?;
    // At once, and not when it would have looked for its cluster again.
    hours.until(1, |hours| hours.result("waits").is_some()).await?;
    assert_eq!(hours.result("waits").unwrap().state, State::Cancelled);
    for _ in 0..60 {
        hours.minute().await?;
    }
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}
