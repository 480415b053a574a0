//! Pods in the manner of the KubernetesExecutor: a template of the bucket with an override, pods that are found again, several namespaces, parallelism.

use std::time::Duration;

use anyhow::{Context, Result};
use fixtures::hours::Hours;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::state::State;
use shared::store::bucket::Condition;

const TEMPLATE: &str = "config/templates/worker.yaml";

fn task(more: Value) -> Value {
    let mut task = json!({"executor": "KubernetesExecutor", "task_id": "crunch", "podTemplate": TEMPLATE});
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

/// A world whose bucket has a template with a private registry's secret, and whose cluster a namespace more.
async fn world() -> Result<World> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team-b"}});
    let world = World::with_manifests(vec![namespace]).await?;
    let template = "spec:\n  imagePullSecrets: [{name: registry}]\n  containers: [{name: base, image: busybox, env: [{name: FROM, value: template}]}]\n";
    world.environment.bucket.put(TEMPLATE, template.into(), Condition::Always).await?;
    Ok(world)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_of_template_and_override_is_adopted_after_a_restart() -> Result<()> {
    let world = world().await?;
    let over = json!({"spec": {"containers": [{"name": "base", "resources": {"requests": {"cpu": "100m"}}, "env": [{"name": "OVER", "value": "ride"}],
        "volume_mounts": [{"name": "scratch", "mount_path": "/scratch"}]}], "volumes": [{"name": "scratch", "empty_dir": {}}]}});
    let script = "echo \"\\\"$FROM $OVER\\\"\" > /airflow/xcom/return.json; touch /scratch/done";
    let task = task(json!({"podOverride": over, "do_xcom_push": true, "cmds": ["/bin/sh", "-c", script]}));
    let body = json!({"task": task, "runId": "adopted"});
    world.submit("m1", &body).await?;
    let before = world.pods().await?;
    // Whoever created the pod died before it could write that down.
    let key = "active/eks-test/adopted.json";
    let mut record: Value = serde_json::from_slice(&world.bucket.read(key).context("no record")?)?;
    record["attempt"].as_object_mut().context("no attempt")?.remove("podUid");
    world.environment.bucket.put(key, serde_json::to_vec(&record)?.into(), Condition::Always).await?;
    world.submit("m1", &body).await?;
    assert_eq!((world.pods().await?, before.len()), (before, 1));

    let pod = world.client.list("default", None, None).await?.pods.remove(0);
    let spec = serde_json::to_value(pod.spec)?;
    assert_eq!(spec["imagePullSecrets"], json!([{"name": "registry"}]));
    assert_eq!(spec["containers"][0]["resources"]["requests"], json!({"cpu": "100m"}));
    let result = world.run_to_end("adopted").await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert_eq!(result.outputs.get("return_value"), Some(&json!("template ride")));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_go_to_the_namespaces_that_they_or_their_overrides_name() -> Result<()> {
    let world = world().await?;
    let elsewhere = json!({"metadata": {"namespace": "team-b"}});
    for (run_id, more, namespace) in [
        ("here", json!({}), "default"),
        ("named", json!({"namespace": "team-b"}), "team-b"),
        ("overridden", json!({"podOverride": elsewhere}), "team-b"),
    ] {
        let mut task = task(more);
        task["cmds"] = json!(["true"]);
        world.submit(run_id, &json!({"task": task, "runId": run_id})).await?;
        let result = world.run_to_end(run_id).await?;
        assert_eq!(result.state, State::Succeeded, "{run_id}: {:?}", result.diagnosis);
        assert_eq!(result.namespace.as_deref(), Some(namespace), "{run_id}");
    }
    world.shutdown().await;
    Ok(())
}

#[tokio::test]
async fn parallelism_is_a_cap_on_live_pods() -> Result<()> {
    let mut hours = Hours::new(Duration::from_secs(45), 0)?;
    hours.clusters("clusters: {default: {maxLivePods: 3}}").await?;
    let run_ids: Vec<String> = (0..10).map(|number| format!("run-{number}")).collect();
    for run_id in &run_ids {
        let task = json!({"executor": "KubernetesExecutor", "task_id": "crunch", "image": "busybox", "cmds": ["true"]});
        hours.send(json!({"task": task, "runId": run_id}));
    }
    hours.until(30, |hours| run_ids.iter().all(|run_id| hours.result(run_id).is_some())).await?;
    for run_id in &run_ids {
        let state = hours.result(run_id).map(|result| result.state);
        assert_eq!(state, Some(State::Succeeded), "{run_id}");
    }
    assert_eq!(hours.cluster.peak(), 3);
    Ok(())
}
