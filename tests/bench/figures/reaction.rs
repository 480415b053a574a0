//! From the end of a container to the result of its run, with a hundred live pods.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::json;

use crate::book::{Chapter, Goal, Row, Samples};
use crate::desk::bystander::Bystander;
use crate::desk::queue::batch;
use crate::desk::{Desk, Fleet, ms, now, task, until};

/// Runs of one measurement, how many begin in a second, and how long each pod lives: a hundred are alive at a time.
const RUNS: usize = 300;
const EACH_SECOND: u32 = 20;
const LIFE_SECONDS: f64 = 5.0;

/// A way to S3 and SQS as it is inside a region, about; loopback has none.
pub const DISTANCE: Duration = Duration::from_millis(20);

/// Measure.
pub async fn measure(chapter: &mut Chapter) -> Result<()> {
    let near = reactions(Duration::ZERO).await?;
    let far = reactions(DISTANCE).await?;
    let late = |samples: &Samples| Row::new("", samples.quantile(99), "ms");
    let noted = "every request to S3 and SQS takes 20 ms";
    chapter.rows.extend([
        Row::median("reaction: container's end to result, 100 live pods", &near, "ms")
            .with(Goal::AtMost(500.0)),
        Row { name: "reaction: 99th percentile".to_owned(), ..late(&near) }.with(Goal::AtMost(2000.0)),
        Row::median("reaction with distance", &far, "ms").with(Goal::AtMost(500.0)).noted(noted),
        Row { name: "reaction with distance: 99th percentile".to_owned(), ..late(&far) }
            .with(Goal::AtMost(2000.0)),
    ]);
    Ok(())
}

async fn reactions(distance: Duration) -> Result<Samples> {
    let script = json!({"rules": [{"steps": [
        {"afterSeconds": 0.1, "turn": {"running": {}}}, {"afterSeconds": LIFE_SECONDS, "turn": {"terminated": {}}},
    ]}]});
    let mut desk = Desk::start(Some(script)).await?;
    let fleet = Fleet::start(&desk, 2, 8).await?;
    let bystander = Bystander::begin(desk.cluster.store());
    desk.cloud.set_distance(distance);
    let _mappings = desk.begin(&fleet)?;
    let begun = now();
    for run in 0..RUNS {
        let due = Duration::from_secs(1) / EACH_SECOND * u32::try_from(run)?;
        tokio::time::sleep(due.saturating_sub(begun.elapsed())).await;
        let submission = batch(&[task(&format!("run-{run}"), "true")]);
        let instance = fleet.submit.get(run % 2).context("no instance")?.clone();
        tokio::spawn(async move { instance.invoke(&submission, Duration::from_secs(60)).await });
    }
    let all = Duration::from_secs(60);
    until("every run has a result", all, || desk.cloud.objects().results() >= RUNS).await?;
    let mut reactions = Vec::with_capacity(RUNS);
    for run in 0..RUNS {
        let run_id = format!("run-{run}");
        let finished =
            bystander.of(&run_id).and_then(|moments| moments.finished).context("no end was seen")?;
        let result = desk.cloud.objects().result_at(&run_id).context("a run without result")?;
        reactions.push(ms(result.saturating_duration_since(finished)));
    }
    desk.end().await;
    Ok(Samples::of(reactions))
}
