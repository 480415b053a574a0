//! `poll` with very many pods: nothing happens, a thousand end at once, and everything is compared from nothing.

use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use cluster::Tally;
use serde_json::json;
use shared::store::keys;

use crate::book::{Chapter, Goal, Row};
use crate::desk::cloud::Requests;
use crate::desk::function::Function;
use crate::desk::queue::{Message, batch};
use crate::desk::{Desk, GROUP, NAMESPACE, ms, now, until};
use crate::population::Population;
use crate::reaction::DISTANCE;

/// What `poll` keeps of its time for the end.
const RESERVE: Duration = Duration::from_secs(5);
/// How long an idle poll is watched: all of its time.
const IDLE: Duration = Duration::from_secs(58);
/// Pods that end at once.
const BURST: usize = 1_000;

/// Measure with ten thousand pods.
pub async fn with_ten_thousand(chapter: &mut Chapter) -> Result<()> {
    let (mut desk, mut population) = desk().await?;
    population.grow(&desk, 10_000).await?;
    cold(chapter, &desk, 10_000).await?;
    idle(chapter, &desk).await?;
    burst(chapter, &mut desk, &population, Duration::ZERO, 1..1 + BURST).await?;
    burst(chapter, &mut desk, &population, DISTANCE, 1 + BURST..1 + 2 * BURST).await?;
    desk.end().await;
    Ok(())
}

/// Measure with fifty thousand pods.
pub async fn with_fifty_thousand(chapter: &mut Chapter) -> Result<()> {
    let (desk, mut population) = desk().await?;
    population.grow(&desk, 50_000).await?;
    cold(chapter, &desk, 50_000).await?;
    desk.end().await;
    Ok(())
}

async fn desk() -> Result<(Desk, Population)> {
    let desk = Desk::start(Some(json!({"rules": [{"steps": [{"turn": {"running": {}}}]}]}))).await?;
    let population = Population::begin(&desk).await?;
    Ok((desk, population))
}

/// What one invocation took.
struct Taken {
    wire: Tally,
    asked: Requests,
    cpu: Duration,
    peak_mib: f64,
}

/// A poll that watches for so long.
async fn poll(desk: &Desk, function: &Function, watch: Duration) -> Result<Taken> {
    let wake = json!({"wake": {"group": GROUP}}).to_string();
    let (wire, asked, cpu) =
        (desk.cluster.traffic().tally(), desk.cloud.requests(), function.process().cpu());
    function.process().forget_peak()?;
    let timeout = watch + RESERVE;
    function.invoke(&batch(&[Message::new("wake.fifo", "wake", wake)]), timeout).await?;
    Ok(Taken {
        wire: desk.cluster.traffic().tally().since(wire),
        asked: desk.cloud.requests().since(&asked),
        cpu: function.process().cpu() - cpu,
        peak_mib: function.process().peak_mib()?,
    })
}

async fn idle(chapter: &mut Chapter, desk: &Desk) -> Result<()> {
    let function = desk.function("poll").await?;
    // The first invocation asks where the cluster is, and connects.
    poll(desk, &function, Duration::from_secs(2)).await?;
    let taken = poll(desk, &function, IDLE).await?;
    let kib = taken.wire.sent as f64 / 1024.0;
    let said: Vec<String> =
        taken.asked.operations.iter().map(|(name, count)| format!("{count} {name}")).collect();
    chapter.rows.extend([
        Row::new("poll, idle, 10,000 pods: requests to the API server", taken.wire.requests as f64, "")
            .with(Goal::AtMost(3.0))
            .noted(format!("in {} s; to S3 and SQS: {}", IDLE.as_secs(), said.join(", "))),
        Row::new("poll, idle: bytes received", kib, "KiB").with(Goal::AtMost(64.0)),
        Row::new("poll, idle: memory", taken.peak_mib, "MiB").with(Goal::AtMost(64.0)),
        Row::new("poll, idle: processor time", ms(taken.cpu), "ms").with(Goal::AtMost(50.0)),
    ]);
    Ok(())
}

async fn burst(
    chapter: &mut Chapter,
    desk: &mut Desk,
    population: &Population,
    distance: Duration,
    numbers: std::ops::Range<usize>,
) -> Result<()> {
    let function = desk.function("poll").await?;
    poll(desk, &function, Duration::from_secs(2)).await?;
    let mut messages = desk.messages.take().context("the messages are taken")?;
    while messages.try_recv().is_ok() {}
    population.end(desk, numbers)?;
    desk.cloud.set_distance(distance);
    let begun = now();
    let mut handed = 0;
    let last = async {
        while handed < BURST {
            match tokio::time::timeout(Duration::from_secs(70), messages.recv()).await {
                Ok(Some(message)) => handed += usize::from(message.queue == "collect"),
                _ => anyhow::bail!("{handed} of {BURST} pods are handed over"),
            }
        }
        Ok(begun.elapsed())
    };
    let (taken, last) = tokio::join!(poll(desk, &function, Duration::from_secs(12)), last);
    desk.cloud.set_distance(Duration::ZERO);
    let (taken, last) = (taken?, last?);
    desk.messages = Some(messages);
    let name =
        if distance.is_zero() { "poll, burst of 1,000" } else { "poll, burst of 1,000, with distance" };
    chapter.rows.extend([
        Row::new(&format!("{name}: all decided"), last.as_secs_f64(), "s").with(Goal::AtMost(10.0)),
        Row::new(&format!("{name}: memory"), taken.peak_mib, "MiB").with(Goal::AtMost(128.0)),
    ]);
    Ok(())
}

/// From no cursor to the comparison's end, and on to the open watch.
async fn cold(chapter: &mut Chapter, desk: &Desk, pods: usize) -> Result<()> {
    let function = desk.function("poll").await?;
    let key = keys::cursor(GROUP, NAMESPACE);
    let objects = desk.cloud.objects();
    objects.put(key.clone(), Bytes::from_static(b"{\"formatVersion\":1}"), Duration::ZERO);
    let begun = now();
    let compared = async {
        let is_done = || {
            objects.read(&key).is_some_and(|cursor| cursor.windows(12).any(|word| word == b"reconciledAt"))
        };
        until("everything is compared", Duration::from_secs(300), is_done).await?;
        anyhow::Ok(begun.elapsed())
    };
    let (taken, compared) = tokio::join!(poll(desk, &function, Duration::from_secs(10)), compared);
    let (taken, compared) = (taken?, compared?);
    let name = format!("poll, cold, {pods} pods");
    let said: Vec<String> =
        taken.asked.operations.iter().map(|(name, count)| format!("{count} {name}")).collect();
    chapter.rows.extend([
        Row::new(&format!("{name}: all compared"), compared.as_secs_f64(), "s").noted(format!(
            "{:.1} MB from the API server in {} requests; to S3 and SQS: {}",
            taken.wire.sent as f64 / 1e6,
            taken.wire.requests,
            said.join(", ")
        )),
        Row::new(&format!("{name}: microseconds for each"), compared.as_secs_f64() * 1e6 / pods as f64, "µs"),
        Row::new(&format!("{name}: memory"), taken.peak_mib, "MiB").with(Goal::AtMost(128.0)),
        Row::new(&format!("{name}: processor time"), taken.cpu.as_secs_f64(), "s"),
    ]);
    Ok(())
}
