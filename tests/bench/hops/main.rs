//! The time of an `echo` from its message to its result, and of each hop, on a warm local stack.
//!
//! `cargo bench -p longshore-tests --bench hops`. The programs are those beside it in the target directory.

#[path = "../../e2e/cloud.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod cloud;
#[path = "../../e2e/ground.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod ground;
#[path = "../../e2e/stack.rs"]
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
mod stack;

#[path = "../book/mod.rs"]
#[expect(dead_code, reason = "the benchmark of the figures uses the rest")]
mod book;
mod bystander;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use serde_json::json;
use shared::run::result::Timings;
use shared::run::state::State;

use crate::book::{Chapter, Goal, Row, Samples};
use crate::bystander::{Bystander, Moments};
use crate::stack::Stack;

/// Measured runs, one after the other.
const RUNS: usize = 30;

/// Runs before them, which start the functions.
const WARM_UP: usize = 3;

/// Most that one run may take.
const RUN_WITHIN: Duration = Duration::from_secs(60);

/// The goal for the median from message to result, in milliseconds.
const GOAL_MS: f64 = 2000.0;

/// Between two looks for the result.
const LOOK_EVERY: Duration = Duration::from_millis(10);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let stack = Stack::own("bench").await?;
    let bystander = Bystander::begin(&stack).await?;
    for number in 0..WARM_UP {
        one(&stack, &bystander, &format!("warm-{number}")).await?;
    }
    let mut runs = Vec::with_capacity(RUNS);
    for number in 0..RUNS {
        runs.push(one(&stack, &bystander, &format!("hop-{number}")).await?);
    }
    let down = stack.command().arg("down").output().await?;
    ensure!(down.status.success(), "the stack does not stop: {}", String::from_utf8_lossy(&down.stderr));
    let mut chapter = Chapter::begin("hops");
    chapter.rows = rows(&runs);
    chapter.tell()
}

/// What was seen of one run.
struct Run {
    sent: Timestamp,
    seen: Timestamp,
    timings: Timings,
    pod: Moments,
}

async fn one(stack: &Stack, bystander: &Bystander, run_id: &str) -> Result<Run> {
    let task = json!({
        "id": "hop", "type": "io.kestra.plugin.scripts.shell.Commands", "containerImage": "busybox",
        "commands": ["echo hello"],
    });
    let body = json!({"task": task, "runId": run_id}).to_string();
    let sent = now();
    stack.cloud.send(&stack.endpoints.submissions_queue, &body).await?;
    let looking = async {
        loop {
            if let Some(result) = stack.cloud.result(run_id).await? {
                return anyhow::Ok(result);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let result = tokio::time::timeout(RUN_WITHIN, looking).await.context("a run does not end")??;
    ensure!(result.state == State::Succeeded, "{run_id}: {:?}", result.diagnosis);
    Ok(Run { sent, seen: now(), timings: result.timings, pod: bystander.of(run_id) })
}

/// The pod's moments are those of the bystander, the others those of the result; all clocks are this machine's.
fn rows(runs: &[Run]) -> Vec<Row> {
    type Moment = fn(&Run) -> Option<Timestamp>;
    let hops: [(&'static str, Moment, Moment); 8] = [
        ("message sent → result seen", |run| Some(run.sent), |run| Some(run.seen)),
        ("message sent → accepted", |run| Some(run.sent), |run| run.timings.accepted_at),
        ("accepted → pod created", |run| run.timings.accepted_at, |run| run.pod.created),
        ("pod created → main started", |run| run.pod.created, |run| run.pod.started),
        ("main started → finished", |run| run.pod.started, |run| run.pod.finished),
        ("finished → collection began", |run| run.pod.finished, |run| run.timings.collected_from),
        ("collection began → result", |run| run.timings.collected_from, |run| Some(run.timings.ended_at)),
        ("result → seen", |run| Some(run.timings.ended_at), |run| Some(run.seen)),
    ];
    let spans = |from: Moment, to: Moment| {
        let span = move |run: &Run| Some(to(run)?.duration_since(from(run)?).as_secs_f64() * 1000.0);
        runs.iter().filter_map(span).collect::<Vec<f64>>()
    };
    hops.into_iter()
        .enumerate()
        .map(|(index, (name, from, to))| {
            let row = Row::median(name, &Samples::of(spans(from, to)), "ms");
            if index == 0 { row.with(Goal::AtMost(GOAL_MS)) } else { row }
        })
        .collect()
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
fn now() -> Timestamp {
    Timestamp::now()
}
