//! Time limits are noticed whenever they fall, also at the end of a poll and in a group that has just grown.

use std::time::Duration;

use anyhow::{Context, Result};
use fixtures::queues::Sent;
use fixtures::world::World;
use jiff::Timestamp;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, between};
use shared::store::bucket::{Bucket, Condition};
use shared::store::keys;

/// More records than a group has that is compared at every poll.
const MANY: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_limits_of_a_group_that_has_grown_are_told_of_once() -> Result<()> {
    let world = World::new().await?;
    let commands = ["echo up", "trap 'exit 0' TERM; sleep 600 & wait"];
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands, "timeout": "PT10M"});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    world.log_says("run", "up").await?;
    // Few runs: each poll compares all of them, and needs no message for that.
    world.poll("eks-test", Duration::from_millis(300)).await?;
    let tells = |sent: &Sent| matches!(sent, Sent::LookAt(message, _) if message.run_id == "run");
    assert!(!world.queues.take().iter().any(tells));

    let record = world.bucket.read(&keys::record("eks-test", "run")).unwrap();
    for number in 0..MANY {
        let key = keys::record("eks-test", &format!("other-{number}"));
        world.bucket.put(&key, record.clone().into(), Condition::Always).await?;
    }
    world.poll("eks-test", Duration::from_millis(300)).await?;
    let sent = world.queues.take();
    let [Sent::LookAt(_, pause)] = sent.iter().filter(|sent| tells(sent)).collect::<Vec<_>>()[..] else {
        panic!("{sent:?}")
    };
    assert!(*pause > Duration::from_secs(300) && *pause <= Duration::from_secs(601), "{pause:?}");
    // And not again at every poll.
    world.poll("eks-test", Duration::from_millis(300)).await?;
    assert!(!world.queues.take().iter().any(tells));
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_just_before_the_end_of_a_poll_is_not_left_to_its_memory() -> Result<()> {
    let world = World::new().await?;
    let commands = ["echo up", "trap 'exit 0' TERM; sleep 600 & wait"];
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands, "timeout": "PT2S"});
    world.poll("eks-test", Duration::from_millis(300)).await?;
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let (name, _) = world.pods().await?.into_iter().next().context("no pod")?;
    let tells = |sent: &Sent| matches!(sent, Sent::LookAt(message, _) if message.run_id == "run");
    loop {
        // The pod is seen as it begins to run, by a poll that ends a moment after the limit.
        world.poll("eks-test", Duration::from_millis(2600)).await?;
        let sent = world.queues.take();
        if sent.iter().any(tells) {
            break;
        }
        let pod =
            serde_json::to_value(world.client.get("default", &name).await?.context("the pod is gone")?)?;
        let started = pod.pointer("/status/containerStatuses/0/state/running/startedAt");
        let started: Option<Timestamp> = started.and_then(Value::as_str).map(str::parse).transpose()?;
        // On a busy machine it may have begun only now.
        let has_run = started.is_some_and(|at| between(at, SystemClock.now()) >= Duration::from_secs(2));
        assert!(!has_run, "{sent:?}");
    }
    world.shutdown().await;
    Ok(())
}
