//! Half-open connections: a request is taken, and no answer ever comes, as when a NAT or a balancer has forgotten the way back. Everybody waits for a tenth of
//! the time that they would wait in Lambda.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, between};
use shared::cluster::error::ClusterError;
use shared::run::state::State;

/// Ten times as long is what a function would have waited for one answer, and some seconds on a busy machine.
const ONE_ANSWER: Duration = Duration::from_millis(2_500);
const BUSY: Duration = Duration::from_secs(10);

fn put(world: &World, faults: &Value) -> Result<()> {
    let put = world.faults()?.put(&json!({"faults": faults}));
    ensure!(put.is_ok(), "{put:?}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_never_comes_is_an_outage_that_passes() -> Result<()> {
    let world = World::hurried().await?;
    put(&world, &json!([{"kind": "NoAnswer", "when": {"count": 1}}]))?;
    let began = SystemClock.now();
    let error = world.client.list("default", None, None).await.err().context("it was answered")?;
    let waited = between(began, SystemClock.now());
    ensure!(waited >= ONE_ANSWER && waited < ONE_ANSWER + BUSY, "{waited:?}");
    ensure!(matches!(error, ClusterError::Unreachable { .. }) && error.is_passing(), "{error:?}");
    let words = shared::error::chain(&error);
    ensure!(words.contains("no answer came within 25 s"), "{words}");
    world.client.list("default", None, None).await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_ends_right_though_every_kind_of_request_is_forgotten_once() -> Result<()> {
    let world = World::hurried().await?;
    let once = |name: &str, effect: &str, verbs: &[&str], resource: &str| {
        json!({"kind": "NoAnswer", "name": name, "with": {"effect": effect}, "when": {"count": 1},
            "match": {"verbs": verbs, "resources": [resource]}})
    };
    let faults = [
        once("create", "None", &["create"], "pods"),
        once("created", "Done", &["create"], "pods"),
        once("get", "None", &["get"], "pods"),
        once("list", "None", &["list"], "pods"),
        once("watch", "None", &["watch"], "pods"),
        once("delete", "None", &["delete"], "pods"),
        once("log", "None", &["*"], "pods/log"),
        once("exec", "None", &["*"], "pods/exec"),
    ];
    put(&world, &json!(faults))?;
    let task = json!({"id": "task", "type": "io.kestra.plugin.scripts.shell.Commands",
        "commands": ["echo content > out.txt", "echo hello"], "outputFiles": ["out.txt"]});
    let began = SystemClock.now();
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    println!("{:?} in all", between(began, SystemClock.now()));
    assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{:?}", result.diagnosis);
    assert_eq!(world.bucket.read("runs/run/attempts/1/outputs/out.txt").as_deref(), Some(&b"content\n"[..]));
    let log = world.bucket.read("runs/run/attempts/1/logs/main.log").context("no log")?;
    ensure!(String::from_utf8_lossy(&log).contains("hello"));
    // What was not deleted with the result, the next comparison deletes.
    world.bucket.age(Duration::from_secs(70));
    world.poll("eks-test", Duration::from_millis(1200)).await?;
    world.deliver().await?;
    world.no_pods().await?;
    for name in ["create", "created", "get", "list", "log", "exec", "delete"] {
        assert_eq!(world.faults()?.struck(name), 1, "{name}");
    }
    world.shutdown().await;
    Ok(())
}
