//! `behavior: CREATE_NEW_EXECUTION`: a run that failed ends, and a new one takes over, once.

use std::time::Duration;

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::queue::{Queues, RunMessage};
use shared::run::state::State;
use shared::store::bucket::Bucket;

fn failing(max_attempts: u32) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands",
        "commands": [r#"echo '::{"outputs":{"me":"{{ run.id }}"}}::'"#, "exit 4"],
        "retry": {"type": "Constant", "interval": "PT1S", "maxAttempts": max_attempts, "behavior": "CREATE_NEW_EXECUTION"}})
}

fn look(run_id: &str) -> RunMessage {
    RunMessage { group: "eks-test".into(), run_id: run_id.into(), hops: 0 }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_failure_ends_its_run_and_a_new_one_takes_over_until_the_policy_is_used_up() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"task": failing(3), "runId": "run"});
    world.submit("m1", &body).await?;
    let mut run_id = "run".to_owned();
    let mut predecessor = None;
    for number in 1..=3 {
        let result = world.run_to_end(&run_id).await?;
        assert_eq!((result.state, result.attempt), (State::Failed, 1), "run {number}");
        assert_eq!(result.predecessor, predecessor, "run {number}");
        assert_eq!(result.outputs["me"], run_id.as_str(), "its own id is in its templates");
        assert_eq!(result.superseded_by.is_some(), number < 3, "run {number}");
        predecessor = Some(run_id.clone());
        run_id = result.superseded_by.unwrap_or_default();
    }
    // However often it is delivered, there are three runs.
    world.submit("m1", &body).await?;
    world.queues.look_at(&look("run"), Duration::ZERO).await?;
    while world.deliver().await? > 0 {}
    assert_eq!(world.bucket.keys().iter().filter(|key| key.ends_with("/result.json")).count(), 3);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_dies_before_the_new_run_begins_is_followed_by_one_that_begins_it() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &json!({"task": failing(2), "runId": "run"})).await?;
    let successor = world.run_to_end("run").await?.superseded_by.unwrap();
    // As if the function had died right after the result: no record of the new run, no message about it.
    world.queues.take();
    world.bucket.delete(&format!("active/eks-test/{successor}.json")).await?;
    for _ in 0..2 {
        world.queues.look_at(&look("run"), Duration::ZERO).await?;
        world.deliver().await?;
    }
    let result = world.run_to_end(&successor).await?;
    assert_eq!((result.state, result.predecessor.as_deref()), (State::Failed, Some("run")));
    assert_eq!(result.superseded_by, None, "two runs and no more");
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_is_followed_by_none() -> Result<()> {
    let world = World::new().await?;
    let mut task = failing(3);
    task["commands"] = json!(["trap 'exit 1' TERM", "echo up", "sleep 600 & wait"]);
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    world.log_says("run", "up").await?;
    world.cancel("run").await?;
    let result = world.run_to_end("run").await?;
    assert_eq!((result.state, result.superseded_by), (State::Cancelled, None));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
