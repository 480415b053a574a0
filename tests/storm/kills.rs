//! Messages that come once, twice or three times, while functions are killed at random.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use futures::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::errand::Errand;
use crate::killer::Killer;
use crate::scene::Scene;
use crate::size;
use crate::verdict::{Expected, Verdict};

/// Runs of the small form.
const RUNS: usize = 24;

/// Between two kills, on the average.
const KILL_EVERY: Duration = Duration::from_millis(1200);

/// A second or third delivery comes within this time.
const COPIES_WITHIN_MS: u64 = 15_000;
const FULL_COPIES_WITHIN_MS: u64 = 40_000;

/// For each run and on top: everything ends by then, with two shared processors.
const EACH_WITHIN: Duration = Duration::from_secs(6);
const ALL_WITHIN: Duration = Duration::from_secs(300);

/// How a submission is known again when it comes a second time.
enum Identity {
    /// By the run id that it names; every copy is a message of its own.
    Named,
    /// By the id of its message, which a redelivery keeps.
    Message(String),
}

#[tokio::test]
async fn runs_with_duplicated_messages_and_killed_functions_are_each_one_pod_one_result_and_its_file()
-> Result<()> {
    let _alone = size::alone().await;
    let (runs, seed) = (size::runs(RUNS), size::seed());
    let scene = Scene::open("storm-kills").await?;
    let copies_within = if size::is_full() { FULL_COPIES_WITHIN_MS } else { COPIES_WITHIN_MS };
    let mut dice = Dice::new(seed);
    let killer = Killer::begin(&scene.stack, dice.throw(), KILL_EVERY);
    let (mut expected, mut copies, mut deliveries) = (BTreeMap::new(), Vec::new(), 0);
    for number in 0..runs {
        let is_named = dice.chance(500);
        let run_id = format!("storm-{number:03}");
        let envelope = if is_named { json!({"runId": run_id}) } else { json!({}) };
        let seconds = 1 + dice.below(4);
        let errand = Errand::of(&mut dice, seconds, envelope, Value::Null);
        let message = scene.submit(&errand.body).await?;
        let again = dice.below(3);
        deliveries += 1 + again;
        for _ in 0..again {
            let identity = if is_named { Identity::Named } else { Identity::Message(message.clone()) };
            copies.push((dice.below(copies_within), identity, errand.body.clone()));
        }
        expected.insert(if is_named { run_id } else { message }, Expected::plain(errand));
    }
    let again = join_all(copies.iter().map(|(millis, identity, body)| async {
        sleep(Duration::from_millis(*millis)).await;
        deliver(&scene, identity, body).await
    }));
    let within = ALL_WITHIN + EACH_WITHIN * u32::try_from(runs)?;
    let (mut seen, mut redriven) = (BTreeMap::new(), 0);
    let looking = scene.until(&mut seen, runs, within, async |_| {
        redriven += redrive(&scene).await?;
        Ok(())
    });
    let (again, looked) = futures::join!(again, looking);
    looked?;
    again.into_iter().collect::<Result<Vec<()>>>()?;
    let killed = killer.stop();
    // All is over, and some messages come once more.
    let late: Vec<_> = copies.iter().step_by(5).collect();
    for (_, identity, body) in &late {
        deliver(&scene, identity, body).await?;
    }
    let verdict = Verdict::of(&scene, &expected, &seen).await?;
    let interrupted = interrupted(&scene)?;
    println!(
        "kills (seed {seed}): {} deliveries of {runs} submissions, {} of them when all was over; {} functions killed {killed:?}, \
         {interrupted} of them in an invocation; {redriven} dead letters moved back; {} s\n{verdict}",
        deliveries + late.len() as u64,
        late.len(),
        killed.values().sum::<usize>(),
        scene.seconds(),
    );
    verdict.ensure()?;
    ensure!(interrupted > 0, "no function was killed at work");
    scene.close().await
}

async fn deliver(scene: &Scene, identity: &Identity, body: &str) -> Result<()> {
    match identity {
        Identity::Named => scene.submit(body).await.map(drop),
        Identity::Message(id) => {
            let arn = "arn:aws:sqs:us-east-1:000000000000:submissions";
            scene.wire.deliver(&scene.stack.endpoints.submit_function, arn, id, body).await
        }
    }
}

/// A submission whose function was killed five times is a dead letter; whoever is on duty moves it back, as the documentation says.
async fn redrive(scene: &Scene) -> Result<u64> {
    if !scene.dead_letters().await?.contains_key("submissions") {
        return Ok(0);
    }
    let output = scene.stack.command().args(["redrive", "submissions", "--json"]).output().await?;
    ensure!(output.status.success(), "redrive: {}", String::from_utf8_lossy(&output.stderr));
    let said: Value = serde_json::from_slice(&output.stdout)?;
    said.get("moved").and_then(Value::as_u64).context("redrive does not say how many")
}

/// How many invocations ended because their process was killed, by the emulator's own log.
fn interrupted(scene: &Scene) -> Result<usize> {
    let log = std::fs::read(scene.stack.state_directory().join("emulator.log"))?;
    let log = String::from_utf8_lossy(&log);
    Ok(log.lines().filter(|line| line.ends_with("Runtime exited before returning a response")).count())
}
