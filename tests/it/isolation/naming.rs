//! Names that become keys of the bucket.

use anyhow::Result;
use fixtures::entrances::Function;
use serde_json::{Value, json};

use super::{shell, with_victim};

/// Ids that would lead out of a run's own prefix.
const BAD: [&str; 10] = [
    "",
    "..",
    "../victim",
    "a/b",
    "victim/attempts/1/outputs",
    "victim/",
    "/victim",
    "..%2Fvictim",
    "victim\n",
    "a\u{0}b",
];

#[tokio::test]
async fn no_run_id_leads_out_of_the_prefix_of_its_run_by_whichever_way_it_comes() -> Result<()> {
    let entrances = with_victim().await?;
    // An output file that looks like a result.
    entrances.put("runs/victim/attempts/1/outputs/result.json", r#"{"state": "SUCCEEDED"}"#).await?;
    let before = entrances.bucket.keys();
    let upload = json!({"bucket": "bucket", "key": "uploads/a.csv", "size": 1, "eTag": "e", "sequencer": "1", "time": "t"});
    for (number, bad) in BAD.iter().enumerate() {
        let rule = json!({"name": "r", "batch": false, "task": {"inline": shell(json!({}))}});
        let messages = [
            (Function::Submit, json!({"task": shell(json!({})), "runId": bad})),
            (Function::Submit, json!({"triggered": {"runId": bad, "upload": upload, "rule": rule}})),
            (Function::Submit, json!({"continue": {"group": "eks-test", "runId": bad}})),
            (Function::Cancel, json!({"cancel": {"runId": bad}})),
        ];
        for (way, (function, message)) in messages.iter().enumerate() {
            let id = format!("m-{number}-{way}");
            assert!(entrances.message(*function, &id, &message.to_string()).await?, "{message}");
            let kept = entrances.rejected(&id).unwrap();
            let problem = &kept["problems"][0];
            assert!(problem["pointer"].as_str().unwrap().ends_with("/runId"), "{kept}");
            assert!(problem["accepted"].as_str().unwrap().contains("1 to 128"), "{kept}");
        }
        for (function, question) in [
            (Function::Submit, json!({"status": {"runId": bad}})),
            (Function::Cancel, json!({"cancel": {"runId": bad}})),
        ] {
            let refused = entrances.invoke(function, "request", &question).await.unwrap_err();
            assert!(refused.contains("/runId") && refused.contains("1 to 128"), "{refused}");
        }
        // The id that a redriven message had at first is taken only if it can be one.
        let attribute = json!({"longshoreSourceId": {"stringValue": bad, "dataType": "String"}});
        let id = format!("redriven-{number}");
        entrances.message_with(Function::Submit, &id, "nonsense", &attribute).await?;
        assert!(entrances.rejected(&id).is_some(), "{bad}");
    }
    let new = entrances.bucket.keys().into_iter().filter(|key| !before.contains(key));
    let elsewhere: Vec<String> = new
        .filter(|key| {
            let plain = key.strip_prefix("rejected/").is_some_and(|name| !name.contains('/'));
            !plain || key.contains("..")
        })
        .collect();
    assert_eq!(elsewhere, Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_continue_for_another_group_finds_no_other_object() -> Result<()> {
    let entrances = with_victim().await?;
    for group in ["../active/eks-test", "eks-test/..", "eks-test/x"] {
        let message = json!({"continue": {"group": group, "runId": "victim"}});
        assert!(entrances.message(Function::Submit, "m", &message.to_string()).await?);
    }
    assert_eq!(entrances.active(), ["active/eks-test/victim.json"]);
    Ok(())
}

#[tokio::test]
async fn no_name_of_a_file_leads_out_of_the_working_directory() -> Result<()> {
    let entrances = with_victim().await?;
    for (number, name) in ["../x", "/etc/passwd", "a/../../x", "..", "a\nb", "a\u{0}b", ""].iter().enumerate()
    {
        for (way, task) in [
            ("in", shell(json!({"inputFiles": {*name: "x"}}))),
            ("in-rendered", shell(json!({"inputFiles": "{{ inputs.files }}"}))),
            ("out", shell(json!({"outputFiles": [name]}))),
        ] {
            // A glob with a line break or NUL fits no name that is taken.
            if way == "out" && name.contains(['\n', '\0', 'p']) {
                continue;
            }
            let id = format!("{way}-{number}");
            let inputs = json!({"files": Value::from(json!({*name: "x"}).to_string())});
            let envelope = json!({"task": task, "inputs": inputs});
            entrances.message(Function::Submit, &id, &envelope.to_string()).await?;
            let kept = entrances.rejected(&id);
            assert!(kept.is_some(), "{way} `{name}` is taken");
        }
    }
    assert_eq!(entrances.active(), ["active/eks-test/victim.json"]);
    Ok(())
}
