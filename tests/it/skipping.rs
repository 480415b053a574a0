//! Tasks that are not run, and failures that are let pass.

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::state::State;

fn shell(commands: &[&str], more: Value) -> Value {
    let mut task =
        json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands});
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_not_to_run_is_skipped_with_its_reason_and_without_a_pod() -> Result<()> {
    let world = World::new().await?;
    for (run_id, more, reason) in [
        ("disabled", json!({"disabled": true}), "the task is disabled"),
        ("condition", json!({"runIf": "{{ inputs.go }}"}), "`runIf` is `false`"),
    ] {
        let body = json!({"task": shell(&["true"], more), "inputs": {"go": false}, "runId": run_id});
        world.submit(run_id, &body).await?;
        world.submit(run_id, &body).await?;
        let result = world.result(run_id).unwrap();
        assert_eq!(result.state, State::Skipped);
        assert_eq!(result.skipped_because.as_deref(), Some(reason));
        assert_eq!((result.attempt, result.diagnosis, result.pod_name), (0, None, None));
    }
    assert!(world.pods().await?.is_empty());
    let body = json!({"task": shell(&["true"], json!({"runIf": "{{ inputs.go }}"})), "inputs": {"go": true}, "runId": "runs"});
    world.submit("runs", &body).await?;
    assert_eq!(world.run_to_end("runs").await?.state, State::Succeeded);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_that_is_allowed_is_a_success_that_says_what_happened() -> Result<()> {
    let world = World::new().await?;
    let retry = json!({"type": "constant", "interval": "PT1S", "maxAttempt": 2});
    let task = shell(&["echo tried", "exit 9"], json!({"allowFailure": true, "retry": retry}));
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    assert_eq!((result.state, result.tolerated, result.attempt), (State::Succeeded, Some(State::Failed), 2));
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((diagnosis.cause, diagnosis.exit_code), (Cause::NonZeroExit, Some(9)));
    assert_eq!(result.log_tail.as_deref(), Some("tried\n"));
    assert!(result.warnings[0].contains("`allowFailure` lets pass"), "{:?}", result.warnings);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_does_not_become_ready_in_time_is_ended() -> Result<()> {
    let world = World::new().await?;
    let task = json!({"id": "p", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "waitUntilReady": "PT2S",
        "spec": {"containers": [{"name": "c", "image": "registry.invalid/app:1"}]}});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(
        (result.state, diagnosis.cause),
        (State::TimedOut, Cause::ReadyDeadline),
        "{}",
        diagnosis.message
    );
    assert!(diagnosis.message.starts_with("the pod was not ready within 2 s"), "{}", diagnosis.message);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_of_the_authors_own_comes_back_with_its_metadata_and_status() -> Result<()> {
    let world = World::new().await?;
    let task = json!({"id": "p", "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "metadata": {"labels": {"team": "a"}}, "outputFiles": ["out.txt"],
        "spec": {"containers": [{"name": "c", "image": "busybox", "env": [{"name": "SECRET", "value": "s3cr3t"}],
            "command": ["/bin/sh", "-c", "echo '::{\"outputs\":{\"rows\":3}}::'; echo x > /kestra/working-dir/out.txt"]}]}});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert_eq!((result.outputs.get("rows"), result.output_files.len()), (Some(&json!(3)), 1));
    let pod = result.pod.unwrap();
    assert_eq!(
        (&pod.metadata["name"], &pod.metadata["labels"]["team"]),
        (&json!(result.pod_name), &json!("a"))
    );
    let statuses = pod.status["containerStatuses"].as_array().unwrap();
    assert!(
        statuses.iter().any(|status| status["name"] == "c" && status["state"]["terminated"]["exitCode"] == 0)
    );
    let text = String::from_utf8(world.bucket.read("runs/run/result.json").unwrap())?;
    assert!(!text.contains("s3cr3t") && !text.contains("managedFields"));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
