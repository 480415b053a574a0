//! A cap on live pods, as somebody sees it who watches the cluster.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::dice::Dice;
use crate::errand::Errand;
use crate::scene::Scene;
use crate::size;
use crate::verdict::{Expected, Verdict};

/// Runs of the small form.
const RUNS: usize = 24;

/// Places in the small form and in the full one.
const PLACES: usize = 5;
const FULL_PLACES: usize = 20;

/// How long the API server is away: no request of a function is answered.
const OUTAGE: Duration = Duration::from_secs(8);
const FULL_OUTAGE: Duration = Duration::from_secs(30);

const EACH_WITHIN: Duration = Duration::from_secs(6);
const ALL_WITHIN: Duration = Duration::from_secs(300);

#[tokio::test]
async fn runs_under_a_cap_and_through_an_outage_never_have_more_live_pods_and_all_end() -> Result<()> {
    let _alone = size::alone().await;
    let (runs, seed) = (size::runs(RUNS), size::seed());
    let places = if size::is_full() { FULL_PLACES } else { PLACES };
    let scene = Scene::open("storm-cap").await?;
    let clusters = format!("clusters: {{default: {{maxLivePods: {places}}}}}");
    scene.stack.cloud.put("config/clusters.yaml", clusters).await?;
    let mut dice = Dice::new(seed);
    let mut expected = BTreeMap::new();
    for number in 0..runs {
        let run_id = format!("line-{number:03}");
        let errand = Errand::of(&mut dice, 1, json!({"runId": run_id}), Value::Null);
        scene.submit(&errand.body).await?;
        expected.insert(run_id, Expected::plain(errand));
    }
    let within = ALL_WITHIN + EACH_WITHIN * u32::try_from(runs)?;
    let (mut seen, mut outage) = (BTreeMap::new(), None);
    scene
        .until(&mut seen, runs, within, async |ended| {
            if ended >= runs / 3 && outage.is_none() {
                outage = Some(be_away(&scene).await?);
            }
            Ok(())
        })
        .await?;
    let verdict = Verdict::of(&scene, &expected, &seen).await?;
    let peak = scene.witness.book().peak;
    let dead = scene.dead_letters().await?;
    println!(
        "cap (seed {seed}): {runs} submissions under a cap of {places}, at most {peak} live pods seen; {} requests \
         refused in an outage of {} s; dead letters {dead:?}; {} s\n{verdict}",
        outage.unwrap_or_default(),
        self::outage().as_secs(),
        scene.seconds(),
    );
    verdict.ensure()?;
    ensure!(peak == places, "{peak} live pods under a cap of {places}");
    ensure!(outage.is_some_and(|refused| refused > 0), "the outage was not noticed: {outage:?}");
    ensure!(dead.is_empty(), "there are dead letters: {dead:?}");
    scene.close().await
}

/// Every connection of a function is reset for a while; how many were. The bystander's are not.
async fn be_away(scene: &Scene) -> Result<u64> {
    let plan = json!({"faults": [{"kind": "ConnectionReset", "match": {"userAgent": ""}}]});
    scene.wire.misbehave(&plan).await?;
    sleep(outage()).await;
    let report = scene.wire.struck().await?;
    scene.wire.behave().await?;
    let faults = report.get("faults").and_then(Value::as_array).cloned().unwrap_or_default();
    Ok(faults.iter().filter_map(|fault| fault.get("struck")?.as_u64()).sum())
}

fn outage() -> Duration {
    if size::is_full() { FULL_OUTAGE } else { OUTAGE }
}
