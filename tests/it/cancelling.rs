//! Cancels, before, while and after.

use anyhow::Result;
use fixtures::world::World;
use serde_json::json;
use shared::run::state::State;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_task_is_stopped() -> Result<()> {
    let world = World::new().await?;
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["trap 'echo bye; exit 0' TERM", "echo up", "sleep 600 & wait"]});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    world.log_says("run", "up").await?;
    world.cancel("run").await?;
    let result = world.run_to_end("run").await?;
    assert_eq!(result.state, State::Cancelled);
    assert_eq!(result.log_tail.as_deref(), Some("up\nbye\n"), "{:?}", result.warnings);
    assert!(result.diagnosis.unwrap().message.contains("a test"));
    world.no_pods().await?;
    world.cancel("run").await?;
    assert_eq!(world.result("run").unwrap().state, State::Cancelled);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_comes_before_its_submission_wins() -> Result<()> {
    let world = World::new().await?;
    world.cancel("run").await?;
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"]});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    assert_eq!(world.result("run").unwrap().state, State::Cancelled);
    assert!(world.pods().await?.is_empty());
    assert!(world.bucket.keys().iter().all(|key| !key.starts_with("active/")));
    world.shutdown().await;
    Ok(())
}
