//! What is wrong with one run, one pod or one namespace is a matter of its own: nothing else waits for it.

use std::time::Duration;

use anyhow::Result;
use fixtures::hours::Hours;
use serde_json::{Value, json};
use shared::run::state::State;

fn submission(run_id: &str, namespace: &str) -> Value {
    let runner = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "namespace": namespace, "labels": {"team": "data"}});
    let task = json!({
        "id": "task", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"], "taskRunner": runner,
    });
    json!({"task": task, "runId": run_id})
}

/// A record as a version of Longshore may write it that is still to come.
const OF_TOMORROW: &str = r#"{"formatVersion": 2, "runId": "broken", "plan": {"kind": "something else"}}"#;

#[tokio::test]
async fn a_namespace_that_is_closed_to_the_role_holds_up_its_own_runs_only() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(90), 0)?;
    hours.send(submission("aside", "aside"));
    hours.minute().await?;
    hours.cluster.closes(Some("aside"));
    hours.send(submission("other", "team"));
    hours.until(10, |hours| hours.result("other").is_some()).await?;
    assert_eq!(hours.result("other").unwrap().state, State::Succeeded);
    // Its pod cannot be seen, which does not mean that it is gone.
    assert!(hours.result("aside").is_none());
    hours.cluster.closes(None);
    hours.until(15, |hours| hours.result("aside").is_some()).await?;
    assert_eq!(hours.result("aside").unwrap().state, State::Succeeded);
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_namespace_that_is_closed_keeps_nobody_in_line_from_their_turn() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(30), 0)?;
    hours.clusters("clusters: {default: {maxLivePods: 2}}").await?;
    hours.send(submission("aside", "aside"));
    hours.until(10, |hours| hours.result("aside").is_some()).await?;
    hours.cluster.closes(Some("aside"));
    for run_id in ["one", "two", "three"] {
        hours.send(submission(run_id, "team"));
    }
    hours.until(10, |hours| ["one", "two", "three"].iter().all(|id| hours.result(id).is_some())).await?;
    assert!(hours.cluster.peak() <= 2);
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_understood_holds_up_its_own_run_only() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(90), 0)?;
    // The first that a poll reads, and one among the others.
    hours.put("active/eks-test/0-torn.json", "{\"formatVersion\": 1, \"runId\"").await?;
    hours.put("active/eks-test/broken.json", OF_TOMORROW).await?;
    for run_id in ["a", "z"] {
        hours.send(submission(run_id, "team"));
    }
    hours.until(10, |hours| hours.result("a").is_some() && hours.result("z").is_some()).await?;
    assert_eq!(hours.result("z").unwrap().state, State::Succeeded);
    // Ended runs are cleaned up beside it, and it stays as it is.
    for _ in 0..5 {
        hours.minute().await?;
    }
    let active = hours.bucket.keys().into_iter().filter(|key| key.starts_with("active/"));
    assert_eq!(active.collect::<Vec<_>>(), ["active/eks-test/0-torn.json", "active/eks-test/broken.json"]);
    assert_eq!(hours.bucket.read("active/eks-test/broken.json").unwrap(), OF_TOMORROW.as_bytes());
    Ok(())
}

#[tokio::test]
async fn a_pod_of_an_attempt_before_that_does_not_go_hides_no_lost_message() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(30), 1)?;
    let mut body = submission("run", "team");
    body["task"]["retry"] = json!({"type": "constant", "interval": "PT5M", "maxAttempts": 2});
    hours.cluster.holds_what_is_deleted();
    hours.send(body);
    let attempt = |hours: &Hours| {
        let record = hours.bucket.read("active/eks-test/run.json");
        record.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok()?["attempt"]["number"].as_u64())
    };
    hours.until(10, |hours| attempt(hours) == Some(2)).await?;
    hours.lose();
    hours.until(20, |hours| hours.result("run").is_some()).await?;
    assert_eq!(hours.result("run").unwrap().attempt, 2);
    Ok(())
}

#[tokio::test]
async fn a_record_that_cannot_be_understood_spares_no_run_that_labels_select() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(3600), 0)?;
    hours.put("active/eks-test/broken.json", OF_TOMORROW).await?;
    hours.send(submission("meant", "team"));
    hours.minute().await?;
    hours.cancel(json!({"selector": "team=data"})).await?;
    hours.until(5, |hours| hours.result("meant").is_some()).await?;
    assert_eq!(hours.result("meant").unwrap().state, State::Cancelled);
    Ok(())
}
