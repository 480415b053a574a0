//! Whoever asked is told: a reply queue and the event bus.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::stack::Stack;
use crate::tasks::shell;
use crate::wait::{self, SOON};

#[tokio::test]
async fn a_reply_queue_and_the_event_bus_are_told_how_runs_end() -> Result<()> {
    let stack = Stack::shared().await?;
    let id = std::process::id();
    let answers = stack.cloud.queue(&format!("answers-{id}")).await?;
    let events = stack.cloud.queue(&format!("events-{id}")).await?;
    let run_id = format!("answered-{id}");
    let pattern = json!({"source": ["longshore"], "detail-type": ["Longshore Run State Change"], "detail": {"runId": [run_id]}});
    stack.cloud.rule(&format!("events-{id}"), &pattern, &events).await?;

    let submissions = &stack.endpoints.submissions_queue;
    let reply = |correlation: &str| json!({"queueUrl": answers, "correlationId": correlation});
    let task = shell("answered", &[r#"echo '::{"outputs":{"rows":3}}::'"#], json!({}));
    let good = json!({"task": task, "runId": run_id, "replyTo": reply("good")});
    let mut mistaken = task.clone();
    mistaken["comands"] = json!([]);
    stack.cloud.send(submissions, &good.to_string()).await?;
    stack.cloud.send(submissions, &json!({"task": mistaken, "replyTo": reply("bad")}).to_string()).await?;

    let mut told = std::collections::BTreeMap::new();
    for _ in 0..2 {
        let (correlation, body) = wait::until("an answer", SOON, || stack.cloud.answer(&answers)).await?;
        told.insert(correlation.context("no correlation id")?, body);
    }
    assert_eq!(told["good"]["outputs"], json!({"rows": 3}), "{told:?}");
    assert_eq!(
        (&told["bad"]["state"], &told["bad"]["error"]),
        (&json!("REJECTED"), &json!("Longshore.config"))
    );
    let (_, event): (_, Value) = wait::until("the event", SOON, || stack.cloud.answer(&events)).await?;
    assert_eq!(
        (&event["source"], &event["detail"]["state"]),
        (&json!("longshore"), &json!("SUCCEEDED")),
        "{event}"
    );
    Ok(())
}
