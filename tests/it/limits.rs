//! Time limits are noticed whenever they fall, also at the end of a poll and in a group that has just grown.

use std::time::Duration;

use anyhow::Result;
use fixtures::queues::Sent;
use fixtures::world::World;
use serde_json::json;
use shared::store::bucket::{Bucket, Condition};
use shared::store::keys;

/// More records than a group has that is compared at every poll.
const MANY: usize = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_in_the_last_second_of_a_poll_of_a_group_that_has_grown_is_told_of() -> Result<()> {
    let world = World::new().await?;
    let commands = ["echo up", "trap 'exit 0' TERM; sleep 600 & wait"];
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands, "timeout": "PT20S"});
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
    assert!(*pause > Duration::from_secs(5) && *pause <= Duration::from_secs(21), "{pause:?}");
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
    // The pod is seen as it begins to run, by a poll that ends a moment after the limit.
    world.poll("eks-test", Duration::from_millis(2600)).await?;
    let sent = world.queues.take();
    let tells = |sent: &Sent| matches!(sent, Sent::LookAt(message, _) if message.run_id == "run");
    assert!(sent.iter().any(tells), "{sent:?}");
    world.shutdown().await;
    Ok(())
}
