//! Whole runs of `true` in real processes: what Longshore adds to the pod's own life, what goes over the wire, what it costs in processor time.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use crate::bare::Order;
use crate::book::{Chapter, Goal, Row, Samples};
use crate::desk::bystander::Bystander;
use crate::desk::cloud::{SEND, WAKE};
use crate::desk::queue::{Message, batch};
use crate::desk::{Desk, Fleet, ms, now, task, until};
use crate::reaction::DISTANCE;
use crate::submit::a_pod;

/// Runs one after the other.
const SINGLE: usize = 15;
/// Runs at once, and how often.
const AT_ONCE: usize = 30;
const ROUNDS: usize = 3;
/// The longest that any of this may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let mut desk = Desk::start(None).await?;
    let fleet = Fleet::start(&desk, 3, 8).await?;
    let _mappings = desk.begin(&fleet)?;
    let bystander = Bystander::begin(desk.cluster.store());
    let pod = warm(&desk, &fleet).await?;
    single(chapter, &desk, &fleet, &bystander).await?;
    with_distance(chapter, &desk, &fleet).await?;
    let why = "a pod of the embedded cluster lives some 10 ms, so that two processors spend their time on Longshore and the cluster; \
               see the next row";
    let row = at_once(chapter, &desk, &fleet, &bystander, &pod, "").await?;
    chapter.rows.push(row.if_missed(why));
    desk.end().await;
    of_a_second(chapter).await
}

/// Thirty at once where a pod takes as long as on a real cluster: half a second to its start and half a second to its end.
async fn of_a_second(chapter: &mut Chapter) -> Result<()> {
    let mut desk = Desk::start(Some(json!({}))).await?;
    let fleet = Fleet::start(&desk, 3, 8).await?;
    let _mappings = desk.begin(&fleet)?;
    let bystander = Bystander::begin(desk.cluster.store());
    let pod = warm(&desk, &fleet).await?;
    let row = at_once(chapter, &desk, &fleet, &bystander, &pod, ", pods of a second").await?;
    chapter.rows.push(row);
    desk.end().await;
    Ok(())
}

/// One run after the other, until every instance has had one; a pod as Longshore makes it.
async fn warm(desk: &Desk, fleet: &Fleet) -> Result<Value> {
    let mut pod = None;
    for number in 0..fleet.collect.len().max(fleet.submit.len()) {
        let run_id = format!("warm-{number}");
        let instance = fleet.submit.get(number % fleet.submit.len()).context("no instance")?;
        instance.invoke(&batch(&[task(&run_id, "true")]), WITHIN).await?;
        // It is still there: it has hardly begun, and nobody has looked after it yet.
        pod.get_or_insert(a_pod(desk)?);
        until("the run has a result", WITHIN, || desk.cloud.objects().result_at(&run_id).is_some()).await?;
    }
    pod.context("no pod was created")
}

/// From the message to the result.
async fn one(desk: &Desk, fleet: &Fleet, run_id: &str) -> Result<Duration> {
    let begun = now();
    let instance = fleet.submit.first().context("no instance")?;
    instance.invoke(&batch(&[task(run_id, "true")]), WITHIN).await?;
    until("the run has a result", WITHIN, || desk.cloud.objects().result_at(run_id).is_some()).await?;
    Ok(desk.cloud.objects().result_at(run_id).context("no result")?.saturating_duration_since(begun))
}

async fn single(chapter: &mut Chapter, desk: &Desk, fleet: &Fleet, bystander: &Bystander) -> Result<()> {
    // What the last run leaves behind is done, and the watch of `poll` is open.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let (wire, asked, cpu) = (desk.cluster.traffic().tally(), desk.cloud.requests(), fleet.cpu());
    let logged = desk.log_bytes();
    let mut overheads = Vec::new();
    for number in 0..SINGLE {
        let run_id = format!("single-{number}");
        let wall = one(desk, fleet, &run_id).await?;
        let moments = bystander.of(&run_id).context("the pod was not seen")?;
        let life = moments.finished.context("the pod's end was not seen")?.duration_since(moments.created);
        overheads.push(ms(wall.saturating_sub(life)));
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let runs = SINGLE as f64;
    let wire = desk.cluster.traffic().tally().since(wire);
    let asked = desk.cloud.requests().since(&asked);
    let cpu = ms(fleet.cpu() - cpu) / runs;
    let each = |operation: &str| asked.of(operation) as f64 / runs;
    chapter.rows.extend([
        Row::median("whole run: overhead over the pod's own life", &Samples::of(overheads), "ms")
            .with(Goal::AtMost(500.0)),
        Row::new("whole run: requests to the API server", wire.requests as f64 / runs, "")
            .with(Goal::AtMost(4.0))
            .noted("create, log, delete, get; the watch of `poll` is shared by all runs"),
        Row::new(
            "whole run: bytes to and from the API server",
            (wire.sent + wire.received) as f64 / runs / 1e3,
            "kB",
        )
        .with(Goal::AtMost(20.0))
        .if_missed("the watch tells every change of the pod, six of some 5 kB; fewer would make it blind for pods that wait"),
        Row::new("whole run: processor time of all functions", cpu, "ms")
            .with(Goal::AtMost(10.0))
            .if_missed("includes what `poll` does in the two seconds before and after, and TLS"),
    ]);
    for operation in ["PutObject", "GetObject", "ListObjectsV2", "DeleteObject"] {
        let row = Row::new(&format!("whole run: {operation}"), each(operation), "");
        chapter.rows.push(if operation == "PutObject" { row.with(Goal::AtMost(4.0)) } else { row });
    }
    chapter.rows.extend([
        Row::new("whole run: messages to standard queues", each(SEND), ""),
        Row::new("whole run: messages to wake.fifo", each(WAKE), ""),
        Row::new("whole run: log of the functions", (desk.log_bytes() - logged) / runs, "B"),
    ]);
    Ok(())
}

/// What Lambda bills for a run when S3 and SQS are as far away as they are inside a region.
async fn with_distance(chapter: &mut Chapter, desk: &Desk, fleet: &Fleet) -> Result<()> {
    desk.cloud.set_distance(DISTANCE);
    let before = fleet.billed_ms();
    let mut walls = Vec::new();
    for number in 0..SINGLE {
        walls.push(ms(one(desk, fleet, &format!("far-{number}")).await?));
    }
    // `collect` removes the pod after the result.
    tokio::time::sleep(Duration::from_secs(2)).await;
    desk.cloud.set_distance(Duration::ZERO);
    let noted = format!("every request to S3 and SQS takes {} ms", DISTANCE.as_millis());
    let rows = ["submit", "collect"].into_iter().zip(fleet.billed_ms()).zip(before);
    for ((function, after), before) in rows {
        let billed = (after - before) / SINGLE as f64;
        chapter.rows.push(Row::new(&format!("whole run with distance: {function}"), billed, "ms"));
    }
    let wall = Row::median("whole run with distance: message to result", &Samples::of(walls), "ms");
    chapter.rows.push(wall.noted(noted));
    Ok(())
}

async fn at_once(
    chapter: &mut Chapter,
    desk: &Desk,
    fleet: &Fleet,
    bystander: &Bystander,
    pod: &Value,
    which: &str,
) -> Result<Row> {
    let file = desk.kubeconfig().with_file_name("pod.json");
    std::fs::write(&file, pod_without_owner(pod).to_string())?;
    let (mut ours, mut bare, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let ended = bystander.finished();
        let begun = now();
        let prefix = format!("alone-{round}");
        let order = Order { kubeconfig: &desk.kubeconfig(), pod: &file, prefix: &prefix, count: AT_ONCE };
        order.carry_out().await?;
        until("every bare pod has ended", WITHIN, || bystander.finished() >= ended + AT_ONCE).await?;
        let alone = ms(begun.elapsed());
        let results = desk.cloud.objects().results();
        let submissions: Vec<Message> =
            (0..AT_ONCE).map(|number| task(&format!("together-{round}-{number}"), "true")).collect();
        let begun = now();
        for (ten, instance) in submissions.chunks(10).zip(fleet.submit.iter().cycle()) {
            let (instance, event) = (instance.clone(), batch(ten));
            tokio::spawn(async move { instance.invoke(&event, WITHIN).await });
        }
        until("every run has a result", WITHIN, || desk.cloud.objects().results() >= results + AT_ONCE)
            .await?;
        let with_us = ms(begun.elapsed());
        ours.push(with_us);
        bare.push(alone);
        ratios.push(with_us / alone);
    }
    chapter.rows.extend([
        Row::median(&format!("30 runs at once{which}: to the last result"), &Samples::of(ours), "ms"),
        Row::median(&format!("30 bare pods at once{which}: to the last end"), &Samples::of(bare), "ms"),
    ]);
    let ratio = Row::median(&format!("30 at once{which}: ratio to bare pods"), &Samples::of(ratios), "");
    Ok(ratio.with(Goal::AtMost(1.3)))
}

/// The same pod, which Longshore does not look after.
fn pod_without_owner(pod: &Value) -> Value {
    let mut pod = pod.clone();
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("labels");
        metadata.remove("annotations");
    }
    pod
}
