//! A state's `HeartbeatSeconds`, by a service that enforces it: signs of life keep the state waiting, and a state that got none any more ends its run.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::moto::Moto;
use anyhow::{Context, Result};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, between};
use shared::run::state::State;

/// Instead of the 300 of the definition.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// A state that waits without a sign of life has timed out by then.
const TIMES_OUT_WITHIN: Duration = Duration::from_secs(60);

/// The deployed definition, with a queue and a shorter `HeartbeatSeconds`.
fn definition(queue: &str) -> Result<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../infra/state-machines/run-by-queue.asl.json");
    let text = std::fs::read_to_string(file)?.replace("${SubmissionsQueue}", queue);
    let mut definition: Value = serde_json::from_str(&text)?;
    definition["States"]["Run"]["HeartbeatSeconds"] = json!(HEARTBEAT.as_secs());
    Ok(definition.to_string())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_life_keep_a_state_waiting_and_a_state_that_times_out_without_them_ends_its_run()
-> Result<()> {
    let moto = Moto::start(Path::new(env!("CARGO_TARGET_TMPDIR"))).await?;
    let mut world = World::new().await?;
    world.environment.answers = Arc::new(moto.answers());
    let queue = moto.queues.create_queue().queue_name("submissions").send().await?;
    let queue = queue.queue_url.context("a queue without URL")?;
    let machine = moto.states.create_state_machine().name("run-by-queue").definition(definition(&queue)?);
    let machine = machine.role_arn("arn:aws:iam::123456789012:role/states").send().await?.state_machine_arn;
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands",
        "commands": ["echo up", "trap 'exit 0' TERM; sleep 600 & wait"]});
    let input = json!({"task": task, "inputs": {}}).to_string();
    let execution = moto.states.start_execution().state_machine_arn(machine).input(input).send().await?;
    let status = || async {
        let request = moto.states.describe_execution().execution_arn(&execution.execution_arn);
        anyhow::Ok(request.send().await?)
    };

    let answer = world.invoke_submit(&moto.receive(&queue).await?).await?;
    let run_id = answer["runId"].as_str().with_context(|| answer.to_string())?;
    let began = SystemClock.now();
    while between(began, SystemClock.now()) < HEARTBEAT * 2 {
        world.poll("eks-test", Duration::from_millis(500)).await?;
        assert_eq!(status().await?.status().as_str(), "RUNNING", "{:?}", between(began, SystemClock.now()));
    }
    assert!(world.result(run_id).is_none());

    // No poll any more.
    let silent_since = SystemClock.now();
    while status().await?.status().as_str() == "RUNNING" {
        let silence = between(silent_since, SystemClock.now());
        assert!(silence < TIMES_OUT_WITHIN, "{silence:?} without a sign of life");
        SystemClock.sleep(Duration::from_millis(100)).await;
    }
    let ended = status().await?;
    // moto says `States.Timeout` of both; AWS says `States.HeartbeatTimeout`.
    assert!(ended.error().is_some_and(|error| error.starts_with("States.")), "{:?}", ended.error());
    println!("timed out {:?} after the last poll", between(silent_since, SystemClock.now()));

    let result = world.run_to_end(run_id).await?;
    assert_eq!(result.state, State::Cancelled, "{:?}", result.diagnosis);
    assert!(result.diagnosis.context("no diagnosis")?.message.contains("timed out"));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
