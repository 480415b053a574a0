//! Runs that end with the outcome of an earlier one, and files that tasks share.

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::state::State;
use shared::store::bucket::{Bucket, Condition};

fn cached(commands: &[&str], cache: Value) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands, "outputFiles": ["out.txt"], "taskCache": cache})
}

async fn submit(world: &World, run_id: &str, task: &Value) -> Result<()> {
    world.submit(run_id, &json!({"task": task, "runId": run_id})).await.map(drop)
}

const COMMANDS: [&str; 2] = ["echo x > out.txt", r#"echo '::{"outputs":{"rows":3}}::'"#];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_run_of_the_same_task_ends_with_the_outcome_of_the_first() -> Result<()> {
    let world = World::new().await?;
    let task = cached(&COMMANDS, json!({"enabled": true, "ttl": "PT1H"}));
    submit(&world, "first", &task).await?;
    let first = world.run_to_end("first").await?;
    assert_eq!(
        (first.state, first.cached_from.as_deref()),
        (State::Succeeded, None),
        "{:?}",
        first.diagnosis
    );
    world.no_pods().await?;

    submit(&world, "second", &task).await?;
    let second = world.result("second").unwrap();
    assert_eq!((second.state, second.cached_from.as_deref()), (State::Succeeded, Some("first")));
    assert_eq!(
        (&second.outputs, &second.output_files, &second.logs),
        (&first.outputs, &first.output_files, &first.logs)
    );
    assert_eq!((second.attempt, second.pod_name), (0, None));
    assert!(world.pods().await?.is_empty());

    // Too old by now.
    let entries: Vec<String> =
        world.bucket.keys().into_iter().filter(|key| key.starts_with("cache/")).collect();
    assert_eq!(entries.len(), 1);
    let mut entry: Value = serde_json::from_slice(&world.bucket.read(&entries[0]).unwrap())?;
    entry["endedAt"] = "2026-01-01T00:00:00Z".into();
    world.bucket.put(&entries[0], serde_json::to_vec(&entry)?.into(), Condition::Always).await?;
    submit(&world, "third", &task).await?;
    assert_eq!(world.run_to_end("third").await?.cached_from, None);
    submit(&world, "fourth", &task).await?;
    assert_eq!(
        world.result("fourth").unwrap().cached_from.as_deref(),
        Some("third"),
        "the newer success stands"
    );

    // The files of the third are gone: nothing stands for the fifth.
    world.bucket.delete("runs/third/attempts/1/outputs/out.txt").await?;
    submit(&world, "fifth", &task).await?;
    assert_eq!(world.run_to_end("fifth").await?.cached_from, None);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_task_a_failure_and_a_success_with_warnings_stand_for_nothing() -> Result<()> {
    let world = World::new().await?;
    let enabled = json!({"enabled": true});
    let failing = cached(&["exit 1"], enabled.clone());
    let warning = cached(&["true"], enabled.clone());
    let mut lenient = warning.clone();
    lenient["allowWarning"] = true.into();
    let mut other_id = lenient.clone();
    other_id["id"] = "u".into();
    for (run_id, task, state, from) in [
        ("f1", &failing, State::Failed, None),
        ("f2", &failing, State::Failed, None),
        ("w1", &warning, State::Succeeded, None),
        // the output that is missing is a warning, which this one lets pass
        ("w2", &lenient, State::Succeeded, None),
        ("w3", &lenient, State::Succeeded, Some("w2")),
        ("o1", &other_id, State::Succeeded, None),
    ] {
        submit(&world, run_id, task).await?;
        let result = world.run_to_end(run_id).await?;
        assert_eq!(
            (result.state, result.cached_from.as_deref()),
            (state, from),
            "{run_id}: {:?}",
            result.warnings
        );
    }
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

async fn put(world: &World, key: &str, text: &'static str) -> Result<()> {
    world.bucket.put(key, text.into(), Condition::Always).await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shared_files_go_in_beside_the_tasks_own_which_win() -> Result<()> {
    let world = World::new().await?;
    for (key, text) in [
        ("config/namespaces/base/files/a.sql", "base"),
        ("config/namespaces/base/files/own.sql", "base"),
        ("config/namespaces/company.team/files/a.sql", "team!"),
        ("config/namespaces/company.team/files/q/b.sql", "deep one"),
        ("config/namespaces/company.team/files/q/old/c.sql", "old"),
        ("config/namespaces/company.team/files/readme.md", "no"),
        ("config/namespaces/company.team/files/q/", ""),
        ("config/namespaces/company.teams/files/z.sql", "of others"),
    ] {
        put(&world, key, text).await?;
    }
    let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["ls"],
        "inputFiles": {"own.sql": "the task's"},
        "namespaceFiles": {"namespaces": ["base", "company.team"], "include": ["*.sql", "q/**"], "exclude": ["q/old/**"]}});
    submit(&world, "run", &task).await?;
    let manifest = String::from_utf8(world.bucket.read("runs/run/inputs/manifest.txt").unwrap())?;
    let files: Vec<(&str, &str)> = manifest
        .lines()
        .skip(1)
        .map(|line| (line.split('|').next().unwrap(), line.rsplit('|').next().unwrap().trim_end_matches(':')))
        .collect();
    assert_eq!(files, [("5", "a.sql"), ("10", "own.sql"), ("8", "q/b.sql")], "{manifest}");
    assert!(manifest.contains("config/namespaces/company.team/files/a.sql"), "the later namespace wins");
    // What the run saw once it keeps, whatever becomes of the folder.
    let record = String::from_utf8(world.bucket.read("active/eks-test/run.json").unwrap())?;
    assert!(record.contains("\"prepared\""), "{record}");
    world.cancel("run").await?;
    world.deliver().await?;
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_file_that_cannot_be_placed_is_named_before_a_pod_is_made() -> Result<()> {
    let world = World::new().await?;
    put(&world, "config/namespaces/up/files/../../escape", "x").await?;
    put(&world, "config/namespaces/twice/files/own/below", "x").await?;
    for (namespace, part) in
        [("up", "escape"), ("twice", "`own` is a file and also the folder of `own/below`")]
    {
        let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["ls"],
            "inputFiles": {"own": "x"}, "namespaceFiles": {"namespaces": [namespace]}});
        submit(&world, namespace, &task).await?;
        let result = world.result(namespace).unwrap();
        let diagnosis = result.diagnosis.unwrap();
        assert_eq!((result.state, diagnosis.cause), (State::Failed, Cause::InputMissing));
        assert!(diagnosis.message.contains(part), "{}", diagnosis.message);
    }
    assert!(world.pods().await?.is_empty());
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_cannot_name_an_object_of_longshores_own_as_its_input() -> Result<()> {
    let world = World::new().await?;
    put(&world, "config/namespaces/n/files/a", "x").await?;
    for key in ["config/namespaces/n/files/a", "cache/x.json"] {
        let run_id = key.replace('/', "-");
        let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["ls"],
            "inputFiles": {"a": format!("s3://bucket/{key}")}});
        submit(&world, &run_id, &task).await?;
        assert_eq!(world.result(&run_id).unwrap().diagnosis.unwrap().cause, Cause::InputMissing, "{key}");
    }
    world.shutdown().await;
    Ok(())
}
