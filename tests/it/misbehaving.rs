//! Runs on a cluster that misbehaves: they end as they should all the same, or say what happened.

use anyhow::{Result, ensure};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::{Cause, Class};
use shared::run::result::RunResult;
use shared::run::state::State;
use std::time::Duration;

/// What becomes of a run on a cluster with these faults.
async fn run(task: Value, faults: Value) -> Result<(World, RunResult)> {
    let world = World::new().await?;
    let put = world.faults()?.put(&json!({"seed": 1, "faults": faults}));
    ensure!(put.is_ok(), "{put:?}");
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    Ok((world, result))
}

fn shell(commands: &[&str], more: Value) -> Value {
    let mut task =
        json!({"id": "task", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands});
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

async fn ended(world: World) -> Result<()> {
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_throttled_create_is_sent_again_and_the_run_succeeds() -> Result<()> {
    let creates = json!({"verbs": ["create"], "resources": ["pods"]});
    let fault = json!({"kind": "TooManyRequests", "match": creates, "when": {"count": 2}});
    let (world, result) = run(shell(&["echo hello"], json!({})), json!([fault])).await?;
    assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
    assert_eq!(world.faults()?.struck("TooManyRequests-0"), 2);
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_create_whose_answer_is_lost_makes_one_pod() -> Result<()> {
    let creates = json!({"verbs": ["create"], "resources": ["pods"]});
    let fault = json!({"kind": "ConnectionReset", "with": {"effect": "Done"}, "match": creates, "when": {"count": 1}});
    let (world, result) = run(shell(&["echo hello"], json!({})), json!([fault])).await?;
    assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
    assert_eq!(world.faults()?.struck("ConnectionReset-0"), 1);
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_arrive_whole_though_the_exec_is_cut_in_the_middle() -> Result<()> {
    let commands = [
        "mkdir out && cd out",
        "for name in a b c; do head -c 1500000 /dev/urandom > $name.bin; done",
        "sha256sum *.bin",
    ];
    // The first exec lists the files; the next ones bring them.
    let fault =
        json!({"kind": "ExecCut", "with": {"afterBytes": 2_000_000}, "when": {"skip": 1, "count": 1}});
    let (world, result) = run(shell(&commands, json!({"outputFiles": ["out/*"]})), json!([fault])).await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert_eq!(world.faults()?.struck("ExecCut-0"), 1);
    let log = String::from_utf8(world.bucket.read("runs/run/attempts/1/logs/main.log").unwrap())?;
    assert_eq!(result.output_files.len(), 3, "{:?}", result.warnings);
    for file in &result.output_files {
        let bytes = world.bucket.read(&format!("runs/run/attempts/1/outputs/{}", file.path)).unwrap();
        assert_eq!(bytes.len(), 1_500_000);
        assert!(log.contains(&format!("{}  {}", file.sha256, file.path.trim_start_matches("out/"))), "{log}");
    }
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_that_has_expired_costs_nothing_but_a_look() -> Result<()> {
    let fault = json!({"kind": "WatchExpires", "when": {"count": 2}});
    let (world, result) = run(shell(&["echo hello"], json!({})), json!([fault])).await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert!(world.faults()?.struck("WatchExpires-0") >= 1);
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_watches_all_expire_is_not_asked_many_times_a_second() -> Result<()> {
    let (world, result) = run(shell(&["sleep 3"], json!({})), json!([{"kind": "WatchExpires"}])).await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    let struck = world.faults()?.struck("WatchExpires-0");
    assert!((1..40).contains(&struck), "{struck}");
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_evicted_pod_is_infrastructure_and_its_run_is_tried_again() -> Result<()> {
    let evicted = json!([{"kind": "Evicted", "with": {"disruptionTarget": true}, "when": {"count": 1}}]);
    let retry = json!({"retry": {"type": "constant", "interval": "PT1S", "maxAttempts": 2}});
    let (world, result) = run(shell(&["sleep 2", "echo done"], retry), evicted.clone()).await?;
    assert_eq!((result.state, result.attempt), (State::Succeeded, 2), "{:?}", result.diagnosis);
    assert_eq!(world.faults()?.struck("Evicted-0"), 1);
    ended(world).await?;
    let (world, result) = run(shell(&["sleep 600"], json!({})), evicted).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(
        (result.state, diagnosis.class, diagnosis.cause),
        (State::Failed, Class::Infrastructure, Cause::Evicted)
    );
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_preempted_pod_says_who_took_its_place() -> Result<()> {
    let world = World::new().await?;
    let task = shell(&["echo started", "sleep 600"], json!({}));
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    world.log_says("run", "started").await?;
    // The watch has begun before anything happens, so that nothing of it is missed.
    world.poll("eks-test", Duration::from_millis(1200)).await?;
    let preempted = json!({"faults": [{"kind": "Preempted", "with": {"graceSeconds": 1}}]});
    let put = world.faults()?.put(&preempted);
    ensure!(put.is_ok(), "{put:?}");
    let result = world.run_to_end("run").await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((diagnosis.class, diagnosis.cause), (Class::Infrastructure, Cause::Preempted));
    // Told by the pod's condition, or by its events when it was gone before anybody looked again.
    assert!(
        diagnosis.message.contains("(PreemptionByScheduler)") || diagnosis.message.contains("(Preempted)"),
        "{}",
        diagnosis.message
    );
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_nobody_saw_go_has_vanished() -> Result<()> {
    let world = World::new().await?;
    let put = world.faults()?.put(&json!({"faults": [{"kind": "Deleted", "with": {"graceSeconds": 0}}]}));
    ensure!(put.is_ok(), "{put:?}");
    world.submit("m1", &json!({"task": shell(&["sleep 600"], json!({})), "runId": "run"})).await?;
    world.no_pods().await?;
    // Only a comparison can find it, which leaves young records to the function that may be at work on them.
    world.bucket.age(Duration::from_secs(70));
    let result = world.run_to_end("run").await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((result.state, diagnosis.cause), (State::Failed, Cause::PodVanished), "{}", diagnosis.message);
    assert_eq!(world.faults()?.struck("Deleted-0"), 1);
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_container_that_needs_too_much_memory_is_told_apart_from_one_that_is_killed() -> Result<()> {
    let (world, result) = run(shell(&["sleep 600"], json!({})), json!([{"kind": "OomKilled"}])).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(
        (result.state, diagnosis.cause, diagnosis.exit_code),
        (State::Failed, Cause::OomKilled, Some(137))
    );
    ended(world).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_policy_that_refuses_the_pod_ends_the_run_with_its_words() -> Result<()> {
    let (world, result) = run(shell(&["true"], json!({})), json!([{"kind": "PodSecurity"}])).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((result.state, diagnosis.cause), (State::Failed, Cause::AdmissionRejected));
    assert!(diagnosis.message.contains("violates PodSecurity"), "{}", diagnosis.message);
    ended(world).await
}
