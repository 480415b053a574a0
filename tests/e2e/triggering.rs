//! Uploads that become runs, through the bucket's notifications.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::{Value, json};
use shared::clock::{Clock as _, SystemClock, between};
use shared::run::result::RunResult;
use shared::run::state::State;

use crate::examples::in_bucket;
use crate::stack::Stack;
use crate::tasks::shell;
use crate::wait::SOON;
use crate::{pods, wait};

/// The runs of the many uploads, on a machine that is busy with other tests.
const ALL_RUNS_WITHIN: Duration = Duration::from_secs(600);

/// Uploads of the many.
const MANY: usize = 100;

/// Requests under way at once.
const SIDE_BY_SIDE: usize = 8;

/// The ids of the runs that have ended and begin so.
async fn ended(stack: &Stack, beginning: &str) -> Result<BTreeSet<String>> {
    let keys = stack.cloud.keys(&format!("runs/{beginning}")).await?;
    let id = |key: &String| Some(key.strip_prefix("runs/")?.strip_suffix("/result.json")?.to_owned());
    Ok(keys.iter().filter_map(id).collect())
}

/// The result of the only run whose id begins so.
async fn only_run(stack: &Stack, beginning: &str) -> Result<RunResult> {
    let ended = wait::until("the end of the run", SOON, || async {
        Ok(ended(stack, beginning).await?.into_iter().next())
    });
    let run_id = ended.await?;
    stack.cloud.result(&run_id).await?.context("it was listed")
}

#[tokio::test]
async fn a_task_document_is_dropped_into_the_bucket_and_runs() -> Result<()> {
    let stack = Stack::shared().await?;
    let name = format!("dropped-{}", std::process::id());
    let document = shell("dropped", &["echo from {{ trigger.key }}"], json!({}));
    let key = format!("submissions/of somebody/{name}+1.yaml");
    stack.cloud.put(&key, document.to_string()).await?;
    let result = only_run(&stack, &name).await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    let logs = stack.longshore(&["logs", &result.run_id]).await?;
    assert!(logs.said.contains(&format!("from {key}\n")), "{}", logs.said);

    // What cannot be read is told by its key.
    let key = format!("submissions/{name}-broken.yaml");
    stack.cloud.put(&key, "id: [").await?;
    let rejected = wait::until("the rejection", SOON, || async {
        let keys = stack.cloud.keys(&format!("rejected/{name}-broken")).await?;
        match keys.first() {
            Some(key) => stack.cloud.object(key).await,
            None => Ok(None),
        }
    });
    let rejection: Value = serde_json::from_slice(&rejected.await?)?;
    assert_eq!(rejection["source"], format!("s3://{}/{key}", stack.endpoints.bucket));
    Ok(())
}

#[tokio::test]
async fn data_that_fits_a_rule_runs_its_task_with_the_object_and_those_of_a_manifest_as_files() -> Result<()>
{
    let stack = Stack::shared().await?;
    let name = format!("data-{}", std::process::id());
    let prefix = format!("uploads/{name}/");
    let copy = |files: Value| {
        let more = json!({"inputFiles": files, "outputFiles": ["out.txt"]});
        shell("copy", &["find . -name '*.csv' | sort | xargs -d '\\n' cat > out.txt"], more)
    };
    stack
        .cloud
        .put(&format!("config/tasks/{name}.yaml"), copy("{{ trigger.files }}".into()).to_string())
        .await?;
    let each =
        json!({"glob": format!("{prefix}*.csv"), "task": copy(json!({"in.csv": "{{ trigger.uri }}"}))});
    let batch = json!({"prefix": prefix, "suffix": ".manifest", "per": "batch", "task": format!("config/tasks/{name}.yaml")});
    stack.cloud.put(&format!("config/triggers/{name}-each.yaml"), each.to_string()).await?;
    stack.cloud.put(&format!("config/triggers/{name}-batch.yaml"), batch.to_string()).await?;

    stack.cloud.put(&format!("{prefix}deep/one.csv"), "1\n").await?;
    stack.cloud.put(&format!("{prefix}deep/two ü+.csv"), "2\n").await?;
    stack.cloud.put(&format!("{prefix}three.csv"), "3\n").await?;
    let each = only_run(&stack, &format!("{name}-each-three-")).await?;
    assert_eq!(each.state, State::Succeeded, "{:?}", each.diagnosis);
    assert_eq!(in_bucket(&stack, &each).await?.get("out.txt").map(Vec::as_slice), Some(&b"3\n"[..]));

    let manifest = format!("{prefix}deep/one.csv\ns3://{}/{prefix}deep/two ü+.csv\n", stack.endpoints.bucket);
    stack.cloud.put(&format!("{prefix}day.manifest"), manifest).await?;
    let batch = only_run(&stack, &format!("{name}-batch-")).await?;
    assert_eq!(batch.state, State::Succeeded, "{:?}", batch.diagnosis);
    assert_eq!(in_bucket(&stack, &batch).await?.get("out.txt").map(Vec::as_slice), Some(&b"1\n2\n"[..]));
    assert_eq!(ended(&stack, &name).await?.len(), 2, "the files in the folder fit no rule");
    Ok(())
}

#[tokio::test]
async fn each_of_many_uploads_is_one_run_however_often_and_in_whatever_order_its_events_come() -> Result<()> {
    let stack = Stack::own("uploads").await?;
    let witness = pods::Witness::begin(&stack).await?;
    let rule = json!({"prefix": "uploads/", "task": shell("many", &["true"], json!({}))});
    stack.cloud.put("config/triggers/many.yaml", rule.to_string()).await?;
    // The events of S3 come here first, and from here in another order, each three times.
    let tap = stack.cloud.tap("uploads/").await?;
    let keys = (0..MANY).map(|number| format!("uploads/part {number}.csv"));
    let uploads = stream::iter(keys).map(|key| {
        let cloud = &stack.cloud;
        async move { cloud.put(&key, "x").await }
    });
    uploads.buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await?;
    let mut events = Vec::new();
    while events.len() < MANY {
        let more = wait::until("the next events", SOON, || async {
            let more = stack.cloud.receive(&tap).await?;
            Ok((!more.is_empty()).then_some(more))
        });
        // What S3 says of its test when the tap is opened is an event too, but of no upload.
        events.extend(more.await?.into_iter().filter(|event| !event.contains("s3:TestEvent")));
    }
    assert_eq!(events.len(), MANY);
    let began = SystemClock.now();
    let backward: Vec<&String> = events.iter().rev().chain(&events).chain(events.iter().rev()).collect();
    let sent = stream::iter(backward).map(|event| stack.cloud.send(&stack.endpoints.uploads_queue, event));
    sent.buffer_unordered(SIDE_BY_SIDE).try_collect::<Vec<_>>().await?;

    let all = wait::until("the end of all runs", ALL_RUNS_WITHIN, || async {
        let ended = ended(&stack, "many-").await?;
        Ok((ended.len() >= MANY).then_some(ended))
    });
    let all = all.await?;
    println!(
        "{MANY} uploads, {} events: all runs had ended after {:?}",
        3 * MANY,
        between(began, SystemClock.now())
    );
    for queue in [&stack.endpoints.uploads_queue, &stack.endpoints.submissions_queue] {
        wait::until("the end of the last events", SOON, || async {
            Ok((stack.cloud.backlog(queue).await? == 0).then_some(()))
        })
        .await?;
    }
    assert_eq!(all.len(), MANY);
    assert_eq!(ended(&stack, "").await?, all, "no other run has come of it");
    assert_eq!(stack.cloud.keys("rejected/").await?, Vec::<String>::new());
    for run_id in &all {
        let result = stack.cloud.result(run_id).await?.context("it was listed")?;
        assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
        assert_eq!(witness.pods_of(run_id), 1);
    }
    Ok(())
}
