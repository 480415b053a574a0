//! However a stack ends, nothing of it is left: no process, no mount, no file but its logs.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use crate::command::{Outcome, interrupt, kill};
use crate::ground::lacks;
use crate::stack::{Site, Stack};
use crate::tasks::{Document, shell};
use crate::wait::SOON;
use crate::{pods, wait};

/// A task with files, so that its pod has carriers and mounts; `mark` stands in the command line of its container.
fn marked(mark: &str) -> Value {
    let command = format!("echo started; : {mark}; trap '' TERM; while :; do sleep 1; done");
    shell("leaving", &[&command], json!({"inputFiles": {"a": "b"}, "outputFiles": ["c"]}))
}

/// What is left of a stack in a state directory, in words.
fn left(state: &Path, mark: &str) -> Result<Vec<String>> {
    let marks = [state.as_os_str().as_bytes(), mark.as_bytes()];
    let mut left = Vec::new();
    for process in std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path()) {
        if process.ends_with(std::process::id().to_string()) {
            continue;
        }
        for part in ["cmdline", "environ", "mountinfo"] {
            let bytes = std::fs::read(process.join(part)).unwrap_or_default();
            if marks.iter().any(|mark| bytes.windows(mark.len()).any(|window| window == *mark)) {
                left.push(format!("{} ({part})", process.display()));
            }
        }
    }
    for entry in std::fs::read_dir(state)?.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.ends_with(".log") && !name.ends_with(".lock") {
            left.push(format!("the file {name}"));
        }
    }
    Ok(left)
}

async fn nothing_is_left(state: &Path, mark: &str) -> Result<()> {
    let waited = wait::until("the end of everything", SOON, || async {
        Ok(left(state, mark)?.is_empty().then_some(()))
    });
    match waited.await {
        Ok(()) => Ok(()),
        Err(error) => Err(error).context(format!("{:?}", left(state, mark)?)),
    }
}

/// `longshore run` that has started a stack of its own, with a task that runs; and the task's document.
async fn under_way(site: &Site, mark: &str) -> Result<(tokio::process::Child, Document)> {
    let document = Document::of(&json!({"task": marked(mark), "runId": mark}))?;
    let mut command = site.command();
    command.arg("run").arg(&document.file).arg("--functions").arg(site.programs());
    command.stdin(std::process::Stdio::null()).kill_on_drop(true);
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let child = command.spawn()?;
    let endpoints = wait::until("the stack", SOON, || async { Ok(local::running(&site.state)) }).await?;
    let stack = Stack::found(site, endpoints);
    pods::running(&stack, mark).await?;
    assert!(!left(&site.state, mark)?.is_empty(), "what runs is not seen");
    Ok((child, document))
}

#[tokio::test]
async fn down_takes_running_tasks_with_it() -> Result<()> {
    if lacks("pods that are processes of this machine") {
        return Ok(());
    }
    let mark = format!("down-{}", std::process::id());
    let stack = Stack::own(&mark).await?;
    let run_id = stack.submit(&marked(&mark)).await?;
    pods::running(&stack, &run_id).await?;
    assert!(!left(stack.state_directory(), &mark)?.is_empty(), "what runs is not seen");
    let down = stack.longshore(&["down"]).await?;
    assert_eq!(down.code, 0, "{}", down.complained);
    // At once: `down` waits.
    assert_eq!(left(stack.state_directory(), &mark)?, Vec::<String>::new());
    assert_eq!(stack.longshore(&["down"]).await?.code, 0);
    Ok(())
}

#[tokio::test]
async fn ctrl_c_ends_a_run_and_the_stack_that_was_started_for_it() -> Result<()> {
    if lacks("pods that are processes of this machine") {
        return Ok(());
    }
    let mark = format!("interrupted-{}", std::process::id());
    let site = Site::new(&mark)?;
    let (child, _document) = under_way(&site, &mark).await?;
    interrupt(&child)?;
    let outcome = Outcome::of(tokio::time::timeout(SOON, child.wait_with_output()).await??)?;
    assert_eq!(outcome.code, 5, "{}", outcome.complained);
    assert!(outcome.said.contains("CANCELLED"), "{}", outcome.said);
    assert_eq!(left(&site.state, &mark)?, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_killed_command_takes_its_stack_with_it() -> Result<()> {
    if lacks("pods that are processes of this machine") {
        return Ok(());
    }
    let mark = format!("killed-{}", std::process::id());
    let site = Site::new(&mark)?;
    let (mut child, _document) = under_way(&site, &mark).await?;
    kill(&child)?;
    child.wait().await?;
    nothing_is_left(&site.state, &mark).await
}
