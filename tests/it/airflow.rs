//! Airflow's documents from the queue to the result.

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::run::diagnosis::Cause;
use shared::run::result::RunResult;
use shared::run::state::State;
use shared::store::bucket::Condition;

fn call(script: &str, more: Value) -> Value {
    let mut task = json!({"operator": "KubernetesPodOperator", "task_id": "t", "image": "busybox", "cmds": ["/bin/sh", "-c"], "arguments": [script]});
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

async fn run(world: &World, run_id: &str, task: Value, inputs: Value) -> Result<RunResult> {
    world.submit(run_id, &json!({"task": task, "inputs": inputs, "runId": run_id})).await?;
    world.run_to_end(run_id).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_value_of_one_task_feeds_the_next() -> Result<()> {
    let world = World::new().await?;
    let push = json!({"do_xcom_push": true});
    let extracted =
        run(&world, "extract", call("echo 20 > /airflow/xcom/return.json", push.clone()), json!({})).await?;
    assert_eq!(extracted.outputs.get("return_value"), Some(&json!(20)), "{extracted:?}");
    // as the page's own script writes it: the text of a dictionary
    let script = "echo \"{'return_value': '$((23 * DATA_POINT))'}\" > /airflow/xcom/return.json";
    let more = json!({"do_xcom_push": true, "env_vars": {"DATA_POINT": "{{ params.outputs.return_value }}"}});
    let transformed =
        run(&world, "transform", call(script, more), json!({"outputs": extracted.outputs})).await?;
    assert_eq!(transformed.outputs.get("return_value"), Some(&json!({"return_value": "460"})));
    assert!(
        transformed.warnings.iter().any(|warning| warning.contains("is a Python literal")),
        "{:?}",
        transformed.warnings
    );
    let load = call(
        "test \"$0\" = 460",
        json!({"arguments": ["test \"$0\" = 460", "{{ params.outputs.return_value.return_value }}"]}),
    );
    let loaded = run(&world, "load", load, json!({"outputs": transformed.outputs})).await?;
    assert_eq!((loaded.state, loaded.outputs.len()), (State::Succeeded, 0), "{:?}", loaded.diagnosis);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_comes_back_from_a_failure_too_and_one_that_is_none_fails_the_run() -> Result<()> {
    let world = World::new().await?;
    let push = json!({"do_xcom_push": true, "outputFiles": ["kept.txt"]});
    let script = "echo '[1]' > /airflow/xcom/return.json; echo x > /kestra/working-dir/kept.txt; exit 7";
    let failed = run(&world, "failed", call(script, push), json!({})).await?;
    assert_eq!((failed.state, failed.outputs.get("return_value")), (State::Failed, Some(&json!([1]))));
    assert_eq!(failed.output_files.len(), 1);
    assert_eq!(failed.diagnosis.map(|diagnosis| diagnosis.exit_code), Some(Some(7)));
    for (run_id, script, state, value) in [
        ("nothing", "true", State::Succeeded, Some(json!(null))),
        ("link", "ln -s /etc/hostname /airflow/xcom/return.json", State::Succeeded, Some(json!(null))),
        ("invalid", "echo hello there > /airflow/xcom/return.json", State::Failed, None),
    ] {
        let result = run(&world, run_id, call(script, json!({"do_xcom_push": true})), json!({})).await?;
        assert_eq!(
            (result.state, result.outputs.get("return_value").cloned()),
            (state, value),
            "{run_id}: {:?}",
            result.diagnosis
        );
        if let Some(diagnosis) = result.diagnosis {
            assert_eq!(diagnosis.cause, Cause::OutputInvalid);
            assert!(diagnosis.message.contains("hello there"), "{}", diagnosis.message);
        }
    }
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exit_codes_can_mean_skipped_and_the_pods_of_failures_can_stay() -> Result<()> {
    let world = World::new().await?;
    for (id, run_id, code, codes, state) in [
        ("A-SKIP-01", "one", 100, json!(100), State::Skipped),
        ("A-SKIP-02", "zero", 0, json!(0), State::Skipped),
        ("A-SKIP-03", "other", 101, json!([100, 102]), State::Failed),
    ] {
        let task = call(&format!("exit {code}"), json!({"skip_on_exit_code": codes}));
        let result = run(&world, run_id, task, json!({})).await?;
        assert_eq!(result.state, state, "{id}");
        let reason = format!("the exit code is {code}, which means that the run is skipped");
        assert_eq!(result.skipped_because, (state == State::Skipped).then_some(reason), "{id}");
    }
    world.no_pods().await?;
    for (run_id, code, left) in [("good", 0, 0), ("bad", 3, 1)] {
        let task = call(&format!("exit {code}"), json!({"on_finish_action": "delete_succeeded_pod"}));
        run(&world, run_id, task, json!({})).await?;
        if left == 0 {
            world.no_pods().await?;
        }
        assert_eq!(world.pods().await?.len(), left, "A-FIN-01: {run_id}");
    }
    world.shutdown().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sidecar_does_not_hold_up_a_run_and_a_template_comes_from_the_bucket() -> Result<()> {
    let world = World::new().await?;
    let template = "metadata: {labels: {team: data}}\nspec:\n  terminationGracePeriodSeconds: 1\n  containers:\n  - {name: side, image: busybox, command: [sleep, '600']}\n  - {name: base, image: busybox, env: [{name: WORD, value: hello}]}\n";
    let key = "config/templates/pod.yaml";
    world.environment.bucket.put(key, template.into(), Condition::Always).await?;
    let task = json!({"executor": "KubernetesExecutor", "task_id": "t", "podTemplate": "config/templates/pod.yaml", "do_xcom_push": true,
        "cmds": ["/bin/sh", "-c", "echo \"\\\"$WORD\\\"\" > /airflow/xcom/return.json"]});
    let result = run(&world, "templated", task.clone(), json!({})).await?;
    assert_eq!(
        (result.state, result.outputs.get("return_value")),
        (State::Succeeded, Some(&json!("hello"))),
        "{:?}",
        result.diagnosis
    );
    let mut missing = task;
    missing["podTemplate"] = "config/templates/other.yaml".into();
    world.submit("missing", &json!({"task": missing, "runId": "missing"})).await?;
    let result = world.result("missing").unwrap();
    assert_eq!(result.state, State::Rejected, "A-REC-13");
    assert!(result.problems[0].message.contains("the pod template cannot be read"), "{:?}", result.problems);
    world.no_pods().await?;
    world.shutdown().await;
    Ok(())
}
