//! Whatever comes in by whichever way and cannot be carried out: it is kept, or it has a result, or whoever asks is told; with the place, what was found
//! there, and what is accepted.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use anyhow::Result;
use fixtures::entrances::{Entrances, Function};
use fixtures::queues::Sent;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::state::State;

/// A mistake: what is sent, and the place, the value and a word of what is accepted that the only problem must name.
struct Mistake {
    sent: String,
    pointer: &'static str,
    found: Value,
    accepted: &'static str,
}

fn mistake(sent: impl ToString, pointer: &'static str, found: Value, accepted: &'static str) -> Mistake {
    Mistake { sent: sent.to_string(), pointer, found, accepted }
}

/// What is missing in how the only problem is told.
fn lacks(problems: &Value, mistake: &Mistake) -> Vec<String> {
    let problem = &problems[0];
    let accepted = problem["accepted"].as_str().unwrap_or_default();
    let is_told = problems.as_array().map(Vec::len) == Some(1)
        && problem["pointer"] == mistake.pointer
        && problem["found"] == mistake.found
        && problem["message"].as_str().is_some_and(|words| words.len() > 5)
        && accepted.contains(mistake.accepted)
        && !accepted.is_empty();
    let sent: String = mistake.sent.chars().take(200).collect();
    if is_told { Vec::new() } else { vec![format!("{sent}: {problems}")] }
}

fn shell(more: Value) -> Value {
    let mut task =
        json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["echo hello"]});
    task.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    task
}

fn submissions() -> Vec<Mistake> {
    vec![
        mistake("", "", Value::Null, "a task or a flow"),
        mistake("{\"id\": \"a\",, }", "", Value::Null, "YAML or JSON"),
        mistake("a: [\nb: {", "", Value::Null, "YAML or JSON"),
        mistake("5", "", json!(5), "a task, or a flow"),
        mistake("[]", "", json!([]), "a task, or a flow"),
        mistake("null", "", Value::Null, "a task, or a flow"),
        mistake("x".repeat(4 * 1024 * 1024 + 1), "", Value::Null, "at most 4194304 bytes"),
        mistake(json!({"task": 5}), "/task", json!(5), "a task, or a flow"),
        mistake(
            json!({"task": shell(json!({"type": "no.such.Type"}))}),
            "/task/type",
            json!("no.such.Type"),
            "shell",
        ),
        mistake(json!({"task": shell(json!({"timeout": "soon"}))}), "/task/timeout", json!("soon"), "PT"),
        mistake(json!({"task": shell(json!({"commands": 7}))}), "/task/commands", json!(7), "text"),
        mistake(json!({"task": shell(json!({"comands": []}))}), "/task/comands", Value::Null, "commands"),
        mistake(json!({"task": shell(json!({})), "inputs": []}), "/inputs", json!([]), "map"),
        mistake(json!({"task": shell(json!({})), "runId": "-"}), "/runId", json!("-"), "1 to 128"),
        mistake(json!({"task": shell(json!({})), "formatVersion": 9}), "/formatVersion", json!(9), "1"),
        mistake(
            json!({"task": shell(json!({"commands": ["{{ inputs.none }}"]}))}),
            "/task/commands/0",
            json!("{{ inputs.none }}"),
            "`inputs` is empty",
        ),
    ]
}

#[tokio::test]
async fn a_submission_in_a_message_or_an_invoke_is_kept_with_what_is_wrong() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    let entrances = Entrances::new()?;
    for (number, mistake) in submissions().iter().enumerate() {
        let id = format!("m-{number}");
        assert!(entrances.message(Function::Submit, &id, &mistake.sent).await?, "it comes again");
        let kept = entrances.rejected(&id).unwrap_or_else(|| unreachable!("`{}` is dropped", mistake.sent));
        wrong.extend(lacks(&kept["problems"], mistake));
        assert_eq!(kept["source"], format!("sqs:{id}"));
        let Ok(payload) = serde_json::from_str::<Value>(&mistake.sent) else { continue };
        let id = format!("i-{number}");
        let answer = entrances.invoke(Function::Submit, &id, &payload).await.map_err(anyhow::Error::msg)?;
        assert_eq!(answer["state"], "REJECTED", "{answer}");
        wrong.extend(lacks(&answer["problems"], mistake));
        wrong.extend(lacks(&entrances.rejected(&id).unwrap()["problems"], mistake));
    }
    assert_eq!(entrances.active(), Vec::<String>::new());
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_submission_with_a_run_id_has_a_result_and_a_corrected_one_needs_another_id() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    let entrances = Entrances::new()?;
    let envelope = |task: Value| json!({"task": task, "runId": "mine"}).to_string();
    let first = envelope(shell(json!({"timeout": "soon"})));
    for id in ["m-1", "m-1", "m-2"] {
        assert!(entrances.message(Function::Submit, id, &first).await?);
    }
    let result = entrances.result("mine").unwrap();
    assert_eq!((result.state, result.problems[0].pointer.as_str()), (State::Rejected, "/task/timeout"));
    assert_eq!(result.diagnosis.unwrap().cause, Cause::InvalidSubmission);
    assert!(entrances.rejected("m-2").is_none(), "a second delivery is answered by the result");
    // Not dropped in silence: the result that is there is another document's.
    assert!(entrances.message(Function::Submit, "m-3", &envelope(shell(json!({})))).await?);
    let kept = entrances.rejected("m-3").unwrap();
    wrong.extend(lacks(
        &kept["problems"],
        &mistake("", "/runId", Value::Null, "a run id that was not used before"),
    ));
    assert_eq!(entrances.active(), Vec::<String>::new());
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_request_to_cancel_is_kept_or_answered_with_what_is_wrong() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    let entrances = Entrances::new()?;
    let both = json!({"cancel": {"runId": "r", "selector": "a"}});
    for (number, mistake) in [
        mistake("", "", Value::Null, "\"cancel\""),
        mistake("{ cancel", "", Value::Null, "\"cancel\""),
        mistake("[]", "", Value::Null, "\"cancel\""),
        mistake(json!({"runId": "r"}), "", Value::Null, "\"cancel\""),
        mistake(json!({"cancel": "r"}), "/cancel", json!("r"), "\"runId\""),
        mistake(json!({"cancel": {"runId": 5}}), "/cancel/runId", json!(5), "a text"),
        mistake(json!({"cancel": {"runId": "a/b"}}), "/cancel/runId", json!("a/b"), "1 to 128"),
        mistake(json!({"cancel": {"run": "r", "runId": "r"}}), "/cancel/run", Value::Null, "runId"),
        mistake(json!({"cancel": {"selector": "a b"}}), "/cancel/selector", json!("a b"), "kubectl"),
        mistake(both, "/cancel", Value::Null, "one of"),
        mistake(
            json!({"source": "aws.states", "detail": {"executionArn": "arn:x"}}),
            "/detail/status",
            Value::Null,
            "Status Change",
        ),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("c-{number}");
        assert!(entrances.message(Function::Cancel, &id, &mistake.sent).await?, "it comes again");
        wrong.extend(lacks(&entrances.rejected(&id).unwrap()["problems"], mistake));
        let Ok(payload) = serde_json::from_str::<Value>(&mistake.sent) else { continue };
        let refused = entrances.invoke(Function::Cancel, &id, &payload).await.unwrap_err();
        assert!(refused.contains(mistake.pointer) && refused.contains("accepted: "), "{refused}");
        assert!(refused.contains(mistake.accepted), "{refused}");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_run_that_nobody_knows_is_cancelled_before_it_begins_and_has_no_state_yet() -> Result<()> {
    let entrances = Entrances::new()?;
    let status = |id: &str| json!({"status": {"runId": id}});
    let unknown = entrances.invoke(Function::Submit, "r", &status("unknown")).await;
    assert_eq!(unknown, Ok(json!({"runId": "unknown", "state": null, "ended": false})));
    for mistaken in [
        json!({"status": {}}),
        json!({"status": 5}),
        json!({"status": {"runId": "a", "x": 1}}),
        status("a/b"),
    ] {
        let refused = entrances.invoke(Function::Submit, "r", &mistaken).await.unwrap_err();
        assert!(refused.contains("accepted: "), "{refused}");
    }
    assert!(
        entrances
            .message(Function::Cancel, "c", &json!({"cancel": {"runId": "unknown"}}).to_string())
            .await?
    );
    assert_eq!(entrances.result("unknown").map(|result| result.state), Some(State::Cancelled));
    let selected = json!({"cancel": {"selector": "team=nobody"}});
    let answer = entrances.invoke(Function::Cancel, "r", &selected).await;
    assert_eq!(answer, Ok(json!({"runIds": []})));
    Ok(())
}

#[tokio::test]
async fn an_event_of_an_upload_that_makes_no_sense_is_kept() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    let entrances = Entrances::new()?;
    let record = |s3: Value| json!({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]});
    let bridge =
        |detail: Value| json!({"source": "aws.s3", "detail-type": "Object Created", "detail": detail});
    for (number, mistake) in [
        mistake("", "", Value::Null, "a notification of S3"),
        mistake("{ Records", "", Value::Null, "a notification of S3"),
        mistake(json!({"hello": 1}), "", Value::Null, "a notification of S3"),
        mistake(
            json!({"Records": [{"eventSource": "aws:sns"}]}),
            "/Records/0",
            Value::Null,
            "a notification of S3",
        ),
        mistake(
            record(json!({"bucket": {}, "object": {"key": "submissions/a", "eTag": "e"}})),
            "/Records/0/s3/bucket/name",
            Value::Null,
            "a notification of S3",
        ),
        mistake(
            record(json!({"bucket": {"name": "bucket"}, "object": {"key": "submissions/%FF", "eTag": "e"}})),
            "/Records/0/s3/object/key",
            json!("submissions/%FF"),
            "UTF-8",
        ),
        mistake(
            record(json!({"bucket": {"name": "bucket"}, "object": {"key": "submissions/a"}})),
            "/Records/0/s3/object",
            Value::Null,
            "a notification of S3",
        ),
        mistake(
            bridge(json!({"bucket": {"name": "bucket"}, "object": {"key": 5, "etag": "e"}})),
            "/detail/object/key",
            json!(5),
            "a notification of S3",
        ),
    ]
    .iter()
    .enumerate()
    {
        let id = format!("t-{number}");
        assert!(entrances.message(Function::Trigger, &id, &mistake.sent).await?, "it comes again");
        wrong.extend(lacks(&entrances.rejected(&id).unwrap()["problems"], mistake));
        let Ok(payload) = serde_json::from_str::<Value>(&mistake.sent) else { continue };
        let id = format!("ti-{number}");
        let answer = entrances.invoke(Function::Trigger, &id, &payload).await;
        assert_eq!(answer, Ok(json!({"runIds": []})));
        wrong.extend(lacks(&entrances.rejected(&id).unwrap()["problems"], mistake));
    }
    assert!(entrances.queues.take().is_empty());
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

/// Tell `trigger` of an object, and carry what comes of it to `submit`; the id under which that is kept.
async fn uploaded(entrances: &Entrances, key: &str, size: usize) -> Result<String> {
    let object = json!({"key": key, "size": size, "etag": "", "version-id": "v", "sequencer": "0A"});
    let event = json!({"source": "aws.s3", "detail-type": "Object Created", "time": "t", "detail": {"bucket": {"name": "bucket"}, "object": object}});
    entrances.message(Function::Trigger, "event", &event.to_string()).await?;
    let mut id = String::new();
    for sent in entrances.queues.take() {
        if let Sent::HandIn(triggered) = sent {
            let body = json!({"triggered": triggered}).to_string();
            assert!(entrances.message(Function::Submit, "hand-in", &body).await?, "it comes again");
            id.clone_from(&triggered.run_id);
        }
    }
    Ok(id)
}

#[tokio::test]
async fn a_document_of_the_drop_box_is_kept_with_what_is_wrong() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    let entrances = Entrances::new()?;
    for (number, mistake) in submissions().iter().enumerate() {
        let key = format!("submissions/doc-{number}.yaml");
        entrances.put(&key, &mistake.sent).await?;
        let id = uploaded(&entrances, &key, mistake.sent.len()).await?;
        let kept = entrances.rejected(&id).unwrap_or_else(|| unreachable!("{key} is dropped"));
        wrong.extend(lacks(&kept["problems"], mistake));
        assert_eq!(kept["source"], format!("s3://bucket/{key}"));
    }
    let id = uploaded(&entrances, "submissions/gone.yaml", 5).await?;
    let kept = entrances.rejected(&id).unwrap();
    assert!(kept["problems"][0]["message"].as_str().unwrap().contains("there is no object"), "{kept}");
    assert_eq!(entrances.active(), Vec::<String>::new());
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_rule_with_a_mistake_is_kept_and_what_fits_another_still_runs() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    for mistake in [
        mistake("a: [", "", Value::Null, "YAML or JSON"),
        mistake("[]", "", json!([]), "a map"),
        mistake(json!({"prefix": "uploads/"}), "", Value::Null, "task"),
        mistake(json!({"prefix": "uploads/", "task": 5}), "/task", json!(5), "a task"),
        mistake(json!({"prefix": 5.5, "task": shell(json!({})), "glob": "["}), "/glob", json!("["), "a glob"),
        mistake(json!({"prefix": "runs/", "task": shell(json!({}))}), "/prefix", json!("runs/"), "uploads/"),
        mistake(
            json!({"prefix": "uploads/", "task": shell(json!({"timeout": "soon"}))}),
            "/task/timeout",
            json!("soon"),
            "PT",
        ),
        mistake(
            json!({"prefix": "uploads/", "task": shell(json!({})), "per": "hour"}),
            "/per",
            json!("hour"),
            "object or batch",
        ),
        mistake(
            json!({"prefix": "uploads/", "task": "config/tasks/none.yaml"}),
            "/task",
            Value::Null,
            "below",
        ),
        mistake(format!("# {}", "x".repeat(256 * 1024)), "", Value::Null, "at most 262144 bytes"),
    ] {
        let entrances = Entrances::new()?;
        entrances.put("config/triggers/bad.yaml", &mistake.sent).await?;
        let good = json!({"prefix": "uploads/", "task": shell(json!({}))});
        entrances.put("config/triggers/good.yaml", &good.to_string()).await?;
        entrances.put("uploads/a.csv", "1").await?;
        let run_id = uploaded(&entrances, "uploads/a.csv", 1).await?;
        assert!(run_id.starts_with("good-"), "{run_id}");
        assert_eq!(entrances.active(), [format!("active/eks-test/{run_id}.json")]);
        let keys = entrances.bucket.keys();
        let key =
            keys.iter().find_map(|key| key.strip_prefix("rejected/trigger-bad-")?.strip_suffix(".json"));
        let kept = entrances.rejected(&format!("trigger-bad-{}", key.unwrap())).unwrap();
        wrong.extend(lacks(&kept["problems"], &mistake));
        assert_eq!(kept["source"], "s3://bucket/config/triggers/bad.yaml");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[tokio::test]
async fn a_file_of_clusters_with_a_mistake_is_kept_once_and_holds_up_who_depends_on_it() -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    for mistake in [
        mistake("clusters: [", "", Value::Null, "YAML"),
        mistake(json!({"clusters": []}), "/clusters", json!([]), "map"),
        mistake(
            json!({"clusters": {"a": {"eks": {"name": "x"}, "maxPods": 1}}}),
            "/clusters/a/maxPods",
            Value::Null,
            "maxLivePods",
        ),
    ] {
        let entrances = Entrances::new()?;
        entrances.put("config/clusters.yaml", &mistake.sent).await?;
        let named =
            json!({"task": shell(json!({"workerGroup": {"key": "a"}})), "runId": "named"}).to_string();
        for _ in 0..2 {
            assert!(!entrances.message(Function::Submit, "m", &named).await?, "it waits for the file");
        }
        let kept: Vec<String> =
            entrances.bucket.keys().into_iter().filter(|key| key.starts_with("rejected/")).collect();
        assert_eq!(kept.len(), 1, "{kept:?}");
        let kept: Value = serde_json::from_slice(&entrances.bucket.read(&kept[0]).unwrap())?;
        wrong.extend(lacks(&kept["problems"], &mistake));
        assert_eq!(kept["source"], "s3://bucket/config/clusters.yaml");
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}
