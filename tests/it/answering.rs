//! Whoever asked is told, once, whatever happens in between.

use std::time::Duration;

use anyhow::Result;
use fixtures::answers::Heard;
use fixtures::queues::Sent;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::answer::Reply;
use shared::run::state::State;

fn shell(commands: &[&str]) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands})
}

fn token(token: &str) -> Value {
    json!({"task": shell(&["echo hello", r#"echo '::{"outputs":{"rows":3}}::'"#]), "runId": "run", "taskToken": token})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_waits_gets_outputs_and_files_and_nobody_sees_its_token() -> Result<()> {
    let world = World::new().await?;
    let mut envelope = token("AAA-secret");
    envelope["task"]["commands"] = json!(["env", "echo x > a.txt", r#"echo '::{"outputs":{"rows":3}}::'"#]);
    envelope["task"]["outputFiles"] = json!(["a.txt"]);
    world.submit("m1", &envelope).await?;
    let pods = world.client.list("default", None, None).await?.pods;
    assert!(!serde_json::to_string(&pods)?.contains("AAA-secret"));
    world.run_to_end("run").await?;
    world.deliver().await?;
    assert_eq!(world.deliver_events().await?, 0);
    let replies = world.answers.replies("AAA-secret");
    let [Reply::Success(output)] = replies.as_slice() else { panic!("{replies:?}") };
    let output: Value = serde_json::from_str(output)?;
    assert_eq!((&output["state"], &output["outputs"]["rows"]), (&json!("SUCCEEDED"), &json!(3)));
    assert_eq!(output["outputFiles"][0]["uri"], "s3://bucket/runs/run/attempts/1/outputs/a.txt");
    // Only the record knows the token; and the event has none.
    for key in world.bucket.keys().iter().filter(|key| !key.starts_with("active/")) {
        assert!(!String::from_utf8_lossy(&world.bucket.read(key).unwrap()).contains("AAA-secret"), "{key}");
    }
    let events: Vec<_> =
        world.answers.heard().into_iter().filter(|heard| matches!(heard, Heard::Event(_))).collect();
    let [Heard::Event(detail)] = events.as_slice() else { panic!("{events:?}") };
    assert!(detail.contains(r#""state":"SUCCEEDED""#) && !detail.contains("AAA-secret"), "{detail}");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_result_that_is_told_of_twice_is_answered_once() -> Result<()> {
    let world = World::new().await?;
    let mut envelope = token("AAA");
    envelope["replyTo"] = json!({"queueUrl": "https://queue", "correlationId": "c-7"});
    world.submit("m1", &envelope).await?;
    world.submit("m1", &envelope).await?;
    world.run_to_end("run").await?;
    world.deliver().await?;
    world.notify(&json!({"answer": {"runId": "run"}})).await?;
    world
        .submit("m2", &json!({"task": envelope["task"], "runId": "run", "replyTo": envelope["replyTo"]}))
        .await?;
    world.deliver().await?;
    assert_eq!(world.answers.replies("AAA").len(), 1);
    let messages: Vec<_> = world
        .answers
        .heard()
        .into_iter()
        .filter_map(|heard| if let Heard::Message(message) = heard { Some(message) } else { None })
        .collect();
    assert_eq!(messages.len(), 1, "{messages:?}");
    assert_eq!(
        (messages[0].queue_url.as_str(), messages[0].correlation_id.as_deref()),
        ("https://queue", Some("c-7"))
    );
    let body: Value = serde_json::from_str(&messages[0].body)?;
    assert_eq!((&body["runId"], &body["outputs"]["rows"]), (&json!("run"), &json!(3)));
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_asked_for_an_answer_asks_nobody_and_what_was_lost_is_asked_again() -> Result<()> {
    let world = World::new().await?;
    let is_answer = |sent: &Sent| matches!(sent, Sent::Answer(_));
    world.submit("m1", &json!({"task": shell(&["true"]), "runId": "plain"})).await?;
    world.run_to_end("plain").await?;
    assert!(!world.queues.take().iter().any(is_answer), "nobody waits for a plain run");

    world.submit("m2", &token("AAA")).await?;
    world.run_to_end("run").await?;
    assert!(world.queues.take().iter().any(is_answer), "and this one is not delivered");
    for _ in 0..10 {
        world.bucket.age(Duration::from_secs(70));
        world.poll("eks-test", Duration::from_millis(1200)).await?;
        world.deliver().await?;
    }
    assert_eq!(world.answers.replies("AAA").len(), 1);
    assert!(!world.bucket.keys().iter().any(|key| key.starts_with("active/")), "{:?}", world.bucket.keys());
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_that_is_tried_again_gets_its_new_token_answered_during_the_run_and_after_it() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &token("first")).await?;
    world.submit("m2", &token("second")).await?;
    assert_eq!(world.pods().await?.len(), 1);
    world.run_to_end("run").await?;
    world.deliver().await?;
    world.submit("m3", &token("third")).await?;
    world.deliver().await?;
    for token in ["first", "second", "third"] {
        let replies = world.answers.replies(token);
        assert!(matches!(replies.as_slice(), [Reply::Success(_)]), "{token}: {replies:?}");
    }
    assert_eq!(world.bucket.keys().iter().filter(|key| key.starts_with("rejected/")).count(), 0);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_names_its_class() -> Result<()> {
    let world = World::new().await?;
    let envelope = json!({"task": shell(&["echo why; exit 3"]), "runId": "run", "taskToken": "AAA"});
    world.submit("m1", &envelope).await?;
    assert_eq!(world.run_to_end("run").await?.state, State::Failed);
    world.deliver().await?;
    let replies = world.answers.replies("AAA");
    let [Reply::Failure { error, cause }] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!(error, "Longshore.user");
    assert!(cause.starts_with("NonZeroExit: ") && cause.ends_with("why\n"), "{cause}");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_for_a_mistaken_submission_is_told_what_is_wrong() -> Result<()> {
    let world = World::new().await?;
    let mistaken = json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "comands": []});
    world.submit("named", &json!({"task": mistaken, "runId": "run", "taskToken": "named"})).await?;
    world.submit("nameless", &json!({"task": mistaken, "taskToken": "nameless"})).await?;
    world.submit("unreadable", &json!({"task": mistaken, "runId": "-", "taskToken": "unreadable"})).await?;
    world.submit("silent", &json!({"task": mistaken})).await?;
    world.deliver().await?;
    for name in ["named", "nameless", "unreadable"] {
        let replies = world.answers.replies(name);
        let [Reply::Failure { error, cause }] = replies.as_slice() else { panic!("{name}: {replies:?}") };
        assert!(error == "Longshore.config" && cause.contains("problem: "), "{error}: {cause}");
        let kept = String::from_utf8(world.bucket.read(&format!("rejected/{name}.json")).unwrap())?;
        assert!(!kept.contains(&format!("\"{name}\"")) || kept.matches(name).count() == 1, "{kept}");
    }
    let results: Vec<String> =
        world.bucket.keys().into_iter().filter(|key| key.ends_with("result.json")).collect();
    assert_eq!(results, ["runs/nameless/result.json", "runs/run/result.json", "runs/unreadable/result.json"]);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_cannot_be_given_is_given_later_and_a_token_that_timed_out_is_done_with() -> Result<()>
{
    let world = World::new().await?;
    world.submit("m1", &token("late")).await?;
    world.submit("m2", &token("gone")).await?;
    world.run_to_end("run").await?;
    world.answers.timed_out.lock().unwrap().insert("gone".to_owned());
    *world.answers.failures.lock().unwrap() = 1;
    let asked = json!({"answer": {"runId": "run"}});
    assert_eq!(world.queues.take(), [Sent::Answer(serde_json::from_value(asked["answer"].clone())?)]);
    assert_eq!(world.notify(&asked).await?, 1, "the message comes again");
    let record: Value = serde_json::from_slice(&world.bucket.read("active/eks-test/run.json").unwrap())?;
    let settled = |index: usize| record["answers"][index]["settledAt"].is_string();
    assert!(!settled(0) && settled(1), "{}", record["answers"]);
    world.notify(&asked).await?;
    assert_eq!(world.answers.replies("late").len(), 1);
    assert_eq!(world.answers.replies("gone").len(), 0);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_that_came_first_is_told_to_whoever_comes_after() -> Result<()> {
    let world = World::new().await?;
    world.cancel("run").await?;
    world.submit("m1", &token("AAA")).await?;
    world.deliver().await?;
    let replies = world.answers.replies("AAA");
    let [Reply::Failure { error, .. }] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!(error, "Longshore.cancelled");
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signs_of_life_are_given_until_nobody_waits_and_then_the_run_ends() -> Result<()> {
    let world = World::new().await?;
    let envelope = json!({"task": shell(&["echo up", "trap 'exit 0' TERM; sleep 600 & wait"]), "runId": "run", "taskToken": "AAA", "heartbeatSeconds": 120});
    world.submit("m1", &envelope).await?;
    world.log_says("run", "up").await?;
    world.poll("eks-test", Duration::from_millis(300)).await?;
    assert!(world.answers.heard().contains(&Heard::Heartbeat("AAA".into())));
    assert!(world.result("run").is_none());
    world.answers.timed_out.lock().unwrap().insert("AAA".to_owned());
    let result = world.run_to_end("run").await?;
    assert_eq!(result.state, State::Cancelled);
    assert!(result.diagnosis.unwrap().message.contains("timed out"));
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_has_one_run_for_each_try_and_can_ask_how_it_goes() -> Result<()> {
    let world = World::new().await?;
    let of_try = |count: u64| {
        json!({"task": shell(&["true"]), "stepFunctions": {"executionId": "arn:aws:states:eu-west-1:1:execution:a:b",
            "stateName": "Load", "enteredTime": "2026-11-21T03:00:00Z", "retryCount": count}})
    };
    let first = world.invoke_submit(&of_try(0)).await?;
    assert_eq!(world.invoke_submit(&of_try(0)).await?["runId"], first["runId"], "delivered twice");
    assert_ne!(world.invoke_submit(&of_try(1)).await?["runId"], first["runId"]);
    let run_id = first["runId"].as_str().unwrap();
    let status = json!({"status": {"runId": run_id}});
    assert_eq!(
        world.invoke_submit(&status).await?,
        json!({"runId": run_id, "state": "RUNNING", "ended": false})
    );
    world.run_to_end(run_id).await?;
    let ended = world.invoke_submit(&status).await?;
    assert_eq!(
        (&ended["ended"], &ended["state"], &ended["outputFiles"]),
        (&json!(true), &json!("SUCCEEDED"), &json!([]))
    );
    let nobody = world.invoke_submit(&json!({"status": {"runId": "nobody"}})).await?;
    assert_eq!(nobody, json!({"runId": "nobody", "state": null, "ended": false}));
    world.shutdown().await;
    Ok(())
}
