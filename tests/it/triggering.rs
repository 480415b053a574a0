//! Uploads that become runs.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Result, bail, ensure};
use fixtures::world::World;
use serde_json::{Value, json};
use shared::clock::{Clock, SystemClock, later};
use shared::run::state::State;
use shared::spec::catalogue::{RULE, RULE_SIZE};
use shared::store::bucket::{Bucket, Condition};

/// The runs of the last scenario; on a machine that is busy compiling they take minutes.
const ALL_RUNS_WITHIN: Duration = Duration::from_secs(900);

async fn put(world: &World, key: &str, text: impl Into<String>) -> Result<String> {
    Ok(world.bucket.put(key, text.into().into(), Condition::Always).await?)
}

/// What S3 sends for an object of the world's bucket.
fn notification(key: &str, etag: &str) -> Value {
    let key = key.replace('+', "%2B").replace(' ', "+");
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-01-01T00:00:00.000Z",
        "s3": {"bucket": {"name": "bucket"}, "object": {"key": key, "size": 5, "eTag": etag, "sequencer": "0A"}},
    }]})
}

/// What EventBridge sends for the same.
fn eventbridge(key: &str, etag: &str) -> Value {
    json!({
        "source": "aws.s3", "detail-type": "Object Created", "time": "2026-01-01T00:00:01Z",
        "detail": {"bucket": {"name": "bucket"}, "object": {"key": key, "size": 5, "etag": etag, "sequencer": "0A"}},
    })
}

fn rule(task: Value, more: Value) -> String {
    let mut rule = json!({"prefix": "uploads/", "task": task});
    if let (Some(rule), Value::Object(more)) = (rule.as_object_mut(), more) {
        rule.extend(more);
    }
    rule.to_string()
}

fn shell(commands: &[&str]) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands})
}

/// Upload an object, tell of it, and carry what that leads to as far as `submit`; the ids of the runs that have a record.
async fn upload(world: &World, key: &str, text: &str) -> Result<Vec<String>> {
    let etag = put(world, key, text).await?;
    let answer = world.uploaded(&[("event".to_owned(), notification(key, &etag))]).await?;
    ensure!(answer == json!({"batchItemFailures": []}), "{answer}");
    world.deliver().await?;
    Ok(runs(world).into_iter().collect())
}

/// The ids of all runs, active and ended.
fn runs(world: &World) -> BTreeSet<String> {
    let id = |key: String| {
        let active = key.strip_prefix("active/eks-test/").and_then(|file| file.strip_suffix(".json"));
        let ended = key.strip_prefix("runs/").and_then(|rest| rest.strip_suffix("/result.json"));
        active.or(ended).map(str::to_owned)
    };
    world.bucket.keys().into_iter().filter_map(id).collect()
}

/// What the main container of a run has said once it has succeeded.
async fn said(world: &World, run_id: &str) -> Result<String> {
    let result = world.run_to_end(run_id).await?;
    ensure!(result.state == State::Succeeded, "{:?}", result.diagnosis);
    let log = world.bucket.read(&format!("runs/{run_id}/attempts/1/logs/main.log")).unwrap_or_default();
    let log = String::from_utf8(log)?;
    // Each line begins with its time.
    Ok(log.lines().filter_map(|line| line.split_once(' ')).map(|(_, said)| said).collect())
}

fn json_at(world: &World, key: &str) -> Result<Value> {
    let bytes = world.bucket.read(key).ok_or_else(|| anyhow::anyhow!("there is no `{key}`"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// The only rejection.
fn rejection(world: &World) -> Result<Value> {
    let keys: Vec<String> =
        world.bucket.keys().into_iter().filter(|key| key.starts_with("rejected/")).collect();
    let [key] = keys.as_slice() else { bail!("rejections: {keys:?}") };
    json_at(world, key)
}

#[test]
fn the_page_of_triggers_has_every_property_of_a_rule() {
    let page = include_str!("../../docs/TRIGGERS.md");
    for property in RULE.properties().filter(|property| property.name != "size") {
        assert!(page.contains(&format!("| `{}` |", property.name)), "{}", property.name);
    }
    for property in RULE_SIZE.properties() {
        assert!(page.contains(&format!("`size.{}`", property.name)), "{}", property.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_document_in_the_drop_box_runs() -> Result<()> {
    let world = World::new().await?;
    let task = "id: t\ntype: io.kestra.plugin.scripts.shell.Commands\ncommands: ['echo {{ trigger.name }} {{ trigger.size }}']\n";
    let runs = upload(&world, "submissions/my task+1.yaml", task).await?;
    assert_eq!(runs.len(), 1);
    assert!(runs[0].starts_with("my-task-1-"), "{runs:?}");
    assert_eq!(said(&world, &runs[0]).await?, "my task+1.yaml 5");

    let envelope =
        json!({"task": shell(&["echo {{ inputs.word }}"]), "inputs": {"word": "hi"}, "runId": "mine"});
    assert!(
        upload(&world, "submissions/envelope.json", &envelope.to_string())
            .await?
            .contains(&"mine".to_owned())
    );
    assert_eq!(said(&world, "mine").await?, "hi");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_cannot_be_read_is_rejected_with_its_key() -> Result<()> {
    let world = World::new().await?;
    assert!(upload(&world, "submissions/broken.yaml", "id: [").await?.is_empty());
    let rejection = rejection(&world)?;
    assert_eq!(rejection["source"], "s3://bucket/submissions/broken.yaml");
    assert!(rejection["problems"][0]["message"].as_str().unwrap().contains("neither YAML nor JSON"));
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_was_overwritten_is_told_and_the_later_one_runs() -> Result<()> {
    let world = World::new().await?;
    let key = "submissions/task.json";
    let first = put(&world, key, shell(&["echo first"]).to_string()).await?;
    let runs = upload(&world, key, &shell(&["echo second"]).to_string()).await?;
    world.uploaded(&[("late".to_owned(), notification(key, &first))]).await?;
    world.deliver().await?;
    assert!(rejection(&world)?["problems"][0]["message"].as_str().unwrap().contains("overwritten"));
    assert_eq!(said(&world, &runs[0]).await?, "second");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn data_runs_the_task_of_every_rule_that_it_fits() -> Result<()> {
    let world = World::new().await?;
    let csv = rule(
        shell(&["echo {{ trigger.rule }} {{ inputs.name }}"]),
        json!({"suffix": ".csv", "inputs": {"name": "{{ trigger.name }}"}}),
    );
    put(&world, "config/triggers/csv.yaml", csv).await?;
    put(&world, "config/tasks/any.yaml", shell(&["echo {{ trigger.uri }}"]).to_string()).await?;
    put(&world, "config/triggers/any.yaml", rule("config/tasks/any.yaml".into(), json!({}))).await?;
    put(&world, "config/triggers/large.yaml", rule(shell(&["true"]), json!({"size": {"min": "1Ki"}})))
        .await?;
    let runs = upload(&world, "uploads/a.csv", "12345").await?;
    let [any, csv] = runs.as_slice() else { panic!("{runs:?}") };
    assert_eq!(said(&world, any).await?, "s3://bucket/uploads/a.csv");
    assert_eq!(said(&world, csv).await?, "csv a.csv");

    // A rule counts as it is when an upload comes.
    put(&world, "config/tasks/any.yaml", shell(&["echo changed"]).to_string()).await?;
    world.bucket.delete("config/triggers/csv.yaml").await?;
    let more = upload(&world, "uploads/b.csv", "12345").await?;
    let [new] = more.iter().filter(|run| !runs.contains(run)).collect::<Vec<_>>()[..] else {
        panic!("{more:?}")
    };
    assert_eq!(said(&world, new).await?, "changed");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_objects_of_a_manifest_are_the_inputs_of_one_run() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(&["ls"]);
    task["inputFiles"] = "{{ trigger.files }}".into();
    put(
        &world,
        "config/triggers/batch.yaml",
        rule(task, json!({"suffix": ".manifest.json", "per": "batch"})),
    )
    .await?;
    put(&world, "uploads/a.csv", "a").await?;
    put(&world, "uploads/b c.csv", "b").await?;
    let manifest = json!(["uploads/a.csv", "s3://bucket/uploads/b c.csv"]).to_string();
    let runs = upload(&world, "uploads/day.manifest.json", &manifest).await?;
    assert_eq!(runs.len(), 1, "{runs:?}");
    let record = json_at(&world, &format!("active/eks-test/{}.json", runs[0]))?;
    let paths: Vec<&str> = record["plan"]["files"]["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["uploads/a.csv", "uploads/b c.csv"]);

    let before = runs;
    upload(&world, "uploads/bad.manifest.json", r#"["../up", 5]"#).await?;
    let rejection = rejection(&world)?;
    assert_eq!(rejection["problems"].as_array().unwrap().len(), 2, "{rejection}");
    assert_eq!(rejection["source"], "s3://bucket/uploads/bad.manifest.json");
    let refused = runs_since(&world, &before);
    assert_eq!(world.result(&refused[0]).unwrap().state, State::Rejected);
    world.shutdown().await;
    Ok(())
}

fn runs_since(world: &World, before: &[String]) -> Vec<String> {
    runs(world).into_iter().filter(|run| !before.contains(run)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_with_problems_is_told_once_and_the_others_work_on() -> Result<()> {
    let world = World::new().await?;
    put(&world, "config/triggers/good.yaml", rule(shell(&["true"]), json!({}))).await?;
    let mut task = shell(&["echo {{ trigger.nme }}"]);
    task["comands"] = json!([]);
    let bad = json!({"prefix": "runs/", "sufix": ".csv", "per": "day", "task": task});
    put(&world, "config/triggers/bad.yaml", bad.to_string()).await?;
    put(&world, "config/triggers/lost.yaml", rule("config/tasks/none.yaml".into(), json!({}))).await?;
    assert_eq!(upload(&world, "uploads/a.csv", "12345").await?.len(), 1);
    assert_eq!(upload(&world, "uploads/b.csv", "12345").await?.len(), 2);
    let rejected: Vec<String> =
        world.bucket.keys().into_iter().filter(|key| key.starts_with("rejected/trigger-")).collect();
    assert_eq!(rejected.len(), 2, "{rejected:?}");
    let told = json_at(&world, &rejected[0])?;
    assert_eq!(told["source"], "s3://bucket/config/triggers/bad.yaml");
    let pointers: BTreeSet<&str> = told["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|problem| problem["pointer"].as_str().unwrap())
        .collect();
    let expected = ["/per", "/prefix", "/sufix", "/task/comands", "/task/commands/0"];
    assert_eq!(pointers, BTreeSet::from(expected), "{told:#}");
    assert!(
        json_at(&world, &rejected[1])?["problems"][0]["message"]
            .as_str()
            .unwrap()
            .contains("config/tasks/none.yaml")
    );
    let writes =
        world.bucket.writes.lock().unwrap().iter().filter(|key| key.starts_with("rejected/")).count();
    assert_eq!(writes, 2, "each is written once");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_runs_write_leads_to_no_endless_loop() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(&["echo out > out.csv"]);
    task["outputFiles"] = json!(["out.csv"]);
    put(&world, "config/triggers/copy.yaml", rule(task, json!({}))).await?;
    // An output stands where runs write: nobody's data, whatever the event says.
    let first = upload(&world, "uploads/a.csv", "12345").await?;
    let output = world.run_to_end(&first[0]).await?.output_files.remove(0);
    let key = output.uri.trim_start_matches("s3://bucket/");
    world.uploaded(&[("output".to_owned(), notification(key, "1"))]).await?;
    assert_eq!(world.deliver().await?, 0);

    // A copy of an output keeps its mark; the eighth of a chain is refused.
    assert_eq!(shared::files::store::FileStore::hops_of(world.bucket.as_ref(), "bucket", key).await?, 1);
    world.bucket.set_hops("uploads/seventh.csv", 7);
    world.bucket.set_hops("uploads/eighth.csv", 8);
    let seventh = upload(&world, "uploads/seventh.csv", "12345").await?;
    let seventh: Vec<&String> = seventh.iter().filter(|run| !first.contains(run)).collect();
    let output = world.run_to_end(seventh[0]).await?.output_files.remove(0);
    let key = output.uri.trim_start_matches("s3://bucket/");
    assert_eq!(shared::files::store::FileStore::hops_of(world.bucket.as_ref(), "bucket", key).await?, 8);
    upload(&world, "uploads/eighth.csv", "12345").await?;
    assert!(rejection(&world)?["problems"][0]["message"].as_str().unwrap().contains("goes in a circle"));
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_made_by_hand_reads_nothing_that_a_submitter_may_not() -> Result<()> {
    let world = World::new().await?;
    put(&world, "active/eks-test/other.json", "secret").await?;
    let upload = json!({"bucket": "bucket", "key": "active/eks-test/other.json", "size": 6, "eTag": "1", "sequencer": "1", "time": ""});
    let here = json!({"name": "r", "batch": true, "task": {"at": "config/tasks/t.yaml"}});
    let elsewhere = json!({"name": "r", "batch": false, "task": {"at": "active/eks-test/other.json"}});
    let data =
        json!({"bucket": "bucket", "key": "uploads/a", "size": 6, "eTag": "1", "sequencer": "1", "time": ""});
    for (id, upload, rule) in [("a", &upload, Value::Null), ("b", &upload, here), ("c", &data, elsewhere)] {
        let message = json!({"triggered": {"runId": id, "upload": upload, "rule": rule}});
        world.submit(id, &message).await?;
        let rejection = json_at(&world, &format!("rejected/{id}.json"))?;
        assert!(!rejection.to_string().contains("secret"), "{rejection}");
        assert!(rejection["problems"][0]["message"].as_str().unwrap().contains("is no "), "{rejection}");
    }
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_read_is_kept_and_the_test_event_is_not() -> Result<()> {
    let world = World::new().await?;
    let test = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "bucket"});
    let strange = json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]});
    let answer =
        world.uploaded(&[("test".to_owned(), test), ("strange".to_owned(), strange.clone())]).await?;
    assert_eq!(answer, json!({"batchItemFailures": []}));
    let rejection = rejection(&world)?;
    assert_eq!((&rejection["source"], &rejection["body"]), (&json!("sqs:strange"), &strange));
    assert_eq!(world.deliver().await?, 0);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_uploads_are_five_hundred_runs_however_often_and_in_whatever_order_their_events_come()
-> Result<()> {
    const UPLOADS: usize = 500;
    let world = World::new().await?;
    put(&world, "config/triggers/each.yaml", rule(shell(&["true"]), json!({"suffix": ".csv"}))).await?;
    let mut events = Vec::new();
    for number in 0..UPLOADS {
        let key = format!("uploads/part {number}.csv");
        let etag = put(&world, &key, "12345").await?;
        events.extend([notification(&key, &etag), eventbridge(&key, &etag), notification(&key, &etag)]);
    }
    shuffle(&mut events);
    let numbered = events.into_iter().enumerate().map(|(number, event)| (format!("m{number}"), event));
    let messages: Vec<(String, Value)> = numbered.collect();
    for batch in messages.chunks(10) {
        assert_eq!(world.uploaded(batch).await?, json!({"batchItemFailures": []}));
    }
    assert_eq!(world.deliver().await?, 3 * UPLOADS);
    assert_eq!(runs(&world).len(), UPLOADS);

    let give_up = later(SystemClock.now(), ALL_RUNS_WITHIN);
    let ended = || world.bucket.keys().iter().filter(|key| key.ends_with("/result.json")).count();
    while ended() < UPLOADS {
        ensure!(SystemClock.now() < give_up, "{} runs have ended", ended());
        world.poll("eks-test", Duration::from_millis(1200)).await?;
        world.deliver().await?;
    }
    let all = runs(&world);
    assert_eq!(all.len(), UPLOADS);
    for run in &all {
        let result = world.result(run).unwrap();
        assert_eq!((result.state, result.attempt), (State::Succeeded, 1), "{run}: {:?}", result.diagnosis);
    }
    assert!(world.bucket.keys().iter().all(|key| !key.starts_with("rejected/")));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

/// Always the same disorder (Fisher and Yates, with Knuth's constants of MMIX).
fn shuffle<T>(items: &mut [T]) {
    let mut state: u64 = 20_261_121;
    for last in (1..items.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        items.swap(last, (state >> 33) as usize % (last + 1));
    }
}
