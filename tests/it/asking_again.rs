//! A state of Step Functions that asks again, after an invoke that failed or with a new token, has one run and is told how that ends.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use anyhow::{Context, Result};
use fixtures::world::{World, failed};
use lambda_runtime::{Diagnostic, LambdaEvent};
use serde_json::{Value, json};
use shared::run::answer::Reply;
use shared::run::state::State;
use shared::store::bucket::Bucket;

fn shell(commands: &[&str]) -> Value {
    json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": commands})
}

/// A task that fails, and is followed by a run that does not.
fn taken_over(token: &str) -> Value {
    let commands =
        [r#"case {{ run.id }} in run) exit 4 ;; esac"#, r#"echo '::{"outputs":{"me":"{{ run.id }}"}}::'"#];
    let mut task = shell(&commands);
    task["retry"] =
        json!({"type": "constant", "interval": "PT1S", "maxAttempts": 3, "behavior": "CREATE_NEW_EXECUTION"});
    json!({"task": task, "runId": "run", "taskToken": token})
}

fn outputs(world: &World, token: &str) -> Result<Value> {
    let replies = world.answers.replies(token);
    let [Reply::Success(output)] = replies.as_slice() else { anyhow::bail!("{token}: {replies:?}") };
    Ok(serde_json::from_str::<Value>(output)?["outputs"].clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_token_reaches_the_run_that_took_over_before_it_begins_while_it_runs_and_after_it() -> Result<()>
{
    let world = World::new().await?;
    world.submit("m1", &taken_over("first")).await?;
    let successor = world.run_to_end("run").await?.superseded_by.context("nobody took over")?;

    // Its function died between the result and the record of the one that takes over.
    let key = format!("active/eks-test/{successor}.json");
    let record = world.bucket.read(&key).context("no record")?;
    world.bucket.delete(&key).await?;
    let early = json!({"answer": {"runId": "run", "to": {"kind": "taskToken", "taskToken": "early"}}});
    assert_eq!(world.notify(&early).await?, 1, "nobody knows of this one but the message, which comes again");
    world.bucket.put(&key, record.into(), shared::store::bucket::Condition::Always).await?;
    assert_eq!(world.notify(&early).await?, 0);

    world.submit("m2", &taken_over("second")).await?;
    world.deliver().await?;
    assert!(world.answers.replies("second").is_empty(), "the run that took over goes on");
    assert_eq!(world.run_to_end(&successor).await?.state, State::Succeeded);
    world.deliver().await?;
    world.submit("m3", &taken_over("third")).await?;
    world.deliver().await?;
    for token in ["first", "early", "second", "third"] {
        assert_eq!(outputs(&world, token)?, json!({"me": successor}), "{token}");
    }
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_for_the_status_of_a_run_is_told_of_the_one_that_took_over() -> Result<()> {
    let world = World::new().await?;
    world.submit("m1", &taken_over("token")).await?;
    let successor = world.run_to_end("run").await?.superseded_by.context("nobody took over")?;
    let status = json!({"status": {"runId": "run"}});
    let asked = world.invoke_submit(&status).await?;
    assert_eq!((&asked["runId"], &asked["ended"]), (&json!(successor), &json!(false)), "{asked}");
    world.run_to_end(&successor).await?;
    let asked = world.invoke_submit(&status).await?;
    assert_eq!((&asked["state"], &asked["ended"]), (&json!("SUCCEEDED"), &json!(true)), "{asked}");
    assert_eq!(asked["outputs"], json!({"me": successor}));
    world.shutdown().await;
    Ok(())
}

async fn invoke(world: &World, payload: &Value) -> Result<Value, Diagnostic> {
    submit::handle(LambdaEvent::new(payload.clone(), lambda_runtime::Context::default()), &world.environment)
        .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoke_that_fails_half_way_says_that_it_may_be_made_again_and_then_has_one_run() -> Result<()> {
    let world = World::new().await?;
    let payload = json!({"task": shell(&["true"]), "stepFunctions": {"executionId": "arn:aws:states:eu-west-1:1:execution:a:b",
        "stateName": "Submit", "enteredTime": "2026-11-21T03:00:00Z", "retryCount": 0}});
    // The pod is created, and then nobody can be woken to look after it.
    *world.queues.failures.lock().unwrap() = 1;
    let failure = invoke(&world, &payload).await.unwrap_err();
    assert_eq!(failure.error_type, "Longshore.infrastructure");
    assert!(failure.error_message.contains("could not send a message"), "{}", failure.error_message);
    let run_id = failed(invoke(&world, &payload).await)?["runId"].as_str().context("no run id")?.to_owned();
    assert_eq!(world.pods().await?.len(), 1);
    assert_eq!(world.run_to_end(&run_id).await?.state, State::Succeeded);
    assert_eq!(world.bucket.keys().iter().filter(|key| key.ends_with("/result.json")).count(), 1);
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invoke_that_nobody_can_understand_is_not_to_be_made_again() -> Result<()> {
    let world = World::new().await?;
    let failure = invoke(&world, &json!({"status": {"run": "r"}})).await.unwrap_err();
    assert_eq!(failure.error_type, "Longshore.config", "{}", failure.error_message);
    world.shutdown().await;
    Ok(())
}
