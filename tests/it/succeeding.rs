//! Runs that go well.

use std::time::Duration;

use anyhow::Result;
use fixtures::world::World;
use serde_json::json;
use shared::clock::{Clock, SystemClock, later};
use shared::run::state::State;

fn shell(commands: &[&str]) -> serde_json::Value {
    json!({"id": "hello", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plain_run_takes_four_writes_and_leaves_no_pod() -> Result<()> {
    let world = World::new().await?;
    let task = shell(&["echo hello", r#"echo '::{"outputs":{"rows":3}}::'"#]);
    let answer = world.submit("m1", &json!({"task": task, "runId": "plain"})).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let result = world.run_to_end("plain").await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    assert_eq!(result.outputs.get("rows"), Some(&json!(3)));
    assert_eq!((result.attempt, result.warnings.as_slice()), (1, &[][..]));
    let writes = world.bucket.writes.lock().unwrap().clone();
    let of_the_run: Vec<_> = writes.iter().filter(|key| !key.starts_with("cursors/")).collect();
    assert_eq!(
        of_the_run,
        [
            "active/eks-test/plain.json",
            "active/eks-test/plain.json",
            "runs/plain/attempts/1/logs/main.log",
            "runs/plain/result.json"
        ]
    );
    let log = String::from_utf8(world.bucket.read("runs/plain/attempts/1/logs/main.log").unwrap())?;
    assert!(log.lines().next().unwrap().ends_with("Z hello"), "{log}");
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn output_files_come_back_byte_for_byte_whatever_their_names() -> Result<()> {
    let world = World::new().await?;
    let commands = [
        "mkdir -p 'out/deep er/x' && cd out",
        "printf 'a\\0b' > 'with space.bin'",
        "printf x > 'été+100%.txt'",
        "printf y > 'deep er/x/-dash'",
        ": > empty",
        "ln -s empty link",
        "head -c 9000000 /dev/urandom > big.bin && sha256sum big.bin | cut -d' ' -f1 > big.sha",
    ];
    let mut task = shell(&commands);
    task["outputFiles"] = json!(["out/**", "missing-*.csv"]);
    world.submit("m1", &json!({"task": task, "runId": "names"})).await?;
    let result = world.run_to_end("names").await?;
    assert_eq!(result.state, State::Succeeded, "{:?}", result.diagnosis);
    let paths: Vec<&str> = result.output_files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "out/big.bin",
            "out/big.sha",
            "out/deep er/x/-dash",
            "out/empty",
            "out/with space.bin",
            "out/été+100%.txt"
        ]
    );
    let read = |path: &str| world.bucket.read(&format!("runs/names/attempts/1/outputs/{path}")).unwrap();
    assert_eq!(read("out/with space.bin"), b"a\0b");
    assert_eq!(read("out/empty"), b"");
    assert_eq!(read("out/big.bin").len(), 9_000_000);
    let hash = |path: &str| result.output_files.iter().find(|file| file.path == path).unwrap().sha256.clone();
    assert_eq!(String::from_utf8(read("out/big.sha"))?.trim(), hash("out/big.bin"));
    let warnings = result.warnings.join("\n");
    assert!(warnings.contains("missing-*.csv") && warnings.contains("out/link"), "{warnings}");
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_pod_stays_and_its_record_goes() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(&["true"]);
    task["taskRunner"] = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "delete": false});
    world.submit("m1", &json!({"task": task, "runId": "kept"})).await?;
    assert_eq!(world.run_to_end("kept").await?.state, State::Succeeded);
    assert_eq!(world.pods().await?.len(), 1);
    world.shutdown().await;
    Ok(())
}

/// What is in the only pod and runs.
async fn running(world: &World) -> Result<Vec<String>> {
    let page = world.client.list("default", None, None).await?;
    let statuses = page.pods.into_iter().filter_map(|pod| pod.status?.container_statuses).flatten();
    let runs = statuses.filter(|status| status.state.as_ref().is_some_and(|state| state.running.is_some()));
    Ok(runs.map(|status| status.name).collect())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_pod_comes_to_its_end_though_files_were_collected_from_it() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(&["echo x > out.txt"]);
    task["outputFiles"] = json!(["out.txt"]);
    task["taskRunner"] = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "delete": false});
    world.submit("m1", &json!({"task": task, "runId": "kept"})).await?;
    let result = world.run_to_end("kept").await?;
    assert_eq!((result.state, result.output_files.len()), (State::Succeeded, 1), "{:?}", result.warnings);
    let give_up = later(SystemClock.now(), Duration::from_secs(30));
    while !running(&world).await?.is_empty() && SystemClock.now() < give_up {
        SystemClock.sleep(Duration::from_millis(200)).await;
    }
    assert_eq!(running(&world).await?, Vec::<String>::new());
    assert_eq!(world.pods().await?.len(), 1);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_whose_companion_goes_on_cannot_be_kept() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(&["true"]);
    task["taskRunner"] = json!({"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "delete": false,
        "podSpec": {"terminationGracePeriodSeconds": 1,
            "containers": [{"name": "side", "image": "busybox", "command": ["sleep", "600"]}]}});
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    assert_eq!(world.run_to_end("run").await?.state, State::Succeeded);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
