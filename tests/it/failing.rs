//! Runs that go wrong: the result says what, where and what to do.

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::{Cause, Class};
use shared::run::result::RunResult;
use shared::run::state::State;

async fn run(task: Value) -> Result<(World, RunResult)> {
    let world = World::new().await?;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_command_fails_with_its_exit_code_and_the_end_of_its_log() -> Result<()> {
    let task =
        shell(&["echo before", "echo kept > kept.txt", "exit 7"], json!({"outputFiles": ["kept.txt"]}));
    let (world, result) = run(task).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(
        (result.state, diagnosis.class, diagnosis.cause),
        (State::Failed, Class::User, Cause::NonZeroExit)
    );
    assert_eq!((diagnosis.exit_code, diagnosis.container.as_deref()), (Some(7), Some("main")));
    assert_eq!(result.log_tail.as_deref(), Some("before\n"));
    assert_eq!(result.output_files.len(), 1, "outputs come back from a failed run too");
    let pod = String::from_utf8(world.bucket.read("runs/run/attempts/1/pod.json").unwrap())?;
    assert!(pod.contains("containerStatuses"));
    assert!(world.bucket.read("runs/run/attempts/1/events.json").is_some());
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_misspelt_field_of_a_pod_fails_the_run_and_is_not_left_out() -> Result<()> {
    let container = json!({"name": "main", "image": "busybox", "resource": {"limits": {"memory": "1Gi"}}});
    let task = json!({"id": "task", "type": "io.kestra.plugin.kubernetes.PodCreate", "spec": {"containers": [container]}});
    let (world, result) = run(task).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((result.state, diagnosis.cause), (State::Failed, Cause::AdmissionRejected));
    assert!(
        diagnosis.message.contains("unknown field \"spec.containers[0].resource\""),
        "{}",
        diagnosis.message
    );
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_over_its_limit_is_stopped_and_what_it_wrote_comes_back() -> Result<()> {
    let commands = ["echo partial > out.txt", "echo started", "sleep 600"];
    let task = shell(
        &commands,
        json!({"timeout": "PT2S", "outputFiles": ["out.txt"], "taskRunner": {
        "type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "podSpec": {"terminationGracePeriodSeconds": 1}}}),
    );
    let (world, result) = run(task).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!(
        (result.state, diagnosis.cause),
        (State::TimedOut, Cause::RunningDeadline),
        "{}",
        diagnosis.message
    );
    assert_eq!(result.output_files.iter().map(|file| file.path.as_str()).collect::<Vec<_>>(), ["out.txt"]);
    assert_eq!(result.log_tail.as_deref(), Some("started\n"));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_over_its_limit_is_stopped_even_where_its_pod_is_to_be_kept() -> Result<()> {
    let runner = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "delete": false});
    let (world, result) =
        run(shell(&["sleep 600"], json!({"timeout": "PT2S", "taskRunner": runner}))).await?;
    assert_eq!(result.state, State::TimedOut, "{:?}", result.diagnosis);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_not_there_is_named_once_its_grace_is_over() -> Result<()> {
    let runner = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "waitUntilRunning": "PT3S"});
    let (world, result) =
        run(shell(&["true"], json!({"containerImage": "registry.invalid/app:1", "taskRunner": runner})))
            .await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((result.state, diagnosis.cause), (State::TimedOut, Cause::ImagePull), "{}", diagnosis.message);
    assert!(diagnosis.message.contains("registry.invalid/app:1"), "{}", diagnosis.message);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_input_object_fails_before_a_pod_is_made() -> Result<()> {
    let task =
        shell(&["true"], json!({"inputFiles": {"a.csv": "s3://bucket/not-there.csv", "b.txt": "inline"}}));
    let (world, result) = run(task).await?;
    let diagnosis = result.diagnosis.unwrap();
    assert_eq!((result.state, diagnosis.cause, result.attempt), (State::Failed, Cause::InputMissing, 0));
    assert!(
        diagnosis.message.contains("a.csv") && diagnosis.message.contains("not-there.csv"),
        "{}",
        diagnosis.message
    );
    assert!(world.pods().await?.is_empty());
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_deleted_by_hand_ends_the_run() -> Result<()> {
    let world = World::new().await?;
    let task = shell(&["sleep 600"], json!({}));
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let (name, uid) = world.pods().await?.remove(0);
    world.client.delete("default", &name, &uid, Some(1)).await?;
    let result = world.run_to_end("run").await?;
    let cause = result.diagnosis.unwrap().cause;
    assert!(matches!(cause, Cause::PodDeleted | Cause::PodVanished), "{cause:?}");
    assert_eq!(result.state, State::Failed);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_with_five_mistakes_is_rejected_with_five_problems() -> Result<()> {
    let world = World::new().await?;
    let task = json!({"id": "bad", "type": "io.kestra.plugin.scripts.shell.Commands", "comands": ["true"], "commands": ["echo {{ inputs.nope }}"],
        "timeout": "1 hour", "outputFiles": ["[a"],
        "taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "resources": {"request": {"cpu": "half"}}}});
    world.submit("m1", &json!({"task": task, "runId": "bad"})).await?;
    let result = world.result("bad").unwrap();
    assert_eq!(result.state, State::Rejected);
    assert!(result.problems.iter().all(|problem| problem.line == Some(1) && problem.column.is_some()));
    let pointers: Vec<&str> = result.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    for expected in [
        "/task/comands",
        "/task/commands/0",
        "/task/timeout",
        "/task/outputFiles/0",
        "/task/taskRunner/resources/request/cpu",
    ] {
        assert!(pointers.contains(&expected), "{expected} in {:#?}", result.problems);
    }
    assert!(world.bucket.read("rejected/m1.json").is_some());
    assert!(world.pods().await?.is_empty());
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_retry_is_a_new_attempt_with_a_new_pod() -> Result<()> {
    let retry = json!({"type": "constant", "interval": "PT1S", "maxAttempts": 2});
    let (world, result) = run(shell(&["exit 3"], json!({"retry": retry}))).await?;
    assert_eq!((result.state, result.attempt), (State::Failed, 2));
    assert!(world.bucket.read("runs/run/attempts/1/logs/main.log").is_some());
    assert!(world.bucket.read("runs/run/attempts/2/logs/main.log").is_some());
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
