//! Documents that cannot be carried out as they are written.

use anyhow::Result;
use serde_json::{Value, json};
use shared::run::state::State;

use crate::stack::Stack;
use crate::wait::SOON;
use crate::{pods, wait};

/// Five mistakes, each somewhere else.
fn mistaken() -> Value {
    json!({
        "id": "mistaken",
        "type": "io.kestra.plugin.scripts.shell.Commands",
        "containerImage": "busybox",
        "timeout": "ten minutes",
        "comands": ["echo hello"],
        "commands": ["echo {{ inputs.nothing }}"],
        "inputFiles": {"../escape.txt": "x"},
        "taskRunner": {
            "type": "io.kestra.plugin.kubernetes.runner.Kubernetes",
            "resources": {"request": {"memory": "much"}},
        },
    })
}

const PLACES: [&str; 5] =
    ["/timeout", "/comands", "/commands/0", "/inputFiles", "/taskRunner/resources/request/memory"];

#[tokio::test]
async fn every_mistake_is_told_before_anything_is_sent() -> Result<()> {
    let stack = Stack::shared().await?;
    let outcome = stack.run(&mistaken(), &[]).await?;
    assert_eq!((outcome.code, outcome.said.as_str()), (2, ""), "{}", outcome.complained);
    for place in PLACES {
        assert!(outcome.complained.contains(place), "{place} is not in: {}", outcome.complained);
    }
    Ok(())
}

#[tokio::test]
async fn every_mistake_of_a_message_is_in_its_rejection() -> Result<()> {
    let stack = Stack::shared().await?;
    let run_id = format!("mistaken-{}", std::process::id());
    let queue = &stack.endpoints.submissions_queue;
    let witness = pods::Witness::begin(&stack).await?;
    stack.cloud.send(queue, &json!({"task": mistaken(), "runId": run_id}).to_string()).await?;
    let nameless = stack.cloud.send(queue, &mistaken().to_string()).await?;
    let garbage = stack.cloud.send(queue, "{ this: is: nothing").await?;

    let result = wait::until("the rejection", SOON, || stack.cloud.result(&run_id)).await?;
    assert_eq!((result.state, result.attempt), (State::Rejected, 0));
    let pointers: Vec<&str> = result.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    for place in PLACES {
        let place = format!("/task{place}");
        assert!(pointers.iter().any(|pointer| pointer.starts_with(&place)), "{place} is not in {pointers:?}");
    }
    for id in [nameless, garbage] {
        let key = format!("rejected/{id}.json");
        let kept = wait::until("the rejection", SOON, || stack.cloud.object(&key)).await?;
        let kept: Value = serde_json::from_slice(&kept)?;
        assert_eq!(kept["source"], format!("sqs:{id}"));
        assert!(!kept["problems"].as_array().unwrap().is_empty(), "{kept}");
        assert_eq!(stack.cloud.keys(&format!("runs/{id}/")).await?, Vec::<String>::new());
    }
    assert_eq!(witness.pods_of(&run_id), 0);
    let status = stack.longshore(&["status", &run_id, "--json"]).await?;
    assert_eq!(status.result()?.state, State::Rejected);
    Ok(())
}
