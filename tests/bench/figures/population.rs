//! Many runs under way: records in the bucket and hollow pods in the cluster, made from one that Longshore made.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use cluster::store::{Kind, Object, set, text};
use serde_json::{Value, json};
use shared::pod::labels::RUN_ID;
use shared::store::keys;

use crate::desk::queue::batch;
use crate::desk::{Desk, GROUP, NAMESPACE, task};

/// The run that the others are made from.
const FIRST: &str = "many-000000";

/// Looks at the store, twenty in a second, until all pods run.
const LOOKS: u32 = 2400;

/// Records are so old that their creators are long done.
const AGE: Duration = Duration::from_secs(300);

/// Runs under way.
pub struct Population {
    record: Value,
    pod: Value,
    count: usize,
}

impl Population {
    /// One run, made by `submit`.
    pub async fn begin(desk: &Desk) -> Result<Population> {
        let submit = desk.function("submit").await?;
        submit.invoke(&batch(&[task(FIRST, "sleep 1000")]), Duration::from_secs(60)).await?;
        let record = desk.cloud.objects().read(&keys::record(GROUP, FIRST)).context("no record")?;
        let (pods, _) = desk.cluster.store().list(Kind::Pod, Some(NAMESPACE));
        let mut pod = Value::clone(&**pods.first().context("no pod")?);
        if let Some(pod) = pod.as_object_mut() {
            pod.remove("status");
        }
        Ok(Population { record: serde_json::from_slice(&record)?, pod, count: 1 })
    }

    /// Grow to so many runs, and wait until all pods run.
    pub async fn grow(&mut self, desk: &Desk, count: usize) -> Result<()> {
        for number in self.count..count {
            self.add(desk, number)?;
            // The node must come along: changes that it has not seen are forgotten after a while.
            if number % 2000 == 0 {
                self.all_run(desk, number).await?;
            }
        }
        self.count = count;
        self.all_run(desk, count).await
    }

    async fn all_run(&self, desk: &Desk, count: usize) -> Result<()> {
        let store = desk.cluster.store();
        let mut version = 0;
        // All are looked at once nothing changes any more.
        for _ in 0..LOOKS {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let is_quiet = store.version() == version;
            version = store.version();
            let runs = |pod: &Arc<Object>| pod.json().contains("\"phase\":\"Running\"");
            if is_quiet && store.objects(Kind::Pod, None, None).0.iter().all(runs) {
                return Ok(());
            }
        }
        bail!("not all of {count} pods run")
    }

    fn add(&self, desk: &Desk, number: usize) -> Result<()> {
        let (run_id, name) = (run_id(number), format!("bench-{number:06}-a1"));
        let mut pod = self.pod.clone();
        if let Some(metadata) = pod.get_mut("metadata") {
            set(metadata, "name", json!(name));
            for of in ["labels", "annotations"] {
                if let Some(words) = metadata.get_mut(of) {
                    set(words, RUN_ID, json!(run_id));
                }
            }
            for own in ["uid", "resourceVersion", "creationTimestamp"] {
                metadata.as_object_mut().map(|metadata| metadata.remove(own));
            }
        }
        let created = desk.cluster.store().create(Kind::Pod, pod)?;
        let mut record = self.record.clone();
        set(&mut record, "runId", json!(run_id));
        if let Some(attempt) = record.get_mut("attempt") {
            set(attempt, "podName", json!(name));
            set(attempt, "podUid", json!(text(&created, "/metadata/uid")));
        }
        let bytes = Bytes::from(serde_json::to_vec(&record)?);
        desk.cloud.objects().put(keys::record(GROUP, &run_id), bytes, AGE);
        Ok(())
    }

    /// Let the pods of some runs end.
    pub fn end(&self, desk: &Desk, numbers: std::ops::Range<usize>) -> Result<()> {
        for number in numbers {
            let name = format!("bench-{number:06}-a1");
            desk.cluster.store().update(Kind::Pod, NAMESPACE, &name, None, |pod| {
                if let Some(status) = pod.get_mut("status") {
                    end(status);
                }
            })?;
        }
        Ok(())
    }
}

fn run_id(number: usize) -> String {
    format!("many-{number:06}")
}

/// The status of a pod whose containers have ended well.
fn end(status: &mut Value) {
    set(status, "phase", json!("Succeeded"));
    let containers = status.get_mut("containerStatuses").and_then(Value::as_array_mut);
    for container in containers.into_iter().flatten() {
        let started = text(container, "/state/running/startedAt").to_owned();
        let id = text(container, "/containerID").to_owned();
        let ended = json!({
            "exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": started,
            "containerID": id,
        });
        set(container, "state", json!({"terminated": ended}));
        set(container, "ready", json!(false));
    }
}
