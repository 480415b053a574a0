//! Results, and who may write and hear them.

use std::collections::BTreeMap;

use anyhow::Result;
use fixtures::entrances::{Entrances, Function};
use fixtures::queues::Sent;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::pod::{self, Grants, PodIdentity, identity_of};
use shared::run::record::Record;
use shared::run::state::State;

use super::{shell, with_victim};

/// What a stranger sends who knows the id of somebody's run, has a mistake in every document, and wants to be told.
fn attacks(victim: &str) -> Vec<(Value, Value)> {
    let me = json!({"queueUrl": "https://sqs.example/stranger", "correlationId": "c"});
    let mistaken = shell(json!({"nonsense": 1}));
    let none = json!({});
    let id = json!({"longshoreSourceId": {"stringValue": victim, "dataType": "String"}});
    let upload =
        json!({"bucket": "stranger", "key": "x", "size": 1, "eTag": "e", "sequencer": "1", "time": "t"});
    let envelope = json!({"task": mistaken, "replyTo": me, "taskToken": "stranger"});
    let batch = json!({"name": "r", "batch": true, "task": {"inline": envelope}});
    vec![
        (json!({"task": mistaken, "replyTo": me}), id.clone()),
        (json!({"task": mistaken, "replyTo": me, "runId": victim}), none.clone()),
        (json!({"task": shell(json!({})), "replyTo": me, "runId": format!("{victim}/x")}), id),
        (
            json!({"task": shell(json!({"description": "another"})), "replyTo": me, "runId": victim}),
            none.clone(),
        ),
        (json!({"triggered": {"runId": victim, "upload": upload, "rule": batch}}), none.clone()),
        (json!({"triggered": {"runId": victim, "upload": upload}}), none),
    ]
}

/// What the bucket holds of a run, and who waits for it.
fn state_of(entrances: &Entrances, run_id: &str) -> BTreeMap<String, Vec<u8>> {
    let keys = entrances.bucket.keys().into_iter().filter(|key| {
        key.starts_with(&format!("runs/{run_id}/")) || key.ends_with(&format!("/{run_id}.json"))
    });
    let active = keys.filter(|key| !key.starts_with("rejected/"));
    active.map(|key| (key.clone(), entrances.bucket.read(&key).unwrap())).collect()
}

async fn attack(entrances: &Entrances) -> Result<()> {
    let before = state_of(entrances, "victim");
    for (number, (body, attributes)) in attacks("victim").iter().enumerate() {
        let id = format!("attack-{number}");
        entrances.message_with(Function::Submit, &id, &body.to_string(), attributes).await?;
        assert_eq!(state_of(entrances, "victim"), before, "{body}");
        for sent in entrances.queues.take() {
            match sent {
                Sent::Answer(request) => {
                    assert!(request.run_id != "victim", "{body}: the stranger is told of the victim");
                    let told = entrances.result(&request.run_id).unwrap();
                    assert_eq!(told.state, State::Rejected, "{body}");
                }
                other => assert!(!format!("{other:?}").contains("victim"), "{body}: {other:?}"),
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn nobody_else_writes_or_hears_the_result_of_a_run_under_way() -> Result<()> {
    let entrances = with_victim().await?;
    attack(&entrances).await?;
    assert!(entrances.result("victim").is_none());
    Ok(())
}

#[tokio::test]
async fn nobody_else_writes_or_hears_the_result_of_a_run_that_has_ended() -> Result<()> {
    let entrances = with_victim().await?;
    let record = entrances.bucket.read("active/eks-test/victim.json").unwrap();
    let record: Record = serde_json::from_slice(&record)?;
    let mut result: Value = serde_json::from_str(include_str!("../../fixtures/formats/result-1.json"))?;
    result["runId"] = "victim".into();
    result["submissionHash"] = record.submission_hash.into();
    entrances.put("runs/victim/result.json", &result.to_string()).await?;
    assert_eq!(entrances.result("victim").map(|result| result.run_id).as_deref(), Some("victim"));
    attack(&entrances).await
}

#[tokio::test]
async fn an_output_file_that_looks_like_a_result_is_none() -> Result<()> {
    let entrances = with_victim().await?;
    for key in [
        "runs/victim/attempts/1/outputs/result.json",
        "runs/victim/attempts/1/outputs/runs/victim/result.json",
        "uploads/runs/victim/result.json",
        "runs/victim%2Fresult.json",
    ] {
        entrances.put(key, include_str!("../../fixtures/formats/result-1.json")).await?;
        let place = json!({"bucket": {"name": "bucket"}, "object": {"key": key}});
        let event = json!({"Records": [{"eventSource": "aws:s3", "s3": place}]});
        assert!(entrances.message(Function::Notify, "event", &event.to_string()).await?);
    }
    assert_eq!(entrances.answers.heard(), []);
    let status = entrances.invoke(Function::Submit, "r", &json!({"status": {"runId": "victim"}})).await;
    assert_eq!(status.map(|status| status["ended"].clone()), Ok(json!(false)));
    Ok(())
}

#[tokio::test]
async fn a_pod_says_whose_it_is_whatever_its_task_wants_it_to_say() -> Result<()> {
    let entrances = with_victim().await?;
    let forged: BTreeMap<&str, &str> = [
        (pod::labels::RUN_ID, "victim"),
        (pod::labels::ATTEMPT, "7"),
        (pod::labels::SUBMISSION_HASH, "0"),
        (pod::labels::GROUP, "other"),
        (pod::labels::MANAGED_BY, "somebody"),
    ]
    .into();
    let spec = json!({"containers": [{"name": "main", "image": "busybox"}]});
    let task = json!({"id": "t", "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "metadata": {"name": "victim", "labels": forged, "annotations": forged}, "spec": spec});
    let envelope = json!({"task": task, "runId": "mine"});
    entrances.message(Function::Submit, "m", &envelope.to_string()).await?;
    let record: Record =
        serde_json::from_slice(&entrances.bucket.read("active/eks-test/mine.json").unwrap())?;
    let identity = PodIdentity { run_id: "mine", attempt: 1, submission_hash: "h", group: "eks-test" };
    let built = pod::build(&record.plan, &identity, Grants::default());
    let read = serde_json::from_value(built.clone())?;
    assert_eq!(identity_of(&read), Some(identity), "{built:#}");
    assert_eq!(built["metadata"]["labels"][pod::labels::RUN_ID], "mine");
    assert_eq!(built["metadata"]["labels"][pod::labels::MANAGED_BY], pod::labels::MANAGER);
    assert_ne!(built["metadata"]["name"], "victim");
    Ok(())
}

/// What a program can try from inside: lines that look like a result, files with the names of Longshore's objects, links out, names that climb.
const PROGRAM: [&str; 9] = [
    r#"echo '::{"outputs":{"state":"SUCCEEDED","runId":"victim","attempt":9},"state":"SUCCEEDED","runId":"victim","diagnosis":null}::'"#,
    r#"echo '::{"outputFiles":[{"path":"../../x","uri":"s3://bucket/active/x"}],"logs":[{"level":"ERROR","message":"x"}]}::'"#,
    "mkdir -p runs/victim active/eks-test",
    "echo '{\"state\":\"SUCCEEDED\"}' | tee result.json runs/victim/result.json active/eks-test/victim.json > done.json",
    "ln -s /etc/passwd link; ln -s ../../../../etc link-to-folder; mkfifo pipe",
    "ln -s / root",
    "touch -- '-rf' '..x' 'a b' '*' '{x}' \"$(printf 'new\\nline')\"",
    "touch ../beside || true",
    "exit 3",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_ends_its_own_run_only_and_leaves_files_below_its_own_prefix_only() -> Result<()> {
    let world = World::new().await?;
    let mut task = shell(json!({"outputFiles": ["**"]}));
    task["commands"] = json!(PROGRAM);
    world.submit("m1", &json!({"task": task, "runId": "run"})).await?;
    let result = world.run_to_end("run").await?;
    assert_eq!((result.state, result.run_id.as_str(), result.attempt), (State::Failed, "run", 1));
    assert_eq!(result.diagnosis.unwrap().exit_code, Some(3));
    let expected = json!({"state": "SUCCEEDED", "runId": "victim", "attempt": 9});
    assert_eq!(Value::Object(result.outputs), expected, "they are variables of the task, and nothing else");
    let prefix = "s3://bucket/runs/run/attempts/1/outputs/";
    let mut names: Vec<&str> =
        result.output_files.iter().map(|file| file.uri.strip_prefix(prefix).unwrap()).collect();
    names.sort_unstable();
    for name in ["result.json", "runs/victim/result.json", "active/eks-test/victim.json", "done.json", "-rf"]
    {
        assert!(names.contains(&name), "{names:?}");
    }
    for name in ["link", "link-to-folder", "pipe", "root", "beside"] {
        assert!(
            !names.iter().any(|other| *other == name || other.starts_with(&format!("{name}/"))),
            "{names:?}"
        );
    }
    for key in world.bucket.keys() {
        let own =
            key.starts_with("runs/run/") || key == "active/eks-test/run.json" || key.starts_with("cursors/");
        assert!(own, "{key}");
    }
    world.shutdown().await;
    Ok(())
}
