//! A cap on live pods: runs wait for a free place, however long, and none is lost.

use std::time::Duration;

use anyhow::{Result, ensure};
use fixtures::hours::Hours;
use serde_json::{Value, json};
use shared::clock::{Clock, later};
use shared::run::state::State;

const RUNS: usize = 300;

fn task(more: &Value) -> Value {
    let mut task =
        json!({"id": "task", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"]});
    if let (Some(task), Some(more)) = (task.as_object_mut(), more.as_object()) {
        task.extend(more.clone());
    }
    task
}

fn submission(run_id: &str, more: &Value) -> Value {
    json!({"task": task(more), "runId": run_id})
}

async fn under_a_cap_of_twenty(outage: Option<(u64, u64)>, minutes: usize) -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(45), 0)?;
    hours.clusters("clusters: {default: {maxLivePods: 20}}").await?;
    if let Some((from, to)) = outage {
        let at = |minutes: u64| later(hours.clock.now(), Duration::from_secs(60 * minutes));
        hours.cluster.goes_down(at(from), at(to));
    }
    for number in 0..RUNS {
        hours.send(submission(&format!("run-{number:03}"), &json!({})));
    }
    let run_ids: Vec<String> = (0..RUNS).map(|number| format!("run-{number:03}")).collect();
    hours.until(minutes, |hours| run_ids.iter().all(|run_id| hours.result(run_id).is_some())).await?;
    for run_id in &run_ids {
        let state = hours.result(run_id).map(|result| result.state);
        assert_eq!(state, Some(State::Succeeded), "{run_id}");
    }
    assert_eq!(hours.cluster.peak(), 20);
    assert_eq!(hours.dead, Vec::<String>::new());
    hours.until(60, |hours| !hours.bucket.keys().iter().any(|key| key.starts_with("waiting/"))).await
}

#[tokio::test]
async fn three_hundred_runs_share_twenty_places_and_all_end() -> Result<()> {
    under_a_cap_of_twenty(None, 90).await
}

#[tokio::test]
async fn runs_in_line_survive_half_an_hour_without_the_api_server() -> Result<()> {
    under_a_cap_of_twenty(Some((3, 33)), 150).await
}

#[tokio::test]
async fn the_highest_priority_comes_first_and_then_who_was_accepted_first() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.clusters("clusters: {default: {namespaces: {default: {maxLivePods: 1}}}}").await?;
    hours.send(submission("first", &json!({})));
    hours.send(submission("low", &json!({"priority": -5})));
    hours.send(submission("high", &json!({"priority": 1000})));
    hours.clock.advance(Duration::from_secs(1));
    hours.send(submission("late", &json!({"priority": "0"})));
    hours.until(30, |hours| hours.result("low").is_some()).await?;
    assert_eq!(hours.cluster.order(), ["high", "first", "late", "low"]);
    assert_eq!(hours.cluster.peak(), 1);
    Ok(())
}

#[tokio::test]
async fn the_priority_of_the_envelope_goes_before_that_of_the_task() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.clusters("clusters: {default: {namespaces: {default: {maxLivePods: 1}}}}").await?;
    let with = |run_id: &str, task_says: i32, envelope_says: i32| {
        let mut submission = submission(run_id, &json!({"priority": task_says}));
        submission["priority"] = json!(envelope_says);
        submission
    };
    hours.send(submission("first", &json!({})));
    hours.send(with("demoted", 900, -900));
    hours.send(with("promoted", -900, 900));
    hours.send(with("levelled", 900, 0));
    hours.until(30, |hours| hours.result("demoted").is_some()).await?;
    assert_eq!(hours.cluster.order(), ["promoted", "first", "levelled", "demoted"]);
    Ok(())
}

#[tokio::test]
async fn a_file_of_clusters_with_problems_lets_runs_wait_and_stops_none() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    hours.clusters("clusters: {default: {maxLivePots: 20}}").await?;
    hours.send(submission("run", &json!({})));
    for _ in 0..20 {
        hours.minute().await?;
    }
    ensure!(hours.result("run").is_none() && hours.cluster.order().is_empty());
    hours.clusters("clusters: {}").await?;
    hours.until(15, |hours| hours.result("run").is_some()).await?;
    assert_eq!(hours.result("run").unwrap().state, State::Succeeded);
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_retry_after_two_hours_comes_after_two_hours() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 1)?;
    let retry = json!({"retry": {"type": "constant", "interval": "PT2H", "maxAttempts": 3}});
    hours.send(submission("run", &retry));
    hours.until(119, |hours| hours.cluster.order().len() > 1).await.unwrap_err();
    hours.until(300, |hours| hours.result("run").is_some()).await?;
    let result = hours.result("run").unwrap();
    assert_eq!((result.state, result.attempt), (State::Failed, 3));
    let hours_taken = result.timings.total_ms / 3_600_000;
    assert_eq!(hours_taken, 4, "{} ms", result.timings.total_ms);
    assert_eq!(hours.dead, Vec::<String>::new());
    Ok(())
}
