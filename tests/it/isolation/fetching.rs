//! What the functions fetch on somebody's word.

use std::sync::PoisonError;

use anyhow::Result;
use fixtures::entrances::{Entrances, Function};
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::store::allowed::Allowed;

use super::{shell, with_victim};

/// Everything that is not for tasks: other buckets, and what Longshore keeps in its own.
const OUT_OF_REACH: [&str; 15] = [
    "s3://stranger/data.csv",
    "s3://bucket/active/eks-test/victim.json",
    "s3://bucket/runs/victim/inputs/manifest.txt",
    "s3://bucket/runs/victim/inputs/-/0",
    "s3://bucket/runs/victim/inputs/grants-1.json",
    "s3://bucket/config/clusters.yaml.old",
    "s3://bucket/submissions/somebody.yaml",
    "s3://bucket/rejected/somebody.json",
    "s3://bucket/cursors/eks-test/default.json",
    "s3://bucket/cache/0a.json",
    "s3://bucket/cancelled/0a.json",
    "s3://bucket/heartbeats/eks-test/victim",
    "s3://bucket/waiting/eks-test/default/0-victim",
    "s3://bucket/uploads/../active/eks-test/victim.json",
    "s3://bucket/./active/eks-test/victim.json",
];

/// Why a run that was submitted has failed.
fn refusal(entrances: &Entrances, run_id: &str) -> (Cause, String) {
    let diagnosis = entrances.result(run_id).and_then(|result| result.diagnosis).unwrap();
    (diagnosis.cause, diagnosis.message)
}

/// Nobody was asked for the object.
fn assert_not_asked(entrances: &Entrances, address: &str) {
    let asked = entrances.bucket.heads.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(!asked.iter().any(|asked| asked == address), "{address}: {asked:?}");
}

#[tokio::test]
async fn an_input_file_may_be_data_or_what_a_run_brought_back_and_nothing_else() -> Result<()> {
    let entrances = with_victim().await?;
    for (number, address) in OUT_OF_REACH.iter().enumerate() {
        for (way, task, inputs) in [
            ("written", shell(json!({"inputFiles": {"x": address}})), json!({})),
            ("rendered", shell(json!({"inputFiles": {"x": "{{ inputs.x }}"}})), json!({"x": address})),
            (
                "cached",
                shell(json!({"inputFiles": {"x": address}, "taskCache": {"enabled": true}})),
                json!({}),
            ),
        ] {
            let run_id = format!("{way}-{number}");
            let envelope = json!({"task": task, "inputs": inputs, "runId": run_id});
            entrances.message(Function::Submit, &run_id, &envelope.to_string()).await?;
            let (cause, message) = refusal(&entrances, &run_id);
            assert_eq!(cause, Cause::InputMissing, "{address}");
            assert!(message.contains(&format!("`{address}` may not be used: ")), "{message}");
            assert_not_asked(&entrances, address);
        }
    }
    for (number, key) in
        ["uploads/a.csv", "runs/victim/attempts/1/outputs/a.csv", "runs/victim/inputs/data/a.csv"]
            .iter()
            .enumerate()
    {
        let run_id = format!("good-{number}");
        let envelope = json!({"task": shell(json!({"inputFiles": {"x": format!("s3://bucket/{key}")}})), "runId": run_id});
        entrances.message(Function::Submit, &run_id, &envelope.to_string()).await?;
        assert!(entrances.active().contains(&format!("active/eks-test/{run_id}.json")), "{key}");
        assert!(entrances.result(&run_id).is_none(), "{key}");
    }
    Ok(())
}

#[tokio::test]
async fn objects_of_other_buckets_are_asked_for_only_where_the_deployment_names_them() -> Result<()> {
    let mut entrances = with_victim().await?;
    entrances.environment.config.input_objects = Allowed::of("arn:aws:s3:::data/in/*");
    for (run_id, address, words) in [
        ("named", "s3://data/in/a.csv", "there is no object `in/a.csv` in bucket `data`"),
        ("beside", "s3://data/out/a.csv", "`InputObjects`"),
        ("other", "s3://data2/in/a.csv", "`InputObjects`"),
    ] {
        let envelope = json!({"task": shell(json!({"inputFiles": {"x": address}})), "runId": run_id});
        entrances.message(Function::Submit, run_id, &envelope.to_string()).await?;
        let (cause, message) = refusal(&entrances, run_id);
        assert!(cause == Cause::InputMissing && message.contains(words), "{message}");
    }
    Ok(())
}

/// An upload that a rule takes for a manifest, and the runs that it becomes.
async fn manifest(entrances: &Entrances, bucket: &str, lines: &str) -> Result<Vec<String>> {
    entrances.put("uploads/list.txt", lines).await?;
    let task = shell(json!({"inputFiles": "{{ trigger.files }}"}));
    let rule = json!({"bucket": bucket, "prefix": "uploads/", "per": "batch", "task": task});
    entrances.put("config/triggers/batch.yaml", &rule.to_string()).await?;
    let etag = lines.len().to_string();
    let object =
        json!({"key": "uploads/list.txt", "size": 5, "etag": "", "version-id": etag, "sequencer": "0A"});
    let event = json!({"source": "aws.s3", "detail-type": "Object Created", "time": "t", "detail": {"bucket": {"name": bucket}, "object": object}});
    let answer = entrances.invoke(Function::Trigger, "event", &event).await.map_err(anyhow::Error::msg)?;
    let mut runs = Vec::new();
    for sent in entrances.queues.take() {
        if let fixtures::queues::Sent::HandIn(triggered) = sent {
            entrances
                .message(Function::Submit, &triggered.run_id, &json!({"triggered": triggered}).to_string())
                .await?;
            runs.push(triggered.run_id.clone());
        }
    }
    assert_eq!(answer, json!({"runIds": runs}));
    Ok(runs)
}

#[tokio::test]
async fn a_manifest_gives_its_author_no_more_than_a_task_would() -> Result<()> {
    for address in OUT_OF_REACH.iter().filter(|address| !address.contains("/.")) {
        let entrances = with_victim().await?;
        let runs = manifest(&entrances, "bucket", address).await?;
        let (cause, message) = refusal(&entrances, &runs[0]);
        assert_eq!(cause, Cause::InputMissing, "{address}");
        assert!(message.contains(&format!("`{address}` may not be used: ")), "{message}");
        assert_not_asked(&entrances, address);
    }
    // one with dots cannot even be the name of a file
    let entrances = with_victim().await?;
    let runs = manifest(&entrances, "bucket", "uploads/../active/eks-test/victim.json").await?;
    assert_eq!(refusal(&entrances, &runs[0]).0, Cause::InvalidSubmission);
    // a manifest in a bucket that the deployment does not name is not read
    let entrances = with_victim().await?;
    let runs = manifest(&entrances, "stranger", "a.csv").await?;
    let (cause, message) = refusal(&entrances, &runs[0]);
    assert!(cause == Cause::InvalidSubmission && message.contains("`InputObjects`"), "{message}");
    Ok(())
}

#[tokio::test]
async fn a_hand_in_that_a_sender_made_up_reads_nothing_that_is_no_document_or_data() -> Result<()> {
    let entrances = with_victim().await?;
    let upload = |bucket: &str, key: &str| json!({"bucket": bucket, "key": key, "size": 1, "eTag": "", "versionId": null, "sequencer": "1", "time": "t"});
    for (number, (bucket, key)) in [
        ("bucket", "active/eks-test/victim.json"),
        ("bucket", "config/clusters.yaml.old"),
        ("stranger", "submissions/x.yaml"),
    ]
    .iter()
    .enumerate()
    {
        for (way, rule) in [
            ("document", Value::Null),
            ("data", json!({"name": "r", "batch": true, "task": {"inline": shell(json!({}))}})),
            ("task", json!({"name": "r", "batch": false, "task": {"at": key}})),
        ] {
            let id = format!("{way}-{number}");
            let mut triggered = json!({"runId": id, "upload": upload(bucket, key)});
            if !rule.is_null() {
                triggered["rule"] = rule;
            }
            entrances.message(Function::Submit, "m", &json!({"triggered": triggered}).to_string()).await?;
            let kept = entrances.rejected(&id).unwrap();
            assert!(!kept["problems"].as_array().unwrap().is_empty(), "{kept}");
            assert!(!kept.to_string().contains("a: 1") && !kept.to_string().contains("token"), "{kept}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn pod_templates_and_shared_files_come_from_their_own_folders() -> Result<()> {
    let entrances = with_victim().await?;
    for (number, address) in [
        "s3://stranger/config/templates/pod.yaml",
        "active/eks-test/victim.json",
        "s3://bucket/config/clusters.yaml.old",
        "config/templates/../clusters.yaml.old",
    ]
    .iter()
    .enumerate()
    {
        for argument in ["podTemplate", "pod_template_file"] {
            let task = json!({"executor": "KubernetesExecutor", "task_id": "t", argument: address, "arguments": ["x"]});
            let id = format!("{argument}-{number}");
            entrances.message(Function::Submit, &id, &task.to_string()).await?;
            let kept = entrances.rejected(&id).unwrap();
            let problems = kept["problems"].to_string();
            assert!(
                problems.contains(argument) || problems.contains("pod template"),
                "{address}: {problems}"
            );
        }
    }
    for (number, namespace) in ["../../active", "a/../b", "", "..", "a/b"].iter().enumerate() {
        for (way, task) in [
            ("named", shell(json!({"namespaceFiles": {"namespaces": [namespace]}}))),
            ("rendered", shell(json!({"namespaceFiles": {"namespaces": ["{{ inputs.x }}"]}}))),
            (
                "of-the-flow",
                json!({"id": "f", "namespace": namespace, "tasks": [shell(json!({"namespaceFiles": {"enabled": true}}))]}),
            ),
        ] {
            let id = format!("{way}-{number}");
            let envelope = json!({"task": task, "inputs": {"x": namespace}});
            entrances.message(Function::Submit, &id, &envelope.to_string()).await?;
            assert!(entrances.rejected(&id).is_some(), "{way} `{namespace}`: {:?}", entrances.bucket.keys());
        }
    }
    assert_eq!(entrances.active(), ["active/eks-test/victim.json"]);
    Ok(())
}
