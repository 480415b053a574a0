//! Functions killed by SIGKILL at every point of their code that has a name, while many runs are under way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use local::Endpoints;
use serde_json::{Value, json};
use shared::run::state::State;
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::errand::Errand;
use crate::scene::Scene;
use crate::size;
use crate::verdict::{Expected, Verdict};

/// Runs under way at each point in the small form; in the full one a third of what is asked for, since there are eight points.
const RUNS: usize = 6;
const FULL_PART: usize = 3;

/// How often a function dies at a point, in the small form and in the full one. A queue gives a message up after five receives, so none is given up for
/// these deaths.
const DEATHS: usize = 1;
const FULL_DEATHS: usize = 3;

/// Between two looks for a death.
const NOTICE_EVERY: Duration = Duration::from_millis(20);

const EACH_WITHIN: Duration = Duration::from_secs(6);
const ALL_WITHIN: Duration = Duration::from_secs(240);

/// What the runs are that pass a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Play {
    /// They bring a file.
    Plain,
    /// The same, and a queue is told.
    Answered,
    /// They are submitted once more while they run, and begin anew.
    Joined,
    /// They never end by themselves.
    Cancelled,
}

/// A point, the function that dies there, and what has to happen for it.
struct Point {
    name: &'static str,
    function: fn(&Endpoints) -> &str,
    play: Play,
}

const POINTS: [Point; 8] = [
    Point { name: "after-record", function: |all| &all.submit_function, play: Play::Plain },
    Point { name: "before-post", function: |all| &all.submit_function, play: Play::Plain },
    Point { name: "after-post", function: |all| &all.submit_function, play: Play::Plain },
    Point { name: "after-join", function: |all| &all.submit_function, play: Play::Joined },
    Point { name: "before-result", function: |all| &all.collect_function, play: Play::Plain },
    Point { name: "after-result", function: |all| &all.collect_function, play: Play::Plain },
    Point { name: "after-answer", function: |all| &all.notify_function, play: Play::Answered },
    Point { name: "after-mark", function: |all| &all.cancel_function, play: Play::Cancelled },
];

#[test]
fn every_point_that_has_a_name_in_the_code_is_one_of_these() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut named = BTreeSet::new();
    for folder in ["shared/src", "functions"] {
        collect(&root.join(folder), &mut named)?;
    }
    assert_eq!(named, POINTS.iter().map(|point| point.name.to_owned()).collect());
    Ok(())
}

fn collect(folder: &Path, named: &mut BTreeSet<String>) -> Result<()> {
    for path in std::fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())) {
        let path = path?;
        if path.is_dir() {
            collect(&path, named)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let calls = text.split("crash::point(\"").skip(1);
            named.extend(calls.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    Ok(())
}

#[tokio::test]
async fn runs_pass_every_point_at_which_a_function_is_killed() -> Result<()> {
    let _alone = size::alone().await;
    let (runs, seed) = (if size::is_full() { size::runs(RUNS) / FULL_PART } else { RUNS }, size::seed());
    let scene = Scene::open("storm-points").await?;
    let mut act =
        Act { scene: &scene, dice: Dice::new(seed), runs, seen: BTreeMap::new(), expected: BTreeMap::new() };
    println!("points (seed {seed}): {runs} runs at each, {} deaths at each by SIGKILL", deaths());
    for point in &POINTS {
        let under_way = act.play(point).await?;
        println!("  {:<13} runs under way at each death: {under_way:?}; {} s", point.name, scene.seconds());
        ensure!(under_way.len() == deaths(), "{}: {} deaths", point.name, under_way.len());
    }
    let Act { seen, expected, .. } = act;
    let verdict = Verdict::of(&scene, &expected, &seen).await?;
    println!("{verdict}\n  dead letters {:?}; {} s", scene.dead_letters().await?, scene.seconds());
    verdict.ensure()?;
    ensure!(scene.dead_letters().await?.is_empty(), "there are dead letters");
    scene.close().await
}

fn deaths() -> usize {
    if size::is_full() { FULL_DEATHS } else { DEATHS }
}

struct Act<'a> {
    scene: &'a Scene,
    dice: Dice,
    runs: usize,
    seen: BTreeMap<String, Vec<u8>>,
    expected: BTreeMap<String, Expected>,
}

impl Act<'_> {
    /// The runs of one point, from their submission to their results; how many were under way at each death.
    async fn play(&mut self, point: &Point) -> Result<Vec<usize>> {
        let Act { scene, runs, .. } = *self;
        let (stack, cloud) = (&scene.stack, &scene.stack.cloud);
        let function = (point.function)(&stack.endpoints);
        let struck = stack.state_directory().join(format!("killed-{}", point.name));
        let setting = format!("{}:{}", point.name, struck.display());
        cloud.set_variable(function, "LONGSHORE_CRASH_AT", &setting).await?;
        let answers = cloud.queue(&format!("answers-{}", point.name)).await?;
        let bodies = self.submit(point, &answers).await?;
        let before = self.seen.len();
        let mut waiting: BTreeSet<String> = bodies.keys().cloned().collect();
        let deaths = Deaths::watch(struck, runs);
        let within = ALL_WITHIN + EACH_WITHIN * u32::try_from(runs)?;
        let mut seen = std::mem::take(&mut self.seen);
        let looked = scene.until(&mut seen, before + runs, within, async |ended| {
            deaths.under_way.store(before + runs - ended, Ordering::Relaxed);
            match point.play {
                Play::Plain | Play::Answered => {}
                Play::Joined => join(scene, &mut waiting, &bodies).await?,
                Play::Cancelled => cancel(scene, &mut waiting).await?,
            }
            Ok(())
        });
        looked.await.with_context(|| format!("at {}", point.name))?;
        self.seen = seen;
        if point.play == Play::Answered {
            self.answers(&answers, &bodies, &deaths).await?;
        }
        // Nobody dies there any more.
        cloud.set_variable(function, "LONGSHORE_CRASH_AT", "").await?;
        Ok(deaths.noticed())
    }

    /// Send the submissions of a point; their bodies by run id.
    async fn submit(&mut self, point: &Point, answers: &str) -> Result<BTreeMap<String, String>> {
        let mut bodies = BTreeMap::new();
        for number in 0..self.runs {
            let run_id = format!("{}-{number:03}", point.name);
            let mut envelope = json!({"runId": run_id});
            let mut more = Value::Null;
            let seconds = match point.play {
                Play::Plain => 1 + self.dice.below(5),
                Play::Answered => {
                    envelope["replyTo"] = json!({"queueUrl": answers, "correlationId": run_id});
                    1 + self.dice.below(5)
                }
                Play::Joined => {
                    let runner = "io.kestra.plugin.kubernetes.runner.Kubernetes";
                    more = json!({"taskRunner": {"type": runner, "resume": false}});
                    30
                }
                Play::Cancelled => 600,
            };
            let errand = Errand::of(&mut self.dice, seconds, envelope, more);
            self.scene.submit(&errand.body).await?;
            bodies.insert(run_id.clone(), errand.body.clone());
            let expected = match point.play {
                Play::Plain | Play::Answered => Expected::plain(errand),
                Play::Joined => Expected { attempts: 2, ..Expected::plain(errand) },
                Play::Cancelled => Expected { state: State::Cancelled, attempts: 1, file: None },
            };
            self.expected.insert(run_id, expected);
        }
        Ok(bodies)
    }

    /// Everybody is told, and whoever is told twice is told the same.
    async fn answers(&self, queue: &str, bodies: &BTreeMap<String, String>, deaths: &Deaths) -> Result<()> {
        let mut told: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        let deadline = tokio::time::Instant::now() + ALL_WITHIN;
        while told.len() < bodies.len() || deaths.noticed().len() < self::deaths() {
            ensure!(tokio::time::Instant::now() < deadline, "{} of {} were told", told.len(), bodies.len());
            match self.scene.stack.cloud.answer(queue).await? {
                Some((correlation, body)) => {
                    told.entry(correlation.context("no correlation id")?).or_default().push(body);
                }
                None => tokio::time::sleep(Duration::from_millis(200)).await,
            }
        }
        let differ =
            told.values().filter(|answers| answers.iter().any(|answer| Some(answer) != answers.first()));
        ensure!(differ.count() == 0, "somebody was told two different things");
        ensure!(told.keys().eq(bodies.keys()), "others were told than asked");
        Ok(())
    }
}

/// Somebody who notices deaths at a point, and lets others die there.
struct Deaths {
    /// How many runs had no result at the last look before each death.
    noticed: Arc<Mutex<Vec<usize>>>,
    /// How many had none at the last look.
    under_way: Arc<AtomicUsize>,
    watching: JoinHandle<()>,
}

impl Deaths {
    /// `struck` is made by whoever dies; as long as it is there nobody else does.
    fn watch(struck: PathBuf, runs: usize) -> Deaths {
        let (noticed, under_way) = (Arc::<Mutex<Vec<usize>>>::default(), Arc::new(AtomicUsize::new(runs)));
        let (book, now) = (noticed.clone(), under_way.clone());
        let watching = tokio::spawn(async move {
            for death in 1..=deaths() {
                while !struck.exists() {
                    tokio::time::sleep(NOTICE_EVERY).await;
                }
                book.lock().unwrap_or_else(PoisonError::into_inner).push(now.load(Ordering::Relaxed));
                if death < deaths() && std::fs::remove_file(&struck).is_err() {
                    return;
                }
            }
        });
        Deaths { noticed, under_way, watching }
    }

    fn noticed(&self) -> Vec<usize> {
        self.noticed.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Deaths {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// Submit once more whoever has a pod that its record knows.
async fn join(
    scene: &Scene,
    waiting: &mut BTreeSet<String>,
    bodies: &BTreeMap<String, String>,
) -> Result<()> {
    if waiting.is_empty() {
        return Ok(());
    }
    for key in scene.stack.cloud.keys("active/").await? {
        let name = key.rsplit('/').next().and_then(|name| name.strip_suffix(".json")).unwrap_or_default();
        if !waiting.contains(name) {
            continue;
        }
        let Some(record) = scene.stack.cloud.object(&key).await? else { continue };
        let record: Value = serde_json::from_slice(&record)?;
        if record.pointer("/attempt/podUid").is_some_and(Value::is_string) {
            scene.submit(&bodies[name]).await?;
            waiting.remove(name);
        }
    }
    Ok(())
}

/// Cancel whoever has a pod.
async fn cancel(scene: &Scene, waiting: &mut BTreeSet<String>) -> Result<()> {
    let with_pod: Vec<String> = {
        let book = scene.witness.book();
        waiting.iter().filter(|run_id| book.pods.contains_key(&((*run_id).clone(), 1))).cloned().collect()
    };
    for run_id in with_pod {
        let body = json!({"cancel": {"runId": run_id, "reason": "the storm is over"}}).to_string();
        scene.stack.cloud.send(&scene.stack.endpoints.cancel_queue, &body).await?;
        waiting.remove(&run_id);
    }
    Ok(())
}
