//! A deployment that is asked from elsewhere, by the names of its bucket and its queues, as one on AWS is.

use std::process::Stdio;

use anyhow::Result;
use serde_json::json;
use shared::run::state::State;

use crate::command::Outcome;
use crate::stack::Stack;
use crate::tasks::endless;
use crate::wait::SOON;
use crate::{pods, wait};

/// `longshore` where no stack runs, with the region and the credentials of this one.
pub async fn elsewhere(stack: &Stack, arguments: &[&str]) -> Result<Outcome> {
    let nowhere = tempfile::tempdir()?;
    let endpoints = &stack.endpoints;
    let output = stack
        .command()
        .args(arguments)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .env("LONGSHORE_STATE", nowhere.path())
        .env("AWS_ENDPOINT_URL", &endpoints.endpoint_url)
        .env("AWS_REGION", &endpoints.region)
        .env("AWS_ACCESS_KEY_ID", &endpoints.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &endpoints.secret_access_key)
        .output();
    Outcome::of(tokio::time::timeout(SOON, output).await??)
}

#[tokio::test]
async fn a_deployment_is_looked_at_by_its_bucket_and_told_by_its_queue() -> Result<()> {
    let stack = Stack::shared().await?;
    let bucket = stack.endpoints.bucket.as_str();
    let run_id = stack.submit(&endless("faraway", json!({}))).await?;
    let pod = pods::running(&stack, &run_id).await?;

    let status = elsewhere(&stack, &["status", &run_id, "--bucket", bucket]).await?;
    assert!(status.code == 0 && status.said.contains(&pod), "{}{}", status.said, status.complained);
    let list = elsewhere(&stack, &["list", "--active", "--json", "--bucket", bucket]).await?;
    assert!(list.code == 0 && list.said.contains(&run_id), "{}{}", list.said, list.complained);
    // Its cluster is not this command's to know: the way to the log is told.
    let logs = elsewhere(&stack, &["logs", &run_id, "--bucket", bucket]).await?;
    assert!(logs.code == 1 && logs.complained.contains(&format!("{pod} -c main`")), "{}", logs.complained);

    let queue = stack.endpoints.cancel_queue.as_str();
    let told = elsewhere(&stack, &["cancel", &run_id, "--queue-url", queue, "--reason", "from afar"]).await?;
    assert_eq!(told.code, 0, "{}", told.complained);
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    assert_eq!(result.state, State::Cancelled);
    let status = elsewhere(&stack, &["status", &run_id, "--bucket", bucket]).await?;
    assert!(status.code == 0 && status.said.contains("from afar"), "{}{}", status.said, status.complained);
    let logs = elsewhere(&stack, &["logs", &run_id, "--bucket", bucket]).await?;
    assert_eq!((logs.code, logs.said.as_str()), (0, "started\n"), "{}", logs.complained);
    Ok(())
}

#[tokio::test]
async fn who_asks_where_nothing_answers_hears_what_to_look_at() -> Result<()> {
    let stack = Stack::shared().await?;
    let nowhere = elsewhere(&stack, &["status", "some-run"]).await?;
    assert!(nowhere.code == 3 && nowhere.complained.contains("--bucket"), "{}", nowhere.complained);
    let other = elsewhere(&stack, &["list", "--bucket", "no-such-bucket"]).await?;
    assert!(
        other.code == 3 && other.complained.contains("credentials of this shell"),
        "{}",
        other.complained
    );
    let queue = format!("{}-not-there", stack.endpoints.cancel_queue);
    let other = elsewhere(&stack, &["cancel", "some-run", "--queue-url", &queue]).await?;
    assert!(
        other.code == 3 && other.complained.contains("credentials of this shell"),
        "{}",
        other.complained
    );
    let wrong = elsewhere(&stack, &["cancel", "../x", "--queue-url", &stack.endpoints.cancel_queue]).await?;
    assert!(wrong.code == 2 && wrong.complained.contains("no run id"), "{}", wrong.complained);
    Ok(())
}
