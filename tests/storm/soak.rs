//! Half an hour of everything: mixed tasks on a cluster that misbehaves. Nothing may grow.
//!
//! What is compared is the stack at rest: after a warm-up, and at the end. `just soak` runs it; it is too long for the other tests.

mod bounds;
mod load;
mod sample;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::dice::Dice;
use crate::scene::Scene;
use crate::size;
use crate::soak::load::{Kind, Load, companion};
use crate::soak::sample::Sample;

/// The part of the time that is warm-up: every function has had its work, every cache its content.
const WARM_UP_PART: u64 = 6;

/// Between two samples while there is load.
const SAMPLE_EVERY: Duration = Duration::from_secs(30);

/// A run ends by then; a record stays for 65 s more, and the next poll removes it.
const REST_WITHIN: Duration = Duration::from_secs(420);

/// The command that follows the log of a run that never ends, and that run.
const COMPANION: &str = "companion";

#[tokio::test]
#[ignore = "it takes half an hour; `just soak`"]
async fn half_an_hour_of_mixed_tasks_and_faults_leaves_nothing_behind_and_nothing_grows() -> Result<()> {
    let _alone = size::alone().await;
    let (seed, minutes) = (size::seed(), size::soak_minutes());
    let scene = Scene::open("soak").await?;
    let mut soak =
        Soak { scene: &scene, dice: Dice::new(seed), load: Load::default(), seen: BTreeMap::new() };
    let document = scene.stack.state_directory().join("companion.json");
    std::fs::write(&document, companion(COMPANION).to_string())?;
    let mut command = scene.stack.command();
    command.arg("run").arg(&document).arg("--json").stdin(std::process::Stdio::null());
    let log = std::fs::File::create(scene.stack.state_directory().join("companion.log"))?;
    let mut command = command.stdout(log.try_clone()?).stderr(log).kill_on_drop(true).spawn()?;
    let follower = command.id().context("the command has ended")?;

    println!(
        "soak (seed {seed}): {minutes} minutes, a task every {} ms\n{}",
        size::soak_pause_ms(),
        Sample::HEAD
    );
    let all = Duration::from_secs(60 * minutes);
    let warm_up = all / u32::try_from(WARM_UP_PART)?;
    soak.under_load(warm_up, follower).await?;
    let warm = soak.at_rest(follower).await?;
    println!("{warm} at rest after the warm-up");
    soak.under_load(all - warm_up, follower).await?;
    let end = soak.at_rest(follower).await?;
    println!("{end} at rest at the end");

    ensure!(command.try_wait()?.is_none(), "the command that follows a log has ended");
    let body = json!({"cancel": {"runId": COMPANION, "reason": "the soak is over"}}).to_string();
    scene.stack.cloud.send(&scene.stack.endpoints.cancel_queue, &body).await?;
    let status = tokio::time::timeout(REST_WITHIN, command.wait()).await.context("the command goes on")??;
    ensure!(status.code().is_some(), "the command was killed: {status}");
    let rest = scene.settle().await?;
    soak.tell().await?;
    ensure!(rest.is_tidy(), "something is left: {rest:?}");
    soak.judge().await?;
    let grown = bounds::grown(&warm, &end);
    ensure!(grown.is_empty(), "something has grown: {grown:#?}");
    scene.close().await
}

struct Soak<'a> {
    scene: &'a Scene,
    dice: Dice,
    load: Load,
    seen: BTreeMap<String, Vec<u8>>,
}

impl Soak<'_> {
    /// Tasks and faults for a while.
    async fn under_load(&mut self, duration: Duration, follower: u32) -> Result<()> {
        self.scene.wire.misbehave(&load::faults(self.dice.throw())).await?;
        let until = Instant::now() + duration;
        let mut next_sample = Instant::now() + SAMPLE_EVERY;
        let pause = Duration::from_millis(size::soak_pause_ms());
        while Instant::now() < until {
            self.load.next(self.scene, &mut self.dice).await?;
            self.load.cancel_due(self.scene).await?;
            if Instant::now() > next_sample {
                next_sample += SAMPLE_EVERY;
                self.scene.look(&mut self.seen).await?;
                println!("{}", Sample::take(self.scene, follower, self.seen.len()).await?);
            }
            sleep(pause).await;
        }
        self.load.struck(&self.scene.wire.struck().await?);
        self.scene.wire.behave().await
    }

    /// Wait until only the companion is under way.
    async fn at_rest(&mut self, follower: u32) -> Result<Sample> {
        let deadline = Instant::now() + REST_WITHIN;
        loop {
            self.load.cancel_due(self.scene).await?;
            let rest = self.scene.rest().await?;
            let due: u32 = rest.due.values().sum();
            if due == 0 && rest.active.len() <= 1 && rest.pods.len() <= 1 && self.load.nobody_waits() {
                self.scene.look(&mut self.seen).await?;
                return Sample::take(self.scene, follower, self.seen.len()).await;
            }
            ensure!(Instant::now() < deadline, "there is no rest: {rest:?}");
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn tell(&mut self) -> Result<()> {
        self.scene.look(&mut self.seen).await?;
        println!("{}", self.load.outcome(&self.seen)?);
        Ok(())
    }

    /// One result each, unchanged, of the kind that the task had to end as unless the cluster was at fault; one pod for each attempt.
    async fn judge(&self) -> Result<()> {
        let mut written = BTreeMap::new();
        self.scene.look(&mut written).await?;
        ensure!(written == self.seen, "a result has changed");
        let mut broken = Vec::new();
        for (run_id, kind) in self.load.sent() {
            if *kind == Kind::Unreadable {
                if self.scene.stack.cloud.object(&format!("rejected/{run_id}.json")).await?.is_none() {
                    broken.push(format!("{run_id}: there is nothing under rejected/"));
                }
                continue;
            }
            match written.get(run_id) {
                None => broken.push(format!("{run_id} ({kind:?}): no result")),
                Some(bytes) => broken.extend(load::wrong(run_id, *kind, bytes)?),
            }
        }
        let known = |run_id: &str| run_id == COMPANION || self.load.sent().any(|(sent, _)| sent == run_id);
        broken.extend(
            written.keys().filter(|run_id| !known(run_id)).map(|run_id| format!("{run_id}: nobody's run")),
        );
        let book = self.scene.witness.book();
        let doubled = book.pods.iter().filter(|(_, uids)| uids.len() > 1);
        broken.extend(
            doubled.map(|((run_id, attempt), uids)| format!("{run_id}, attempt {attempt}: {uids:?}")),
        );
        broken.extend(book.gap.clone());
        ensure!(broken.is_empty(), "promises were broken: {broken:#?}");
        Ok(())
    }
}

/// How often each fault struck, by kind.
fn strikes(report: &Value) -> BTreeMap<String, u64> {
    let faults = report.get("faults").and_then(Value::as_array).cloned().unwrap_or_default();
    let of = |fault: &Value| Some((fault.get("kind")?.as_str()?.to_owned(), fault.get("struck")?.as_u64()?));
    let mut strikes = BTreeMap::new();
    for (kind, struck) in faults.iter().filter_map(of) {
        *strikes.entry(kind).or_default() += struck;
    }
    strikes
}
