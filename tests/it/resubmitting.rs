//! A run that is submitted again while it is under way, and pods that are one too many.

use std::time::Duration;

use anyhow::{Context, Result};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::record::Record;
use shared::run::state::State;
use shared::store::bucket::{Bucket, Condition};

fn endless(resume: bool) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["trap 'exit 1' TERM", "echo up", "sleep 600 & wait"],
        "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "resume": resume}})
}

fn record(world: &World) -> Result<Record> {
    let bytes = world.bucket.read("active/eks-test/run.json").context("no record")?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_without_resume_begins_an_attempt_of_its_own_once() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"task": endless(false), "runId": "run"});
    world.submit("m1", &body).await?;
    world.submit("m1", &body).await?;
    assert_eq!(record(&world)?.attempt.number, 1, "a redelivery always resumes");
    let first = world.pods().await?.remove(0);
    world.submit("m2", &body).await?;
    world.submit("m2", &body).await?;
    world.submit("m1", &body).await?;
    let under_way = record(&world)?;
    assert_eq!((under_way.attempt.number, under_way.joined.as_slice()), (2, &["sqs:m2".to_owned()][..]));
    assert_eq!(under_way.past[0].diagnosis.cause, Cause::Replaced);
    world.client.delete("default", &first.0, &first.1, Some(0)).await?;
    let pods = world.pods().await?;
    assert_eq!(
        pods.iter().map(|(_, uid)| Some(uid)).collect::<Vec<_>>(),
        [under_way.attempt.pod_uid.as_ref()]
    );
    world.cancel("run").await?;
    let result = world.run_to_end("run").await?;
    assert_eq!((result.state, result.attempt), (State::Cancelled, 2));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_with_resume_joins_the_attempt_under_way() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"task": endless(true), "runId": "run"});
    world.submit("m1", &body).await?;
    let pods = world.pods().await?;
    world.submit("m2", &body).await?;
    assert_eq!((record(&world)?.attempt.number, world.pods().await?), (1, pods));
    world.cancel("run").await?;
    world.run_to_end("run").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_several_pods_of_an_attempt_the_one_that_the_record_knows_stays() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &json!({"task": endless(true), "runId": "run"})).await?;
    let own = world.pods().await?.remove(0);
    let copied = world.client.get("default", &own.0).await?.unwrap();
    let copy = json!({"apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "a-copy", "labels": copied.metadata.labels, "annotations": copied.metadata.annotations},
        "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0,
            "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "600"]}]}});
    world.client.create("default", &copy).await?;
    world.poll("eks-test", Duration::from_millis(1500)).await?;
    for _ in 0..100 {
        if world.pods().await?.len() == 1 {
            break;
        }
        world.poll("eks-test", Duration::from_millis(200)).await?;
    }
    assert_eq!(world.pods().await?, [own]);
    assert!(world.result("run").is_none(), "the run goes on");
    world.cancel("run").await?;
    world.run_to_end("run").await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_is_being_deleted_is_not_taken_on_but_waited_for() -> Result<()> {
    let world = World::new().await?;
    let mut task = endless(true);
    task["commands"] = json!(["trap '' TERM", "sleep 600 & wait; sleep 600"]);
    let body = json!({"task": task, "runId": "run"});
    world.submit("m1", &body).await?;
    let (name, uid) = world.pods().await?.remove(0);
    world.client.delete("default", &name, &uid, Some(600)).await?;
    // As if the function had died right after the POST: the record does not know the pod.
    let mut forgotten = record(&world)?;
    forgotten.attempt.pod_uid = None;
    let bytes = serde_json::to_vec(&forgotten)?.into();
    world.bucket.put("active/eks-test/run.json", bytes, Condition::Always).await?;
    world.submit("m1", &body).await?;
    let waiting = record(&world)?;
    assert_eq!(waiting.attempt.pod_uid, None);
    assert!(waiting.waiting_for.unwrap().contains("it is ending"));
    world.client.delete("default", &name, &uid, Some(0)).await?;
    world.no_pods().await?;
    world.cancel("run").await?;
    assert_eq!(world.run_to_end("run").await?.state, State::Cancelled);
    world.shutdown().await;
    Ok(())
}
