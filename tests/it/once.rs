//! One pod and one result, whatever is delivered how often.

use std::time::Duration;

use anyhow::Result;
use fixtures::hours::Hours;
use fixtures::world::World;
use futures::FutureExt;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock};
use shared::run::diagnosis::{Cause, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::bucket::{Bucket, Condition};

fn task() -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["echo once"]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_deliveries_make_one_pod_and_one_result() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"task": task()});
    for _ in 0..3 {
        world.submit("0f8c4d3e-message", &body).await?;
    }
    assert_eq!(world.pods().await?.len(), 1);
    let result = world.run_to_end("0f8c4d3e-message").await?;
    world.submit("0f8c4d3e-message", &body).await?;
    assert_eq!(result.state, State::Succeeded);
    assert_eq!(world.bucket.keys().iter().filter(|key| key.ends_with("result.json")).count(), 1);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_id_with_another_submission_is_rejected_and_the_run_goes_on() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &json!({"task": task(), "runId": "run"})).await?;
    let mut other = task();
    other["commands"] = json!(["echo other"]);
    world.submit("m2", &json!({"task": other, "runId": "run"})).await?;
    let rejection: Value = serde_json::from_slice(&world.bucket.read("rejected/m2.json").unwrap())?;
    assert_eq!(rejection["problems"][0]["pointer"], "/runId");
    assert_eq!(world.run_to_end("run").await?.state, State::Succeeded);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_function_that_dies_between_post_and_record_is_carried_on() -> Result<()> {
    let world = World::new().await?;
    let body = json!({"task": task(), "runId": "run"});
    world.submit("m1", &body).await?;
    let before = world.pods().await?;
    // As if the function had died right after the POST: the record does not know the pod.
    let key = "active/eks-test/run.json";
    let mut record: Value = serde_json::from_slice(&world.bucket.read(key).unwrap())?;
    record["attempt"].as_object_mut().unwrap().remove("podUid");
    let bytes = serde_json::to_vec(&record)?.into();
    world.bucket.put(key, bytes, Condition::Always).await?;
    world.submit("m1", &body).await?;
    assert_eq!(world.pods().await?, before, "the same pod, taken on again");
    let record: Value = serde_json::from_slice(&world.bucket.read(key).unwrap())?;
    assert_eq!(record["attempt"]["podUid"], before[0].1.as_str());
    assert_eq!(world.run_to_end("run").await?.state, State::Succeeded);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_whose_creator_got_no_answer_and_gave_up_goes_with_its_run() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &json!({"task": task(), "runId": "run"})).await?;
    assert_eq!(world.pods().await?.len(), 1);
    // As if the POST had not been answered, and the waiting time had been over: a result, and a record that does not know the pod.
    let key = "active/eks-test/run.json";
    let mut record: Value = serde_json::from_slice(&world.bucket.read(key).unwrap())?;
    record["attempt"].as_object_mut().unwrap().remove("podUid");
    let bytes = serde_json::to_vec(&record)?.into();
    world.bucket.put(key, bytes, Condition::Always).await?;
    let diagnosis = Diagnosis::new(Cause::ClusterUnreachable, "no answer");
    let result = RunResult::without_attempt("run", State::TimedOut, diagnosis, SystemClock.now());
    shared::store::results::write_once(world.bucket.as_ref(), result).await?;
    // A record that was just written may belong to a function that is at work on it.
    world.bucket.age(Duration::from_secs(70));
    world.poll("eks-test", Duration::from_millis(1200)).await?;
    world.deliver().await?;
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn a_pod_that_comes_second_goes_as_soon_as_its_post_is_answered() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(600), 0)?;
    let (bucket, key) = (hours.bucket.clone(), "active/eks-test/run.json");
    // While the POST is on its way, another delivery writes the pod that it has created into the record, which this one has read before.
    hours.cluster.meanwhile("create pod", move |_, _| {
        let mut record: Value = serde_json::from_slice(&bucket.read(key).unwrap()).unwrap();
        record["attempt"]["podUid"] = "uid-of-the-other-delivery".into();
        let write = bucket.put(key, record.to_string().into(), Condition::Always);
        write.now_or_never().unwrap().unwrap();
    });
    hours.send(json!({"task": task(), "runId": "run"}));
    hours.deliver().await?;
    assert_eq!(
        (hours.cluster.order().len(), hours.cluster.posted().len()),
        (1, 0),
        "posted, and deleted again"
    );
    let record: Value = serde_json::from_slice(&hours.bucket.read(key).unwrap())?;
    assert_eq!(record["attempt"]["podUid"], "uid-of-the-other-delivery");
    Ok(())
}

#[tokio::test]
async fn a_name_that_is_free_a_moment_after_the_post_is_asked_for_again() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(5), 0)?;
    let start = hours.clock.now();
    hours.cluster.meanwhile("create pod", move |pods, name| {
        let other = json!({"metadata": {"name": name, "uid": "uid-of-somebody-else"}});
        pods.insert(name.to_owned(), (other, start));
    });
    hours.cluster.meanwhile("get pod", |pods, name| drop(pods.remove(name)));
    hours.send(json!({"task": task(), "runId": "run"}));
    hours.until(5, |hours| hours.result("run").is_some()).await?;
    let result = hours.result("run").unwrap();
    assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_elses_pod_in_the_way_is_left_alone() -> Result<()> {
    let world = World::new().await?;
    let submission = json!({"task": task(), "runId": "run"});
    let parsed = shared::spec::read::submission(submission.to_string().as_bytes())
        .map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let context = shared::resolve::Context {
        run_id: "run",
        inputs: &parsed.inputs,
        trigger: &parsed.trigger,
        bucket: "bucket",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &std::collections::BTreeMap::new(),
        replace_connection: false,
    };
    let plan =
        shared::resolve::plan_of(&parsed, &context).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    let name = shared::pod::name(&plan, "run", 1);
    let other = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app.kubernetes.io/managed-by": "longshore"}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox", "command": ["sleep", "600"]}]}});
    world.client.create("default", &other).await?;
    world.submit("m1", &submission).await?;
    let result = world.run_to_end("run").await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(diagnosis.cause, Cause::NameTaken);
    assert!(diagnosis.message.contains(&name), "{}", diagnosis.message);
    assert_eq!(world.pods().await?.len(), 1, "the other pod stays");
    world.shutdown().await;
    Ok(())
}
