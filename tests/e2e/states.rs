//! The state machines of `infra/state-machines` on the local stack: each to its success, to its failure, and through a retry.
#![expect(clippy::indexing_slicing, reason = "a test fails by panicking")]

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::state::State;

use crate::execution::Ended;
use crate::pods::Witness;
use crate::stack::Stack;
use crate::tasks::{endless, shell};
use crate::wait::SOON;
use crate::{pods, wait};

/// A task whose first try does not come to an end and whose second does, because the state says which it is.
fn second_try(commands: &[&str], more: Value) -> Value {
    let mut all = vec!["if [ {{ trigger.retryCount }} = 0 ]; then sleep 600; fi"];
    all.extend(commands);
    let mut task = shell("second-try", &all, more);
    task["timeout"] = json!("PT3S");
    task["taskRunner"]["podSpec"] = json!({"terminationGracePeriodSeconds": 1});
    task
}

fn succeeds() -> Value {
    let commands = ["echo hello > out.txt", r#"echo '::{"outputs":{"rows":3}}::'"#];
    shell("succeeds", &commands, json!({"outputFiles": ["out.txt"]}))
}

async fn ended(stack: &Stack, machine: &str, input: Value) -> Result<Ended> {
    let execution = stack.cloud.start_execution(machine, &input).await?;
    let ended = wait::until(&format!("the end of `{machine}`"), SOON, || stack.cloud.ended(&execution)).await;
    ended.with_context(|| stack.complaints())
}

/// A machine that runs one task: to its end, to its failure, and by a second try.
async fn runs_a_task(machine: &str) -> Result<()> {
    let stack = Stack::shared().await?;
    let input = |task: Value| json!({"task": task, "inputs": {}});
    let (well, badly, late) = tokio::join!(
        ended(&stack, machine, input(succeeds())),
        ended(&stack, machine, input(shell("fails", &["echo why", "exit 3"], json!({})))),
        ended(&stack, machine, input(second_try(&["echo '::{\"outputs\":{\"try\":2}}::'"], json!({})))),
    );
    let (well, badly, late) = (well?, badly?, late?);
    let output = well.output()?;
    assert_eq!(
        (&output["state"], &output["outputs"]),
        (&json!("SUCCEEDED"), &json!({"rows": 3})),
        "{output}"
    );
    let uri = output["outputFiles"][0]["uri"].as_str().context("no file")?;
    assert!(uri.starts_with("s3://") && uri.ends_with("/outputs/out.txt"), "{uri}");

    assert_eq!((badly.status.as_str(), badly.error.as_str()), ("FAILED", "Longshore.user"), "{badly:?}");
    assert!(badly.cause.starts_with("NonZeroExit: ") && badly.cause.ends_with("why\n"), "{}", badly.cause);

    let output = late.output()?;
    assert_eq!(output["outputs"], json!({"try": 2}), "{output}");
    let run_id = output["runId"].as_str().context("no run id")?;
    let result = stack.cloud.result(run_id).await?.context("no result")?;
    assert_eq!(
        (result.state, result.attempt),
        (State::Succeeded, 1),
        "the try of the state is a run of its own"
    );
    Ok(())
}

#[tokio::test]
async fn a_state_waits_for_a_task_by_the_queue() -> Result<()> {
    runs_a_task("run-by-queue").await
}

#[tokio::test]
async fn a_state_waits_for_a_task_by_invoking_submit() -> Result<()> {
    runs_a_task("run-by-invoke").await
}

#[tokio::test]
async fn a_machine_asks_until_a_task_has_ended() -> Result<()> {
    runs_a_task("run-and-ask").await
}

#[tokio::test]
async fn a_mistake_in_the_task_fails_the_state_with_every_problem() -> Result<()> {
    let stack = Stack::shared().await?;
    for machine in ["run-by-queue", "run-by-invoke", "run-and-ask"] {
        let mut task = succeeds();
        task["comands"] = json!(["true"]);
        let failed = ended(&stack, machine, json!({"task": task, "inputs": {}})).await?;
        assert_eq!(
            (failed.status.as_str(), failed.error.as_str()),
            ("FAILED", "Longshore.config"),
            "{failed:?}"
        );
        assert!(failed.cause.contains("/task/comands"), "{}", failed.cause);
    }
    Ok(())
}

#[tokio::test]
async fn a_map_runs_a_task_for_every_object_and_a_tenth_may_fail() -> Result<()> {
    let stack = Stack::shared().await?;
    let prefix = format!("fan-out/{}", std::process::id());
    for number in 0..11 {
        let content = match number {
            0 => "fails",
            1 => "late",
            _ => "well",
        };
        stack.cloud.put(&format!("{prefix}/some/{number}.txt"), content).await?;
        stack
            .cloud
            .put(&format!("{prefix}/many/{number}.txt"), if number < 2 { "fails" } else { "well" })
            .await?;
    }
    let commands =
        [r#"case "$(cat in.txt)-{{ trigger.retryCount }}" in fails-*) exit 1 ;; late-0) sleep 600 ;; esac"#];
    let mut task = shell(
        "each",
        &commands,
        json!({"inputFiles": {"in.txt": "{{ inputs.object }}"}, "timeout": "PT10S"}),
    );
    task["taskRunner"]["podSpec"] = json!({"terminationGracePeriodSeconds": 1});
    let input = |part: &str| json!({"task": task, "prefix": format!("{prefix}/{part}/")});
    let (some, many) =
        tokio::join!(ended(&stack, "fan-out", input("some")), ended(&stack, "fan-out", input("many")));
    let (some, many) = (some?, many?);
    let output = some.output()?;
    let runs = output["runs"].as_array().context("no runs")?;
    let succeeded = runs.iter().filter(|run| run["state"] == "SUCCEEDED").count();
    assert_eq!(succeeded, 10, "one of 11 may fail: {output}");
    assert_eq!(
        (many.status.as_str(), many.error.as_str()),
        ("FAILED", "States.ExceedToleratedFailureThreshold"),
        "{many:?}"
    );
    Ok(())
}

#[tokio::test]
async fn a_chain_passes_outputs_and_files_on() -> Result<()> {
    let stack = Stack::shared().await?;
    let extract = shell(
        "extract",
        &["printf 'a\\nb\\n{{ inputs.last }}\\n' > rows.csv", r#"echo '::{"outputs":{"rows":3}}::'"#],
        json!({"outputFiles": ["rows.csv"]}),
    );
    let passed_on = json!({"inputFiles": {"in.csv": "{{ inputs.file }}"}, "outputFiles": ["out.csv"]});
    let transform = |commands: &[&str]| {
        let mut all = vec![
            "tr a-z A-Z < in.csv > out.csv",
            r#"echo '::{"outputs":{"rows":{{ inputs.outputs.rows }}}}::'"#,
        ];
        all.extend(commands);
        shell("transform", &all, passed_on.clone())
    };
    let load = second_try(
        &["cat in.csv > loaded.csv", r#"echo '::{"outputs":{"loaded":{{ inputs.outputs.rows }}}}::'"#],
        json!({"inputFiles": {"in.csv": "{{ inputs.file }}"}, "outputFiles": ["loaded.csv"]}),
    );
    let input = |transform: Value| json!({"extract": extract, "transform": transform, "load": load, "inputs": {"last": "c"}});
    let (well, badly) = tokio::join!(
        ended(&stack, "chain", input(transform(&[]))),
        ended(&stack, "chain", input(transform(&["exit 4"])))
    );
    let (well, badly) = (well?, badly?);
    let loaded = well.output()?["loaded"].clone();
    assert_eq!(loaded["outputs"], json!({"loaded": 3}), "{loaded}");
    let key = loaded["outputFiles"][0]["uri"].as_str().context("no file")?;
    let key = key.splitn(4, '/').nth(3).context("no key")?;
    assert_eq!(stack.cloud.object(key).await?.as_deref(), Some(&b"A\nB\nC\n"[..]));
    assert_eq!((badly.status.as_str(), badly.error.as_str()), ("FAILED", "Longshore.user"), "{badly:?}");
    Ok(())
}

#[tokio::test]
async fn an_aborted_or_timed_out_execution_takes_its_pod_with_it() -> Result<()> {
    let stack = Stack::shared().await?;
    for status in ["ABORTED", "TIMED_OUT"] {
        let input = json!({"task": endless("abandoned", json!({})), "inputs": {}});
        let execution = stack.cloud.start_execution("run-by-queue", &input).await?;
        let run_id = run_of(&stack, &execution, 0).await?;
        pods::running(&stack, &run_id).await?;
        match status {
            "ABORTED" => stack.cloud.abort(&execution).await?,
            // The emulator does not let executions time out: what EventBridge would put into the queue.
            _ => {
                let event = json!({"source": "aws.states", "detail-type": "Step Functions Execution Status Change",
                    "detail": {"executionArn": execution, "status": status}});
                stack.cloud.send(&stack.endpoints.cancel_queue, &event.to_string()).await.map(drop)?;
            }
        }
        let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
        let diagnosis = result.diagnosis.context("no diagnosis")?;
        ensure!((result.state, diagnosis.cause) == (State::Cancelled, Cause::Cancelled), "{diagnosis:?}");
        ensure!(diagnosis.message.contains(status), "{}", diagnosis.message);
        pods::gone(&stack, &run_id).await?;
    }
    Ok(())
}

#[tokio::test]
async fn an_execution_that_is_aborted_while_its_state_is_tried_again_takes_the_pod_of_that_try_with_it()
-> Result<()> {
    let stack = Stack::shared().await?;
    let mut task = endless("abandoned-late", json!({"timeout": "PT{{ trigger.retryCount * 600 + 3 }}S"}));
    task["taskRunner"]["podSpec"] = json!({"terminationGracePeriodSeconds": 1});
    let execution = stack.cloud.start_execution("run-by-queue", &json!({"task": task, "inputs": {}})).await?;
    let run_id = run_of(&stack, &execution, 1).await?;
    pods::running(&stack, &run_id).await?;
    stack.cloud.abort(&execution).await?;
    let result = wait::until("the end of the run", SOON, || stack.cloud.result(&run_id)).await?;
    assert_eq!(result.state, State::Cancelled, "{:?}", result.diagnosis);
    pods::gone(&stack, &run_id).await
}

#[tokio::test]
async fn an_invoke_that_dies_half_way_is_made_again_and_there_is_one_run() -> Result<()> {
    let stack = Stack::own("dying").await?;
    let witness = Witness::begin(&stack).await?;
    let submit = &stack.endpoints.submit_function;
    // The emulator learns of a death when the function's time is over.
    stack.cloud.set_timeout(submit, 10).await?;
    let killed = stack.state_directory().join("killed");
    stack
        .cloud
        .set_variable(submit, "LONGSHORE_CRASH_AT", &format!("after-post:{}", killed.display()))
        .await?;
    let ended = ended(&stack, "run-and-ask", json!({"task": succeeds(), "inputs": {}})).await?;
    let output = ended.output()?;
    assert!(killed.exists(), "nobody died");
    assert_eq!(
        (&output["state"], &output["outputs"]),
        (&json!("SUCCEEDED"), &json!({"rows": 3})),
        "{output}"
    );
    let keys = stack.cloud.keys("runs/").await?;
    assert_eq!(keys.iter().filter(|key| key.ends_with("/result.json")).count(), 1, "{keys:?}");
    assert_eq!(witness.pods_of(output["runId"].as_str().context("no run id")?), 1);
    Ok(())
}

/// The run of a try of an execution's state, from 0, as soon as it is active.
async fn run_of(stack: &Stack, execution: &str, retry: u32) -> Result<String> {
    let (hash, end) = (shared::spec::origin::execution_hash(execution), format!("-{retry}"));
    let found = wait::until("the run", SOON, || async {
        let keys = stack.cloud.keys("active/").await?;
        let ids = keys.iter().filter_map(|key| Some(shared::store::keys::parse_record(key)?.1));
        Ok(ids.filter(|id| id.starts_with(&hash) && id.ends_with(&end)).map(str::to_owned).next())
    });
    match found.await {
        Ok(run_id) => Ok(run_id),
        Err(error) => Err(error.context(known(stack, execution, &hash).await?)),
    }
}

/// What became of an execution and of its tries so far.
async fn known(stack: &Stack, execution: &str, hash: &str) -> Result<String> {
    let mut lines = vec![format!("{:?}", stack.cloud.ended(execution).await?)];
    for prefix in ["active/", "runs/"] {
        let keys = stack.cloud.keys(prefix).await?;
        for key in keys.into_iter().filter(|key| key.contains(hash) && key.ends_with(".json")) {
            let bytes = stack.cloud.object(&key).await?.unwrap_or_default();
            lines.push(format!("{key}: {}", String::from_utf8_lossy(&bytes)));
        }
    }
    Ok(format!("{}\n{}", lines.join("\n"), stack.complaints()))
}
