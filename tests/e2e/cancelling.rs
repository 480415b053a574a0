//! Runs that somebody ends.

use anyhow::Result;
use serde_json::json;
use shared::run::diagnosis::Cause;
use shared::run::state::State;

use crate::command::{Outcome, interrupt};
use crate::stack::Stack;
use crate::tasks::{Document, endless};
use crate::wait::SOON;
use crate::{pods, wait};

#[tokio::test]
async fn a_run_is_cancelled_by_its_id() -> Result<()> {
    let stack = Stack::shared().await?;
    let run_id = stack.submit(&endless("cancelled", json!({"outputFiles": ["kept.txt"]}))).await?;
    pods::running(&stack, &run_id).await?;
    assert_eq!(stack.state(&run_id).await?.as_deref(), Some("RUNNING"));
    let cancelled = stack.longshore(&["cancel", &run_id, "--reason", "not needed any more"]).await?;
    assert_eq!(cancelled.code, 0, "{}", cancelled.complained);
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    let found = result.diagnosis.clone().unwrap();
    assert_eq!((result.state, found.cause), (State::Cancelled, Cause::Cancelled), "{found:?}");
    assert!(found.message.contains("not needed any more"), "{found:?}");
    assert!(result.log_tail.as_deref().unwrap().contains("started"), "{:?}", result.log_tail);
    pods::gone(&stack, &run_id).await?;
    // Once more: it has ended, and nothing changes.
    let again = stack.longshore(&["cancel", &run_id]).await?;
    assert_eq!(again.code, 0, "{}", again.complained);
    assert_eq!(stack.cloud.result(&run_id).await?, Some(result));
    assert_eq!(stack.longshore(&["cancel", "never-submitted"]).await?.code, 2);
    Ok(())
}

#[tokio::test]
async fn a_run_is_cancelled_by_ctrl_c_and_its_pod_is_gone_when_the_command_ends() -> Result<()> {
    let stack = Stack::shared().await?;
    let run_id = format!("interrupted-{}", std::process::id());
    let task = endless("interrupted", json!({"outputFiles": ["x"]}));
    let document = Document::of(&json!({"task": task, "runId": run_id}))?;
    let command = stack.start(&["run", &document.file.display().to_string(), "--json"])?;
    pods::running(&stack, &run_id).await?;
    interrupt(&command)?;
    let outcome = Outcome::of(tokio::time::timeout(SOON, command.wait_with_output()).await??)?;
    let result = outcome.ended_with(5)?;
    assert_eq!(result.state, State::Cancelled);
    assert!(result.diagnosis.unwrap().message.contains("Ctrl-C"));
    let pods = pods::api(&stack).await?.list(&Default::default()).await?;
    let left: Vec<_> = pods
        .items
        .iter()
        .filter(|pod| shared::pod::identity_of(pod).is_some_and(|identity| identity.run_id == run_id))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    Ok(())
}
