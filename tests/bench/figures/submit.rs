//! `submit`: pods a second against a bare loop of the same client, and the time of its own code.

use std::time::Duration;

use anyhow::{Context as _, Result};
use cluster::store::Kind;
use fixtures::memory::MemoryBucket;
use fixtures::queues::MemoryQueues;
use fixtures::world::environment_of;
use serde_json::{Value, json};
use shared::cluster::client::Cluster;
use shared::cluster::error::ClusterError;
use shared::effects::plan;
use shared::environment::Clusters;
use shared::pod::{self, Grants, PodIdentity};
use shared::resolve::plan::ClusterChoice;
use shared::spec::read;
use std::sync::Arc;

use crate::bare::{IN_FLIGHT, Order};
use crate::book::{Chapter, Goal, Row, Samples};
use crate::desk::process::thread_cpu;
use crate::desk::queue::batch;
use crate::desk::{Desk, NAMESPACE, ms, now, task};

/// Comparisons; each creates so many pods in both ways.
const ROUNDS: usize = 7;
const PODS: usize = 300;

/// Submissions of the second measurement, in several samples.
const SUBMISSIONS: u32 = 2_000;

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let desk = Desk::start(Some(json!({"rules": [{"steps": [{"turn": {"running": {}}}]}]}))).await?;
    let function = desk.function("submit").await?;
    let mut number = 0;
    let mut batch_of_ten = || {
        let first = number;
        number += IN_FLIGHT;
        batch(&(first..number).map(|number| task(&format!("bench-{number}"), "true")).collect::<Vec<_>>())
    };
    function.invoke(&batch_of_ten(), Duration::from_secs(60)).await?;
    let file = desk.kubeconfig().with_file_name("pod.json");
    std::fs::write(&file, a_pod(&desk)?.to_string())?;
    let (mut rates, mut bare_rates, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    let (mut cpu, before) = (Duration::ZERO, desk.cloud.requests());
    for round in 0..ROUNDS {
        let prefix = format!("bare-{round}");
        let order = Order { kubeconfig: &desk.kubeconfig(), pod: &file, prefix: &prefix, count: PODS };
        let bare = PODS as f64 / order.carry_out().await?.as_secs_f64();
        let (begun, busy) = (now(), function.process().cpu());
        for _ in 0..PODS / IN_FLIGHT {
            let answer = function.invoke(&batch_of_ten(), Duration::from_secs(60)).await?;
            let failed = answer.get("batchItemFailures").and_then(Value::as_array);
            anyhow::ensure!(failed.is_some_and(Vec::is_empty), "submissions fail: {answer}");
        }
        let rate = PODS as f64 / begun.elapsed().as_secs_f64();
        cpu += function.process().cpu() - busy;
        rates.push(rate);
        bare_rates.push(bare);
        ratios.push(rate / bare);
    }
    let submissions = (ROUNDS * PODS) as f64;
    let asked = desk.cloud.requests().since(&before);
    let said: Vec<String> = asked
        .operations
        .iter()
        .map(|(name, count)| format!("{:.1} {name}", *count as f64 / submissions))
        .collect();
    let why = "one processor carries TLS to the API server and the signed requests to S3 and SQS of each run; \
               see docs/PERFORMANCE.md";
    chapter.rows.extend([
        Row::median("submit: pods a second, batches of 10", &Samples::of(rates), "1/s")
            .noted(format!("for each: {}", said.join(", "))),
        Row::median("submit: bare loop of the same client, 10 in flight", &Samples::of(bare_rates), "1/s"),
        Row::median("submit: ratio to the bare loop", &Samples::of(ratios), "")
            .with(Goal::AtLeast(0.8))
            .if_missed(why),
        Row::new("submit: processor time of the function for one", ms(cpu) / submissions, "ms"),
        own_code().await?.with(Goal::AtMost(1.0)),
    ]);
    drop(function);
    desk.end().await;
    Ok(())
}

/// A pod as Longshore makes it, for the bare client: without what the server adds, and nobody's.
pub fn a_pod(desk: &Desk) -> Result<Value> {
    let pod = desk.cluster.store().list(Kind::Pod, Some(NAMESPACE)).0.into_iter().next();
    let mut pod = Value::clone(&*pod.context("no pod was created")?);
    let body = pod.as_object_mut().context("a pod is no object")?;
    body.remove("status");
    if let Some(spec) = body.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("nodeName");
    }
    if let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| matches!(name.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    Ok(pod)
}

struct Nowhere;

impl Clusters for Nowhere {
    fn of(&self, _choice: &ClusterChoice) -> Result<Arc<dyn Cluster>, ClusterError> {
        Err(ClusterError::settings("no cluster is needed for this"))
    }
}

/// From the bytes of a submission to those of the POST, by the time that the processor gives this thread.
async fn own_code() -> Result<Row> {
    let environment = environment_of(
        Arc::new(MemoryBucket::new("bucket")),
        Arc::new(MemoryQueues::default()),
        Arc::new(Nowhere),
    );
    let body = task("bench", "true").body;
    let mut samples = Vec::new();
    for _ in 0..10 {
        let before = thread_cpu();
        let mut bytes = 0;
        for _ in 0..SUBMISSIONS {
            let problems = |problems| anyhow::anyhow!("{problems:?}");
            let submission = read::submission(body.as_bytes()).map_err(problems)?;
            let plan = plan::of(&environment, &submission, "bench").await?.map_err(problems)?;
            let plan = plan::lead(&environment, plan).await?;
            let name = pod::name(&plan, "bench", 1);
            let identity =
                PodIdentity { run_id: "bench", attempt: 1, submission_hash: &name, group: "group" };
            let pod = pod::build(&plan, &identity, Grants { manifest_url: None, grants_url: None });
            bytes += serde_json::to_vec(&pod)?.len();
        }
        anyhow::ensure!(bytes > 0, "no pod was built");
        samples.push(ms(thread_cpu() - before) / f64::from(SUBMISSIONS));
    }
    Ok(Row::median("submit: own code, parse to POST", &Samples::of(samples), "ms"))
}
