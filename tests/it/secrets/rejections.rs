//! Submissions, requests and rules that are refused: what is kept of them, and what is said.

use anyhow::Result;
use fixtures::entrances::{Entrances, Function};
use serde_json::{Value, json};
use shared::run::answer;

use super::canary::{Canary, assert_silent};
use super::places::submissions;

/// An envelope, broken in some way, as it is sent.
fn broken(envelope: &Value, way: usize) -> Option<String> {
    let mut envelope = envelope.clone();
    envelope["runId"] = format!("{}-{way}", envelope["runId"].as_str().unwrap()).into();
    let unknown = |envelope: &mut Value| envelope["task"]["nonsense"] = json!(1);
    match way {
        0 => unknown(&mut envelope),
        // of another type, in the places themselves
        1 => {
            for value in envelope["task"]["connection"].as_object_mut().unwrap().values_mut() {
                *value = json!([value.clone()]);
            }
            let token = envelope["taskToken"].clone();
            envelope["taskToken"] = json!({"a": token});
            let variable = &mut envelope["task"]["spec"]["containers"][0]["env"];
            variable[0]["value"] = json!([variable[0]["value"].clone()]);
        }
        // in another place, with another name, in a map in place of a list
        2 => {
            let connection = envelope["task"]["connection"].take();
            envelope["task"]["connections"] = connection;
            let variable = envelope["task"]["spec"]["containers"][0]["env"][0]["value"].clone();
            envelope["task"]["spec"]["containers"][0]["env"] = json!({"VARIABLE": variable});
            let token = envelope["taskToken"].clone();
            envelope["task_token"] = token;
        }
        // too long, with templates that fail
        3 => {
            let token = envelope["taskToken"].as_str().unwrap().repeat(60);
            envelope["taskToken"] = token.into();
            let connection = envelope["task"]["connection"].as_object_mut().unwrap();
            for (_, value) in connection.iter_mut().filter(|(name, _)| *name != "masterUrl") {
                *value = format!("{}{{{{ inputs.none }}}}", value.as_str().unwrap()).into();
            }
            let variable = &mut envelope["task"]["spec"]["containers"][0]["env"][0]["value"];
            *variable = format!("{}{{{{ inputs.none", variable.as_str().unwrap()).into();
        }
        // the document as a text, good YAML with a mistake in it
        4 => {
            unknown(&mut envelope);
            let task = envelope["task"].to_string();
            envelope["task"] = task.into();
        }
        // the document as a text that is no YAML
        5 => {
            let task = format!("{}\nx: [", serde_json::to_string_pretty(&envelope["task"]).unwrap());
            envelope["task"] = task.into();
        }
        // no JSON and no YAML, in one line and in many
        6 => return Some(format!("{envelope}, ]")),
        7 => return Some(format!("{}\n], x: [", serde_json::to_string_pretty(&envelope).unwrap())),
        // a text that is a document
        8 => return Some(Value::from(envelope.to_string()).to_string()),
        // what is for somebody else
        9 => return Some(json!({"cancel": envelope}).to_string()),
        10 => return Some(json!({"triggered": envelope}).to_string()),
        11 => return Some(json!([envelope]).to_string()),
        _ => return None,
    }
    Some(envelope.to_string())
}

#[tokio::test]
async fn what_is_refused_is_kept_and_told_without_its_secrets() -> Result<()> {
    let entrances = Entrances::new()?;
    let mut all: Vec<Canary> = Vec::new();
    let mut count = 0;
    for submission in submissions("refused", "true") {
        all.extend(submission.canaries());
        for way in 0.. {
            let Some(body) = broken(&submission.envelope, way) else { break };
            assert!(entrances.message(Function::Submit, &format!("w-{count}"), &body).await?, "way {way}");
            let key = format!("rejected/w-{count}.json");
            assert!(entrances.bucket.read(&key).is_some(), "way {way} is dropped: {body}");
            assert!(entrances.message(Function::Cancel, &format!("c-{count}"), &body).await?, "way {way}");
            assert!(entrances.message(Function::Trigger, &format!("t-{count}"), &body).await?, "way {way}");
            let payload = serde_json::from_str(&body).unwrap_or_else(|_| Value::from(body.as_str()));
            for function in [Function::Submit, Function::Cancel, Function::Trigger] {
                let answer = entrances.invoke(function, &format!("i-{count}"), &payload).await;
                let place = format!("the answer of {function:?} to an invoke, way {way}");
                assert_silent(&format!("{answer:?}"), &all, &place);
            }
            // `notify` is woken by Longshore and the bucket only; whatever comes is not told in its error.
            entrances.message(Function::Notify, "n", &body).await?;
            count += 1;
        }
    }
    assert_eq!(count, 24);
    assert_eq!(entrances.active(), Vec::<String>::new());
    for key in entrances.bucket.keys() {
        let text = entrances.bucket.read(&key).unwrap();
        assert_silent(&String::from_utf8_lossy(&text), &all, &key);
        if key.ends_with("/result.json") {
            let result = serde_json::from_slice(&text)?;
            assert_silent(&answer::message(&result, "uri"), &all, "the answer of a rejection");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_file_of_clusters_with_a_mistake_is_kept_without_its_secrets() -> Result<()> {
    let canaries = [Canary::new("Connection.oauthToken"), Canary::new("Connection.password")];
    let [token, password] = canaries.each_ref().map(|canary| Value::from(canary.value.as_str()));
    let mistaken = [
        json!({"masterUrl": "https://a", "oauthToken": token, "pasword": password}),
        json!({"masterUrl": "https://a", "oauthToken": [token], "password": {"a": password}}),
    ];
    for connection in mistaken {
        let clusters = json!({"clusters": {"a": {"connection": connection}}});
        for text in [clusters.to_string(), serde_json::to_string_pretty(&clusters)? + "\n]"] {
            let entrances = Entrances::new()?;
            entrances.put("config/clusters.yaml", &text).await?;
            let task = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"], "workerGroup": {"key": "a"}});
            entrances.message(Function::Submit, "m", &task.to_string()).await?;
            let keys = entrances.bucket.keys();
            let key = keys.iter().find(|key| key.starts_with("rejected/clusters-")).unwrap();
            assert_silent(&String::from_utf8(entrances.bucket.read(key).unwrap())?, &canaries, key);
        }
    }
    Ok(())
}
