//! A cluster that cannot be asked, by the hour: runs outlive what passes, end when it does not, and leave no record with what was written into it.

use std::time::Duration;

use anyhow::{Context, Result};
use fixtures::answers::Heard;
use fixtures::hours::Hours;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::{Clock, later};
use shared::run::absence::{ABSENCE_SECONDS, CANCEL_SECONDS};
use shared::run::diagnosis::{Cause, Class};
use shared::run::state::State;

const CANARY: &str = "canary-of-a-token";

const HOUR: Duration = Duration::from_secs(3600);

/// What a pod with the usual limits may live: 10 minutes to begin, an hour, and a quarter of an hour for what it leaves.
const LIFE: Duration = Duration::from_secs(600 + 3600 + 900);

/// A run with credentials written into its task.
fn submission(more: &Value) -> Value {
    let task = json!({"id": "t", "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "connection": {"masterUrl": "https://far.example", "oauthToken": CANARY},
        "spec": {"containers": [{"name": "main", "image": "busybox"}]}});
    let mut envelope = json!({"task": task, "runId": "run"});
    if let (Some(envelope), Some(more)) = (envelope.as_object_mut(), more.as_object()) {
        envelope.extend(more.clone());
    }
    envelope
}

/// A run whose pod lives for half an hour, and whose cluster goes away for so long when it has begun.
async fn cut_off(outage: Duration, more: &Value) -> Result<Hours> {
    let mut hours = Hours::new(Duration::from_secs(1800), 0)?;
    hours.send(submission(more));
    hours.minute().await?;
    assert_eq!(hours.cluster.posted().len(), 1);
    hours.cluster.goes_down(hours.clock.now(), later(hours.clock.now(), outage));
    Ok(hours)
}

/// Let that much time pass at once, and then a few minutes.
async fn pass(hours: &mut Hours, duration: Duration) -> Result<()> {
    hours.clock.advance(duration);
    for _ in 0..5 {
        hours.minute().await?;
    }
    Ok(())
}

fn active(hours: &Hours) -> Vec<String> {
    hours.bucket.keys().into_iter().filter(|key| key.starts_with("active/")).collect()
}

fn told_by(hours: &Hours) -> Vec<String> {
    let tells = |key: &String| {
        hours.bucket.read(key).is_some_and(|bytes| String::from_utf8_lossy(&bytes).contains(CANARY))
    };
    hours.bucket.keys().into_iter().filter(tells).collect()
}

#[tokio::test]
async fn an_outage_of_a_night_costs_a_run_nothing_but_time() -> Result<()> {
    let mut hours = cut_off(10 * HOUR, &json!({})).await?;
    pass(&mut hours, 9 * HOUR).await?;
    assert!(hours.result("run").is_none());
    pass(&mut hours, HOUR).await?;
    assert_eq!(hours.result("run").context("no result")?.state, State::Succeeded);
    hours.until(10, |hours| active(hours).is_empty()).await?;
    assert_eq!((hours.cluster.posted().len(), &hours.dead), (0, &Vec::new()));
    Ok(())
}

#[tokio::test]
async fn a_run_whose_cluster_never_comes_back_ends_a_day_after_its_pod_and_leaves_no_record() -> Result<()> {
    let mut hours = cut_off(Duration::from_secs(u64::from(u32::MAX)), &json!({})).await?;
    pass(&mut hours, LIFE + Duration::from_secs(ABSENCE_SECONDS) - HOUR).await?;
    assert!(hours.result("run").is_none());
    assert_eq!(told_by(&hours), active(&hours), "while it lives, its record alone tells the secret");
    pass(&mut hours, HOUR).await?;
    let result = hours.result("run").context("no result")?;
    let diagnosis = result.diagnosis.context("no diagnosis")?;
    assert_eq!(
        (result.state, diagnosis.class, diagnosis.cause),
        (State::Failed, Class::Infrastructure, Cause::ClusterUnreachable)
    );
    assert!(diagnosis.message.contains("connection refused"), "{}", diagnosis.message);
    hours.until(5, |hours| active(hours).is_empty()).await?;
    assert_eq!(told_by(&hours), Vec::<String>::new());
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn credentials_that_never_were_of_use_leave_with_the_run_that_they_failed() -> Result<()> {
    let mut hours = Hours::new(HOUR, 0)?;
    hours.cluster.knows_nobody();
    hours.send(submission(&json!({})));
    hours.minute().await?;
    let result = hours.result("run").context("no result")?;
    let cause = result.diagnosis.context("no diagnosis")?.cause;
    assert_eq!((result.state, cause), (State::Failed, Cause::ClusterUnreachable));
    hours.until(4, |hours| active(hours).is_empty()).await?;
    assert_eq!(told_by(&hours), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_cancel_that_its_cluster_cannot_be_told_ends_the_run_and_takes_the_pod_when_it_can() -> Result<()> {
    let mut hours = cut_off(3 * HOUR, &json!({})).await?;
    hours.cancel(json!({"runId": "run", "reason": "a test"})).await?;
    pass(&mut hours, Duration::from_secs(CANCEL_SECONDS) - Duration::from_secs(600)).await?;
    assert!(hours.result("run").is_none());
    pass(&mut hours, Duration::from_secs(600)).await?;
    let result = hours.result("run").context("no result")?;
    assert_eq!(result.state, State::Cancelled);
    assert!(
        result.warnings.iter().any(|warning| warning.contains("could not be deleted")),
        "{:?}",
        result.warnings
    );
    assert_eq!((active(&hours).len(), hours.cluster.posted().len()), (1, 1), "its pod is not forgotten");
    pass(&mut hours, 2 * HOUR).await?;
    hours.until(5, |hours| active(hours).is_empty()).await?;
    assert_eq!((hours.cluster.posted().len(), &hours.dead), (0, &Vec::new()));
    Ok(())
}

#[tokio::test]
async fn whoever_waits_for_a_run_that_has_ended_is_told_again_while_the_cluster_is_away() -> Result<()> {
    let mut hours = cut_off(10 * HOUR, &json!({"taskToken": "token"})).await?;
    hours.cancel(json!({"runId": "run", "reason": "a test"})).await?;
    pass(&mut hours, Duration::from_secs(CANCEL_SECONDS)).await?;
    assert_eq!(hours.result("run").context("no result")?.state, State::Cancelled);
    let asked = hours.asked.len();
    assert!(asked >= 1, "who wrote the result asks");
    pass(&mut hours, HOUR).await?;
    assert!(hours.asked.len() >= asked + 3, "{:?}", hours.asked);
    assert_eq!(active(&hours).len(), 1, "its pod is not forgotten");
    Ok(())
}

#[tokio::test]
async fn a_state_that_waits_is_given_signs_of_life_while_the_cluster_is_away() -> Result<()> {
    let more = json!({"taskToken": "token", "heartbeatSeconds": 120});
    let mut hours = cut_off(HOUR, &more).await?;
    let beats = |hours: &Hours| {
        hours.answers.heard().iter().filter(|heard| matches!(heard, Heard::Heartbeat(_))).count()
    };
    let (before, began): (usize, Timestamp) = (beats(&hours), hours.clock.now());
    for _ in 0..30 {
        hours.minute().await?;
    }
    assert!(hours.clock.now() < later(began, HOUR), "the cluster is still away");
    assert!(beats(&hours) >= before + 30, "{} signs of life in half an hour", beats(&hours) - before);
    Ok(())
}
