//! However often a message comes, the run is one.

use anyhow::Result;
use serde_json::json;
use shared::run::state::State;

use crate::stack::Stack;
use crate::tasks::shell;
use crate::wait::SOON;
use crate::{pods, wait};

#[tokio::test]
async fn the_same_message_three_times_is_one_pod_and_one_result() -> Result<()> {
    let stack = Stack::shared().await?;
    let witness = pods::Witness::begin(&stack).await?;
    let run_id = format!("thrice-{}", std::process::id());
    let task = stack.placed(shell("thrice", &["echo once"], json!({})))?;
    let body = json!({"task": task, "runId": run_id}).to_string();
    let queue = &stack.endpoints.submissions_queue;
    stack.cloud.send(queue, &body).await?;
    stack.cloud.send(queue, &body).await?;
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
    // The third comes when all is over.
    let third = stack.cloud.send(queue, &body).await?;
    // Another submission under the same id is refused, and tells when the third has been dealt with.
    let other = stack.placed(shell("other", &["true"], json!({})))?;
    let other = json!({"task": other, "runId": run_id}).to_string();
    let fourth = stack.cloud.send(queue, &other).await?;
    let key = format!("rejected/{fourth}.json");
    let refusal = wait::until("the refusal", SOON, || stack.cloud.object(&key)).await?;
    assert!(String::from_utf8_lossy(&refusal).contains("belongs to another submission"));
    wait::until("the end of the third delivery", SOON, || async {
        Ok((stack.cloud.backlog(queue).await? == 0).then_some(()))
    })
    .await?;
    assert_eq!(stack.cloud.object(&format!("rejected/{third}.json")).await?, None);
    assert_eq!(stack.cloud.result(&run_id).await?, Some(result));
    pods::gone(&stack, &run_id).await?;
    assert_eq!(witness.pods_of(&run_id), 1);
    Ok(())
}
