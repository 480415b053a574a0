//! What the deployed functions write, with everything switched on that they can say.

use std::hash::{BuildHasher, RandomState};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use shared::run::state::State;

use crate::ground::lacks;
use crate::stack::Stack;
use crate::tasks::{Document, endless, shell};
use crate::wait::SOON;
use crate::{pods, wait};

/// Letters of a canary that base64, URLs and JSON leave as they are when they are found in full; its beginning says whose it is.
fn canary(name: &str) -> String {
    format!("canary{name}{:016x}", RandomState::new().hash_one(name))
}

/// The forms in which a canary may have been written: as it is, and inside of base64 at each of the three places where it can begin.
fn forms(canary: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let inside = [(0, 0), (1, 2), (2, 3)].map(|(before, skipped)| {
        let encoded = STANDARD.encode(format!("{}{canary}", "x".repeat(before)));
        let end = encoded.trim_end_matches('=').len() - 2;
        encoded.get(skipped..end).unwrap_or_default().to_owned()
    });
    inside.into_iter().chain([canary.to_owned()]).collect()
}

fn assert_silent(bytes: &[u8], canaries: &[String], place: &str) {
    let text = String::from_utf8_lossy(bytes);
    for form in canaries.iter().flat_map(|canary| forms(canary).into_iter().map(move |form| (canary, form))) {
        if let Some(at) = text.find(&form.1) {
            let from = text.floor_char_boundary(at.saturating_sub(300));
            assert_eq!(text.get(from..at), None, "{place} tells `{}`", form.0);
        }
    }
}

#[tokio::test]
async fn functions_that_tell_all_they_can_tell_no_secret() -> Result<()> {
    if lacks("a stack whose functions trace") {
        return Ok(());
    }
    let stack = Stack::own("secrets").await?;
    let endpoints = &stack.endpoints;
    for function in [
        &endpoints.submit_function,
        &endpoints.poll_function,
        &endpoints.collect_function,
        &endpoints.cancel_function,
        &endpoints.notify_function,
        &endpoints.trigger_function,
    ] {
        stack.cloud.set_variable(function, "LONGSHORE_LOG", "trace").await?;
    }
    let [token, kept, password, variable, waiting, correlation] =
        ["token", "kept", "password", "variable", "waiting", "correlation"].map(canary);
    let arn = stack.cloud.secret("k8s", &json!({"token": kept}).to_string()).await?;
    let url = endpoints.cluster_url.clone().context("an embedded cluster")?;
    let runner = |config: Value| {
        json!({"taskRunner": {"type": "io.kestra.plugin.kubernetes.runner.Kubernetes", "config": config},
            "env": {"VARIABLE": variable}})
    };
    let plain = json!({"env": {"VARIABLE": variable}});
    let connection = |more: Value| {
        let mut connection = json!({"masterUrl": url, "trustCerts": true});
        connection
            .as_object_mut()
            .into_iter()
            .for_each(|all| all.extend(more.as_object().cloned().unwrap_or_default()));
        connection
    };
    let basic = connection(json!({"username": "u", "password": password}));
    let mut mistaken =
        shell("mistaken", &["true"], runner(connection(json!({"oauthToken": token, "tokn": token}))));
    mistaken["env"]["LIST"] = json!([variable]);
    let answers = stack.cloud.queue("answers").await?;
    let runs = [
        (
            "inline",
            shell("inline", &["true"], runner(connection(json!({"oauthToken": token})))),
            State::Failed,
        ),
        (
            "reference",
            shell("reference", &["true"], runner(connection(json!({"oauthToken": format!("{arn}#token")})))),
            State::Failed,
        ),
        ("basic", shell("basic", &["true"], runner(basic)), State::Failed),
        ("succeeding", shell("succeeding", &["echo hello"], plain.clone()), State::Succeeded),
        ("failing", shell("failing", &["echo hello; exit 3"], plain.clone()), State::Failed),
        ("cancelled", endless("cancelled", plain), State::Cancelled),
        ("mistaken", mistaken.clone(), State::Rejected),
    ];
    for (run_id, task, _) in &runs {
        let reply = json!({"queueUrl": answers, "correlationId": correlation});
        let envelope = json!({"task": task, "runId": run_id, "taskToken": waiting, "replyTo": reply});
        stack.cloud.send(&endpoints.submissions_queue, &envelope.to_string()).await?;
    }
    // What makes no sense where it arrives, to every queue that others may write to.
    let garbage = format!("{{\"oauthToken\": \"{token}\", \"password\": \"{password}\"");
    for queue in [&endpoints.submissions_queue, &endpoints.cancel_queue, &endpoints.uploads_queue] {
        stack.cloud.send(queue, &garbage).await?;
    }
    stack.cloud.put("submissions/mistaken.json", mistaken.to_string()).await?;
    pods::running(&stack, "cancelled").await?;
    stack.longshore(&["cancel", "cancelled"]).await?;
    for (run_id, _, state) in &runs {
        let what = format!("the end of `{run_id}`");
        let result = wait::until(&what, SOON, || stack.cloud.result(run_id)).await?;
        assert_eq!(result.state, *state, "{run_id}: {:?}", result.diagnosis);
    }
    // A cluster that refuses the connection cannot be asked for pods that may be left: those records stay (SECURITY.md), and nothing else tells.
    let stays = |key: &String| {
        ["inline", "reference", "basic"].iter().any(|id| key.ends_with(&format!("/{id}.json")))
    };
    wait::until("the removal of the records", SOON, || async {
        Ok(stack.cloud.keys("active/").await?.iter().all(stays).then_some(()))
    })
    .await?;

    let canaries = [token, kept, password, variable, waiting, correlation];
    // A document that was dropped stays as its author wrote it, until the author or the bucket's lifecycle removes it.
    let is_kept =
        |key: &String| key.starts_with("submissions/") || (key.starts_with("active/") && stays(key));
    for key in stack.cloud.keys("").await?.iter().filter(|key| !is_kept(key)) {
        let object = stack.cloud.object(key).await?.unwrap_or_default();
        assert_silent(&object, &canaries, key);
    }
    let log = std::fs::read(stack.state_directory().join("emulator.log"))?;
    let text = String::from_utf8_lossy(&log);
    assert!(
        text.contains("the pod is created") && text.contains(r#""level":"DEBUG""#),
        "the functions were heard"
    );
    assert_silent(&log, &canaries, "the log of the functions, with their metrics");
    for queue in [&endpoints.submissions_queue, &endpoints.collect_queue, &endpoints.cancel_queue] {
        for letter in stack.cloud.receive(&stack.cloud.dead_letters(queue).await?).await? {
            assert_silent(letter.as_bytes(), &canaries, "a dead letter");
        }
    }
    for (run_id, task, _) in &runs {
        let document = Document::of(task)?;
        let file = document.file.to_string_lossy().into_owned();
        for arguments in [
            vec!["render", &file, "--use-connection"],
            vec!["render", &file, "--use-connection", "--explain"],
            vec!["status", run_id],
            vec!["status", run_id, "--json"],
            vec!["logs", run_id],
        ] {
            let outcome = stack.longshore(&arguments).await?;
            // The value of a plain variable is part of the pod that is rendered.
            let shown = if arguments.contains(&"render") { &canaries[..3] } else { &canaries[..] };
            let said = format!("{}{}", outcome.said, outcome.complained);
            assert_silent(said.as_bytes(), shown, &format!("`longshore {}`", arguments.join(" ")));
        }
    }
    Ok(())
}
