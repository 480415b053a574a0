//! Shared files, an outcome that stands for another run, and a run that takes over from one that failed.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shared::run::result::RunResult;
use shared::run::state::State;

use crate::examples::in_bucket;
use crate::pods::{self, Witness};
use crate::stack::Stack;
use crate::tasks::shell;
use crate::wait::{self, SOON};

async fn run(stack: &Stack, run_id: &str, task: &Value) -> Result<RunResult> {
    let body = json!({"task": task, "runId": run_id}).to_string();
    // Twice, as a queue may deliver it.
    stack.cloud.send(&stack.endpoints.submissions_queue, &body).await?;
    stack.cloud.send(&stack.endpoints.submissions_queue, &body).await?;
    ended(stack, run_id).await
}

async fn ended(stack: &Stack, run_id: &str) -> Result<RunResult> {
    wait::until(&format!("the end of run `{run_id}`"), SOON, || stack.cloud.result(run_id)).await
}

#[tokio::test]
async fn shared_files_a_cached_outcome_and_a_run_that_takes_over() -> Result<()> {
    let stack = Stack::shared().await?;
    let witness = Witness::begin(&stack).await?;
    let mark = std::process::id();
    let id = |name: &str| format!("{name}-{mark}");
    let word = format!("config/namespaces/team-{mark}/files/q/word.txt");
    stack.cloud.put(&word, b"shared").await?;
    let shared = json!({"namespaces": [id("team")]});

    let more = json!({"inputFiles": {"own.txt": " and own"}, "namespaceFiles": shared, "outputFiles": ["out.txt"],
        "taskCache": {"enabled": true, "ttl": "PT1H"}});
    let task = shell("cached", &["cat q/word.txt own.txt > out.txt"], more);
    let first = run(&stack, &id("first"), &task).await?;
    assert_eq!((first.state, &first.cached_from), (State::Succeeded, &None), "{:?}", first.diagnosis);
    assert_eq!(in_bucket(&stack, &first).await?["out.txt"], b"shared and own");
    let second = run(&stack, &id("second"), &task).await?;
    assert_eq!((second.state, second.cached_from), (State::Succeeded, Some(id("first"))));
    assert_eq!((second.output_files, second.attempt), (first.output_files, 0));
    stack.cloud.put(&word, b"other").await?;
    let third = run(&stack, &id("third"), &task).await?;
    assert_eq!((third.state, &third.cached_from), (State::Succeeded, &None), "{:?}", third.diagnosis);
    assert_eq!(in_bucket(&stack, &third).await?["out.txt"], b"other and own");

    let retry =
        json!({"type": "constant", "interval": "PT1S", "maxAttempts": 2, "behavior": "CREATE_NEW_EXECUTION"});
    let task =
        shell("anew", &["cat q/word.txt", "exit 4"], json!({"namespaceFiles": shared, "retry": retry}));
    let failed = run(&stack, &id("anew"), &task).await?;
    let successor = failed.superseded_by.context("no run takes over")?;
    let last = ended(&stack, &successor).await?;
    assert_eq!((failed.state, last.state), (State::Failed, State::Failed));
    assert_eq!((last.predecessor, last.superseded_by), (Some(id("anew")), None));
    assert_eq!(last.log_tail.as_deref(), Some("other\n"));

    for (run_id, pods) in
        [(id("first"), 1), (id("second"), 0), (id("third"), 1), (id("anew"), 1), (successor, 1)]
    {
        pods::gone(&stack, &run_id).await?;
        assert_eq!(witness.pods_of(&run_id), pods, "{run_id}");
    }
    Ok(())
}
