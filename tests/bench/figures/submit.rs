//! `submit`: pods a second against a bare loop of the same client, and the time of its own code.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
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
use crate::desk::function::Function;
use crate::desk::process::thread_cpu;
use crate::desk::queue::batch;
use crate::desk::{Desk, NAMESPACE, ms, now, task};

/// Comparisons; each creates so many pods in both ways.
const ROUNDS: usize = 7;
const PODS: usize = 300;

/// Submissions of the second measurement, in several samples.
const SUBMISSIONS: u32 = 2_000;

/// What the API server of a small real cluster takes for a create: it answers 604 a second to ten in flight.
const REAL_CREATE: Duration = Duration::from_micros(16_500);

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let desk = Desk::start(Some(json!({"rules": [{"steps": [{"turn": {"running": {}}}]}]}))).await?;
    let function = desk.function("submit").await?;
    function.invoke(&ten("warm"), Duration::from_secs(60)).await?;
    let file = desk.kubeconfig().with_file_name("pod.json");
    std::fs::write(&file, a_pod(&desk)?.to_string())?;
    let before = desk.cloud.requests();
    let quick = compare(&desk, &function, &file, "quick").await?;
    let asked = desk.cloud.requests().since(&before);
    let submissions = (ROUNDS * PODS) as f64;
    let said: Vec<String> = asked
        .operations
        .iter()
        .map(|(name, count)| format!("{:.1} {name}", *count as f64 / submissions))
        .collect();
    let slow = json!({"kind": "Latency", "match": {"verbs": ["create"], "resources": ["pods"]},
        "with": {"milliseconds": REAL_CREATE.as_millis()}});
    desk.cluster.faults().put(&json!({"faults": [slow]})).map_err(|problems| anyhow!("{problems:?}"))?;
    let real = compare(&desk, &function, &file, "real").await?;
    let why = "a run takes four signed requests to S3 beside its POST, and this API server answers faster than one \
               processor can ask; the next rows have one as fast as a real one; see docs/PERFORMANCE.md";
    chapter.rows.extend([
        Row::median("submit: pods a second, batches of 10", &quick.rates(), "1/s")
            .noted(format!("for each: {}", said.join(", "))),
        Row::median("submit: bare loop of the same client, 10 in flight", &quick.bare_rates(), "1/s"),
        Row::median("submit: ratio to the bare loop", &quick.ratios(), "")
            .with(Goal::AtLeast(0.8))
            .if_missed(why),
        Row::median("submit, creates of 16 ms: pods a second", &real.rates(), "1/s"),
        Row::median("submit, creates of 16 ms: bare loop", &real.bare_rates(), "1/s")
            .noted("a real API server on two processors: 604 a second"),
        Row::median("submit, creates of 16 ms: ratio to the bare loop", &real.ratios(), "")
            .with(Goal::AtLeast(0.8))
            .if_missed("a batch waits for its last create and for its requests to S3 before the next begins; Lambda runs several"),
        Row::new("submit: processor time of the function for one", ms(quick.cpu) / submissions, "ms"),
        own_code().await?.with(Goal::AtMost(1.0)),
    ]);
    drop(function);
    desk.end().await;
    Ok(())
}

/// A batch of ten submissions.
fn ten(prefix: &str) -> Value {
    batch(&(0..IN_FLIGHT).map(|number| task(&format!("{prefix}-{number}"), "true")).collect::<Vec<_>>())
}

/// Both ways, in turns.
#[derive(Default)]
struct Comparison {
    /// Pods a second by the function and by the bare loop.
    rounds: Vec<(f64, f64)>,
    /// Processor time of the function.
    cpu: Duration,
}

impl Comparison {
    fn rates(&self) -> Samples {
        Samples::of(self.rounds.iter().map(|(ours, _)| *ours).collect())
    }

    fn bare_rates(&self) -> Samples {
        Samples::of(self.rounds.iter().map(|(_, bare)| *bare).collect())
    }

    fn ratios(&self) -> Samples {
        Samples::of(self.rounds.iter().map(|(ours, bare)| ours / bare).collect())
    }
}

async fn compare(desk: &Desk, function: &Function, pod: &Path, name: &str) -> Result<Comparison> {
    let mut compared = Comparison::default();
    for round in 0..ROUNDS {
        let prefix = format!("bare-{name}-{round}");
        let order = Order { kubeconfig: &desk.kubeconfig(), pod, prefix: &prefix, count: PODS };
        let bare = PODS as f64 / order.carry_out().await?.as_secs_f64();
        let (begun, busy) = (now(), function.process().cpu());
        for number in 0..PODS / IN_FLIGHT {
            let batch = ten(&format!("{name}-{round}-{number}"));
            let answer = function.invoke(&batch, Duration::from_secs(60)).await?;
            let failed = answer.get("batchItemFailures").and_then(Value::as_array);
            ensure!(failed.is_some_and(Vec::is_empty), "submissions fail: {answer}");
        }
        compared.rounds.push((PODS as f64 / begun.elapsed().as_secs_f64(), bare));
        compared.cpu += function.process().cpu() - busy;
    }
    Ok(compared)
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
            let problems = |problems| anyhow!("{problems:?}");
            let submission = read::submission(body.as_bytes()).map_err(problems)?;
            let plan = plan::of(&environment, &submission, "bench").await?.map_err(problems)?;
            let plan = plan::lead(&environment, plan).await?;
            let name = pod::name(&plan, "bench", 1);
            let identity =
                PodIdentity { run_id: "bench", attempt: 1, submission_hash: &name, group: "group" };
            let pod = pod::build(&plan, &identity, Grants { manifest_url: None, grants_url: None });
            bytes += serde_json::to_vec(&pod)?.len();
        }
        ensure!(bytes > 0, "no pod was built");
        samples.push(ms(thread_cpu() - before) / f64::from(SUBMISSIONS));
    }
    Ok(Row::median("submit: own code, parse to POST", &Samples::of(samples), "ms"))
}
