//! Cancels, before, while and after.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use fixtures::queues::Sent;
use fixtures::world::World;
use serde_json::json;
use shared::clock::{Clock, SystemClock};
use shared::effects::{observe, stop};
use shared::run::decide;
use shared::run::decision::{Ending, Next};
use shared::run::state::State;
use shared::store::records;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_of_a_pod_that_somebody_stops_does_not_end_the_run_without_its_log() -> Result<()> {
    let world = World::new().await?;
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["trap 'exit 0' TERM", "echo up", "sleep 600 & wait"]});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    world.log_says("run", "up").await?;
    world.cancel("run").await?;
    // Somebody is about to stop it: the ending is settled, and a moment later the pod is gone, with the log in the hands of whoever stops it.
    let stored = records::load(world.bucket.as_ref(), "eks-test", "run").await?;
    let (stored, observation, _) = observe::pod(&world.environment, stored).await?;
    let Next::Collect(ending) = decide(&stored.record, &observation, SystemClock.now()).next else {
        bail!("{observation:?}")
    };
    stop::settle(&world.environment, stored, &ending).await?;
    for (name, uid) in world.pods().await? {
        world.client.delete("default", &name, &uid, Some(0)).await?;
    }
    world.no_pods().await?;
    world.deliver().await?;
    assert!(world.result("run").is_none(), "whoever stops it has the log");
    let looks = world.queues.look();
    let [Sent::LookAt(message, pause)] = looks.as_slice() else { bail!("{looks:?}") };
    assert!(message.hops == 1 && *pause >= Duration::from_secs(10), "{looks:?}");
    // It was killed: then the next look ends the run.
    world.deliver().await?;
    let result = world.result("run").context("no result")?;
    assert_eq!(result.state, State::Cancelled);
    assert!(result.warnings.iter().any(|warning| warning.contains("log")), "{:?}", result.warnings);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ending_that_was_decided_before_somebody_asked_for_the_end_is_not_settled_after_it() -> Result<()>
{
    let world = World::new().await?;
    world.submit("m1", &json!({"task": labelled("t", json!({})), "runId": "run"})).await?;
    let before = records::load(world.bucket.as_ref(), "eks-test", "run").await?;
    let ending = Ending { stop: true, ..Ending::plain(State::TimedOut) };
    world.cancel("run").await?;
    let (stored, settled) = stop::settle(&world.environment, before, &ending).await?;
    assert!(settled.is_none() && stored.record.ending.is_none() && stored.record.cancel.is_some());
    // Who has seen the mark settles, and who comes after that takes what stands there.
    let cancelled = Ending { stop: true, ..Ending::plain(State::Cancelled) };
    let (stored, settled) = stop::settle(&world.environment, stored, &cancelled).await?;
    assert_eq!(settled, Some(cancelled.clone()));
    assert_eq!(stop::settle(&world.environment, stored, &ending).await?.1, Some(cancelled));
    world.shutdown().await;
    Ok(())
}

fn labelled(id: &str, labels: serde_json::Value) -> serde_json::Value {
    let runner = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "labels": labels});
    json!({"id": id, "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["trap 'exit 0' TERM; sleep 600 & wait"], "taskRunner": runner})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn labels_select_the_runs_that_end() -> Result<()> {
    let world = World::new().await?;
    for (run_id, labels) in [
        ("a", json!({"team": "data", "stage": "test"})),
        ("b", json!({"team": "data", "stage": "live"})),
        ("c", json!({"team": "web"})),
    ] {
        world.submit(run_id, &json!({"task": labelled(run_id, labels), "runId": run_id})).await?;
    }
    let cancel = |selector: &str| json!({"cancel": {"selector": selector, "reason": "a test"}});
    let nobody = world.invoke_cancel(&cancel("team=nobody")).await?;
    assert_eq!(nobody, json!({"runIds": []}));
    assert_eq!(world.invoke_cancel(&cancel("team=data,stage notin (live)")).await?, json!({"runIds": ["a"]}));
    assert_eq!(world.run_to_end("a").await?.state, State::Cancelled);
    assert!(world.result("b").is_none() && world.result("c").is_none());
    let task = world.invoke_cancel(&cancel("longshore.dev/task-id in (b, c)")).await?;
    assert_eq!(task, json!({"runIds": ["b", "c"]}));
    assert_eq!(world.run_to_end("b").await?.state, State::Cancelled);
    assert_eq!(world.run_to_end("c").await?.state, State::Cancelled);
    world.no_pods().await?;
    // Those that have ended are not cancelled again, though their records are still there.
    assert_eq!(world.invoke_cancel(&cancel("team")).await?, json!({"runIds": []}));
    assert!(world.invoke_cancel(&cancel("team = ")).await.is_ok());
    assert!(world.invoke_cancel(&cancel("a b")).await.is_err());
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_execution_that_is_aborted_takes_its_runs_with_it_also_those_to_come() -> Result<()> {
    let world = World::new().await?;
    let of_execution = |execution: &str, state: &str| {
        json!({"task": labelled("t", json!({})), "taskToken": format!("{execution}-{state}"),
            "stepFunctions": {"executionId": execution, "stateName": state, "enteredTime": "2026-11-21T03:00:00Z", "retryCount": 0}})
    };
    let first = world.invoke_submit(&of_execution("arn:aborted", "First")).await?;
    let other = world.invoke_submit(&of_execution("arn:other", "First")).await?;
    let event = json!({"version": "0", "source": "aws.states", "detail-type": "Step Functions Execution Status Change",
        "detail": {"executionArn": "arn:aborted", "status": "ABORTED"}});
    assert_eq!(world.invoke_cancel(&event).await?, json!({"runIds": [first["runId"]]}));
    // Its message was still in the queue.
    let late = world.invoke_submit(&of_execution("arn:aborted", "Second")).await?;
    for answer in [&first, &late] {
        let result = world.run_to_end(answer["runId"].as_str().unwrap()).await?;
        assert_eq!(result.state, State::Cancelled);
        assert!(result.diagnosis.unwrap().message.contains("arn:aborted"));
    }
    assert!(world.result(other["runId"].as_str().unwrap()).is_none());
    // The pod of the other goes on.
    world.pods_are(1).await?;
    world.shutdown().await;
    Ok(())
}
