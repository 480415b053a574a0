//! Logs that cannot come whole: what the result says of them.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::state::State;

fn shell(commands: &[&str]) -> Value {
    json!({"id": "task", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands})
}

fn log(world: &World) -> Result<String> {
    Ok(String::from_utf8(world.bucket.read("runs/run/attempts/1/logs/main.log").context("no log")?)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_whose_beginning_the_node_has_rotated_away_says_that_it_is_missing() -> Result<()> {
    let world = World::new().await?;
    let commands = [
        r#"echo '::{"outputs":{"early":"lost"}}::'"#,
        "sleep 6",
        // 10 MiB fill a file of the node's, and the next one begins.
        "yes 'a line of a program that has much to tell, and tells it as fast as it can' | head -n 180000",
        r#"echo '::{"outputs":{"late":"kept"}}::'"#,
    ];
    world.submit("m1", &json!({"task": shell(&commands), "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert!(!result.logs["main"].complete);
    let warning =
        "the beginning of container `main`'s log had been rotated away; output lines may be missing";
    assert!(result.warnings.iter().any(|said| said == warning), "{:?}", result.warnings);
    assert_eq!(serde_json::to_value(&result.outputs)?, json!({"late": "kept"}));
    let log = log(&world)?;
    ensure!(!log.contains("early") && log.contains("late"), "{} bytes", log.len());
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_program_that_is_killed_is_read_all_the_same() -> Result<()> {
    let world = World::new().await?;
    let commands = ["echo the last words", "sleep 600"];
    let killed = json!({"kind": "OomKilled", "with": {"afterMilliseconds": 4000}});
    let put = world.faults()?.put(&json!({"faults": [killed]}));
    ensure!(put.is_ok(), "{put:?}");
    world.submit("m1", &json!({"task": shell(&commands), "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    let diagnosis = result.diagnosis.context("no diagnosis")?;
    assert_eq!((diagnosis.cause, diagnosis.exit_code), (Cause::OomKilled, Some(137)));
    assert_eq!(result.log_tail.as_deref(), Some("the last words\n"));
    assert!(log(&world)?.contains("the last words"));
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_of_a_pod_that_is_removed_before_it_was_read_is_said_to_be_lost() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &json!({"task": shell(&["echo unheard", "sleep 600"]), "runId": "run"})).await?;
    world.log_says("run", "unheard").await?;
    let (name, uid) = world.pods().await?.pop().context("no pod")?;
    world.client.delete("default", &name, &uid, Some(0)).await?;
    world.no_pods().await?;
    world.bucket.age(Duration::from_secs(70));
    let result = world.run_to_end("run").await?;
    assert_eq!(result.state, State::Failed);
    assert!(result.logs.is_empty() && result.log_tail.is_none());
    let warning = "logs could not be read: the pod is gone or its node does not answer";
    assert!(result.warnings.iter().any(|said| said == warning), "{:?}", result.warnings);
    world.shutdown().await;
    Ok(())
}
