//! Functions killed at the worst moments: the next delivery carries on, and the run is still one.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use shared::run::result::RunResult;
use shared::run::state::State;

use crate::pods::{self, Witness};
use crate::stack::Stack;
use crate::tasks::{endless, shell};
use crate::wait::{self, SOON};

/// Seconds until a killed function's message is delivered again, instead of the template's 65 and 305.
const VISIBILITY_SECONDS: u32 = 4;

#[tokio::test]
async fn a_function_killed_anywhere_leaves_one_pod_one_result_and_nothing_else() -> Result<()> {
    let stack = Stack::own("crashing").await?;
    let endpoints = &stack.endpoints;
    for queue in [&endpoints.submissions_queue, &endpoints.collect_queue, &endpoints.cancel_queue] {
        stack.cloud.set_visibility(queue, VISIBILITY_SECONDS).await?;
    }
    let scene = Scene { witness: Witness::begin(&stack).await?, stack: &stack };
    for (function, point) in [
        (&endpoints.submit_function, "after-record"),
        (&endpoints.submit_function, "before-post"),
        (&endpoints.submit_function, "after-post"),
        (&endpoints.collect_function, "before-result"),
        (&endpoints.collect_function, "after-result"),
    ] {
        let commands = ["echo hello > out.txt", r#"echo '::{"outputs":{"rows":3}}::'"#];
        let task = shell(point, &commands, json!({"outputFiles": ["out.txt"]}));
        let result = scene.survives(function, point, &task, false).await?;
        ensure!(result.state == State::Succeeded, "{point}: {:?}", result.diagnosis);
        ensure!(result.outputs.get("rows") == Some(&json!(3)), "{point}: {:?}", result.outputs);
        ensure!(result.output_files.len() == 1, "{point}: {:?}", result.output_files);
    }
    let task = endless("after-mark", json!({}));
    let result = scene.survives(&endpoints.cancel_function, "after-mark", &task, true).await?;
    ensure!(result.state == State::Cancelled, "{:?}", result.diagnosis);

    wait::until("the removal of the records", SOON, || async {
        Ok(stack.cloud.keys("active/").await?.is_empty().then_some(()))
    })
    .await?;
    for queue in [&endpoints.submissions_queue, &endpoints.collect_queue, &endpoints.cancel_queue] {
        ensure!(stack.cloud.backlog(queue).await? == 0, "messages are left in `{queue}`");
    }
    Ok(())
}

struct Scene<'a> {
    stack: &'a Stack,
    witness: Witness,
}

impl Scene<'_> {
    /// The result of a run during which a function was killed once, at a point of its code.
    async fn survives(&self, function: &str, point: &str, task: &Value, cancels: bool) -> Result<RunResult> {
        let Scene { stack, witness } = self;
        let killed: PathBuf = stack.state_directory().join(format!("killed-{point}"));
        let setting = format!("{point}:{}", killed.display());
        stack.cloud.set_variable(function, "LONGSHORE_CRASH_AT", &setting).await?;
        let run_id = stack.submit(task).await?;
        if cancels {
            pods::running(stack, &run_id).await?;
            stack.longshore(&["cancel", &run_id]).await?;
        }
        wait::until(&format!("the death at {point}"), SOON, || async { Ok(killed.exists().then_some(())) })
            .await?;
        let result =
            wait::until(&format!("the end after {point}"), SOON, || stack.cloud.result(&run_id)).await?;
        pods::gone(stack, &run_id).await?;
        ensure!(witness.pods_of(&run_id) == 1, "{point}: {} pods", witness.pods_of(&run_id));
        ensure!(result.attempt == 1, "{point}: attempt {}", result.attempt);
        // What is delivered again must change nothing.
        wait::until("the end of all deliveries", SOON, || async {
            let queues = [&stack.endpoints.submissions_queue, &stack.endpoints.collect_queue];
            let [submissions, collections] = queues.map(|queue| stack.cloud.backlog(queue));
            Ok((submissions.await? + collections.await? == 0).then_some(()))
        })
        .await?;
        ensure!(stack.cloud.result(&run_id).await?.as_ref() == Some(&result), "{point}: another result");
        Ok(result)
    }
}
