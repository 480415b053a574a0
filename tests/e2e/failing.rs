//! Tasks that cannot succeed: each ends, and its result says what, where and what to do.

use anyhow::{Context, Result, ensure};
use kube::api::DeleteParams;
use serde_json::{Value, json};
use shared::run::diagnosis::{Cause, Class, Diagnosis};
use shared::run::result::RunResult;
use shared::run::state::State;

use crate::stack::Stack;
use crate::tasks::{endless, shell};
use crate::wait::SOON;
use crate::{pods, wait};

/// The diagnosis, which must say what to do.
fn diagnosis(result: &RunResult) -> Result<&Diagnosis> {
    let diagnosis = result.diagnosis.as_ref().context("no diagnosis")?;
    ensure!(!diagnosis.hint.is_empty() && !diagnosis.message.is_empty(), "{diagnosis:?}");
    Ok(diagnosis)
}

#[tokio::test]
async fn a_failing_command_is_exit_code_1_and_says_which_container_and_why() -> Result<()> {
    let stack = Stack::shared().await?;
    let task = shell("fails", &["echo before", "echo it broke >&2", "exit 7"], json!({"outputFiles": ["x"]}));
    let result = stack.run(&task, &[]).await?.ended_with(1)?;
    let found = diagnosis(&result)?;
    assert_eq!((found.class, found.cause, found.exit_code), (Class::User, Cause::NonZeroExit, Some(7)));
    assert_eq!(found.container.as_deref(), Some("main"));
    assert!(result.log_tail.as_deref().unwrap().contains("it broke"), "{:?}", result.log_tail);
    pods::gone(&stack, &result.run_id).await
}

#[tokio::test]
async fn a_missing_image_is_named() -> Result<()> {
    let stack = Stack::shared().await?;
    let image = |name: &str, limit: &str| {
        let mut task = shell("image", &["true"], json!({"containerImage": name}));
        task["taskRunner"]["waitUntilRunning"] = Value::from(limit);
        task
    };
    // One is given up after the grace for pulling, one when its time for starting is over, one before anything is sent.
    let name = "registry.invalid/team/nothing:1";
    let (missing, late, wrong) = (image(name, "PT10M"), image(name, "PT5S"), image("Not An Image", "PT10M"));
    let (missing, late, wrong) =
        tokio::join!(stack.run(&missing, &[]), stack.run(&late, &[]), stack.run(&wrong, &[]));
    for (outcome, code, state) in [(missing?, 1, State::Failed), (late?, 4, State::TimedOut)] {
        let result = outcome.ended_with(code)?;
        let found = diagnosis(&result)?;
        assert_eq!((result.state, found.cause), (state, Cause::ImagePull), "{found:?}");
        assert_eq!(found.container.as_deref(), Some("main"), "{found:?}");
        let told = format!("{} {}", found.message, found.evidence.join(" "));
        assert!(told.contains(name), "{told}");
        pods::gone(&stack, &result.run_id).await?;
    }
    let wrong = wrong?;
    assert_eq!(wrong.code, 2);
    assert!(wrong.complained.contains("/containerImage"), "{}", wrong.complained);
    Ok(())
}

#[tokio::test]
async fn a_missing_input_object_is_named_and_no_pod_is_created() -> Result<()> {
    let stack = Stack::shared().await?;
    let witness = pods::Witness::begin(&stack).await?;
    let uri = format!("s3://{}/nowhere/data.csv", stack.endpoints.bucket);
    let task = shell("input", &["true"], json!({"inputFiles": {"data.csv": uri}}));
    let result = stack.run(&task, &[]).await?.ended_with(1)?;
    let found = diagnosis(&result)?;
    assert_eq!(found.cause, Cause::InputMissing, "{found:?}");
    assert!(found.message.contains("nowhere/data.csv"), "{found:?}");
    assert_eq!(witness.pods_of(&result.run_id), 0);
    Ok(())
}

#[tokio::test]
async fn a_run_over_its_time_limit_is_exit_code_4() -> Result<()> {
    let stack = Stack::shared().await?;
    let result = stack.run(&endless("late", json!({"timeout": "PT2S"})), &[]).await?.ended_with(4)?;
    let found = diagnosis(&result)?;
    assert_eq!((result.state, found.cause), (State::TimedOut, Cause::RunningDeadline), "{found:?}");
    assert!(result.log_tail.as_deref().unwrap().contains("started"), "{:?}", result.log_tail);
    pods::gone(&stack, &result.run_id).await
}

#[tokio::test]
async fn a_pod_deleted_by_hand_ends_its_run() -> Result<()> {
    let stack = Stack::shared().await?;
    let (kind, force) = (endless("deleted", json!({})), endless("destroyed", json!({"outputFiles": ["x"]})));
    let (kind, force) = tokio::join!(
        deleted(&stack, &kind, DeleteParams::default()),
        deleted(&stack, &force, DeleteParams::default().grace_period(0))
    );
    for result in [kind?, force?] {
        let found = diagnosis(&result)?;
        assert_eq!(result.state, State::Failed, "{found:?}");
        assert!(matches!(found.cause, Cause::PodDeleted | Cause::PodVanished), "{found:?}");
    }
    Ok(())
}

/// The result of a run whose pod somebody deletes as soon as it runs.
async fn deleted(stack: &Stack, task: &Value, how: DeleteParams) -> Result<RunResult> {
    let run_id = stack.submit(task).await?;
    let pod = pods::running(stack, &run_id).await?;
    pods::api(stack).await?.delete(&pod, &how).await?;
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    pods::gone(stack, &run_id).await?;
    Ok(result)
}

#[tokio::test]
async fn without_a_stack_the_exit_code_is_3() -> Result<()> {
    let site = crate::stack::Site::new("none")?;
    let output = site.command().args(["status", "some-run"]).output().await?;
    let outcome = crate::command::Outcome::of(output)?;
    assert_eq!(outcome.code, 3);
    assert!(outcome.complained.contains("longshore up"), "{}", outcome.complained);
    Ok(())
}
