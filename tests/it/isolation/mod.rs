//! What a task, its files and its sender cannot reach: other runs, other buckets, Longshore's own objects.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod fetching;
mod forging;
mod granting;
mod naming;

use anyhow::Result;
use fixtures::entrances::{Entrances, Function};
use serde_json::{Value, json};

/// A task that says hello, with more members.
fn shell(more: Value) -> Value {
    let mut task =
        json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["echo hello"]});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

/// The functions, and somebody else's run that is under way: `victim`, with what a bucket holds of runs.
async fn with_victim() -> Result<Entrances> {
    let entrances = Entrances::new()?;
    let envelope = json!({"task": shell(json!({})), "runId": "victim", "taskToken": "token-of-the-victim"});
    assert!(entrances.message(Function::Submit, "m-victim", &envelope.to_string()).await?);
    assert_eq!(entrances.active(), ["active/eks-test/victim.json"]);
    for key in [
        "runs/victim/inputs/manifest.txt",
        "runs/victim/inputs/-/0",
        "runs/victim/inputs/grants-1.json",
        "runs/victim/inputs/data/a.csv",
        "runs/victim/attempts/1/outputs/a.csv",
        "config/clusters.yaml.old",
        "config/templates/pod.yaml",
        "submissions/somebody.yaml",
        "rejected/somebody.json",
        "cursors/eks-test/default.json",
        "cache/0a.json",
        "cancelled/0a.json",
        "heartbeats/eks-test/victim",
        "waiting/eks-test/default/0-victim",
        "uploads/a.csv",
    ] {
        entrances.put(key, "a: 1").await?;
    }
    entrances.queues.take();
    Ok(entrances)
}
