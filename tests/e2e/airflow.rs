//! Airflow's documents on the local stack: the pipeline of the pages as a state machine, and a pod template that lies in the bucket.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::command::Outcome;
use crate::ground;
use crate::stack::Stack;
use crate::tasks::Document;
use crate::wait::{self, SOON};

/// A call of the operator that pushes its value.
fn call(task_id: &str, script: &str, more: Value) -> Value {
    let mut task = json!({"operator": "KubernetesPodOperator", "task_id": task_id, "image": ground::busybox(),
        "cmds": ["/bin/sh", "-c"], "arguments": [script], "do_xcom_push": true});
    if let (Some(task), Value::Object(more)) = (task.as_object_mut(), more) {
        task.extend(more);
    }
    task
}

#[tokio::test]
async fn the_pipeline_of_the_pages_is_a_state_machine_whose_values_feed_each_other() -> Result<()> {
    if ground::lacks("pods in the deployment's own cluster") {
        return Ok(());
    }
    let stack = Stack::shared().await?;
    let extract = call("extract_data", "echo {{ params.rows }} > /airflow/xcom/return.json", json!({}));
    // As the page's own script writes it: the text of a Python dictionary.
    let transform = |then: &str| {
        let multiply = "echo \"{'return_value': '$((23 * DATA_POINT))'}\" > /airflow/xcom/return.json";
        let point = json!({"env_vars": {"DATA_POINT": "{{ params.outputs.return_value }}"}});
        call("transform", &format!("{multiply}; {then}"), point)
    };
    let said =
        r#"echo '"loaded {{ params.outputs.return_value.return_value }}"' > /airflow/xcom/return.json"#;
    // Its first try hangs, and the state tries again.
    let said = format!("if [ {{{{ trigger.retryCount }}}} = 0 ]; then sleep 600; fi; {said}");
    let limits = json!({"execution_timeout": 3, "termination_grace_period": 1});
    let load = call("load_data", &said, limits);
    let input = |transform: Value| json!({"extract": extract, "transform": transform, "load": load, "inputs": {"rows": 20}});
    let run = |transform: Value| async {
        let execution = stack.cloud.start_execution("pipeline", &input(transform)).await?;
        wait::until("the end of `pipeline`", SOON, || stack.cloud.ended(&execution)).await
    };
    let (well, badly) = tokio::join!(run(transform("true")), run(transform("exit 4")));
    let output = well?.output()?;
    let value = |state: &str| output[state]["outputs"]["return_value"].clone();
    assert_eq!(value("extracted"), json!(20), "{output}");
    assert_eq!(value("transformed"), json!({"return_value": "460"}), "{output}");
    assert_eq!(value("loaded"), json!("loaded 460"), "{output}");
    let badly = badly?;
    ensure!((badly.status.as_str(), badly.error.as_str()) == ("FAILED", "Longshore.user"), "{badly:?}");
    ensure!(badly.cause.starts_with("NonZeroExit: "), "{}", badly.cause);
    Ok(())
}

#[tokio::test]
async fn a_pod_template_of_the_bucket_is_rendered_and_run() -> Result<()> {
    if ground::lacks("pods in the deployment's own cluster") {
        return Ok(());
    }
    let stack = Stack::shared().await?;
    let key = format!("config/templates/team-{}.yaml", std::process::id());
    let template = format!(
        "spec: {{containers: [{{name: base, image: '{}', env: [{{name: FROM, value: bucket}}]}}]}}",
        ground::busybox()
    );
    stack.cloud.put(&key, template.as_bytes()).await?;
    let task = json!({"executor": "KubernetesExecutor", "task_id": "templated", "podTemplate": key, "do_xcom_push": true,
        "cmds": ["/bin/sh", "-c", "echo \"\\\"$FROM\\\"\" > /airflow/xcom/return.json"]});
    let document = Document::of(&task)?;
    let file = document.file.display().to_string();

    // Without a bucket it says where to look.
    let unknown = stack.longshore(&["render", &file]).await?;
    ensure!(unknown.code == 2, "{}", unknown.complained);
    ensure!(unknown.complained.contains("--bucket NAME"), "{}", unknown.complained);

    let bucket = stack.endpoints.bucket.clone();
    let rendered = render(&stack, &file, &bucket).await?;
    ensure!(rendered.code == 0, "{}", rendered.complained);
    let pod: Value = serde_json::from_str(&rendered.said)?;
    let environment = pod["spec"]["containers"][0]["env"].as_array().context("no variables")?;
    ensure!(environment.contains(&json!({"name": "FROM", "value": "bucket"})), "{pod}");
    ensure!(render(&stack, &file, "no-such-bucket").await?.code != 0, "there is no such bucket");

    let result = stack.longshore(&["run", &file, "--json"]).await?.ended_with(0)?;
    ensure!(result.outputs.get("return_value") == Some(&json!("bucket")), "{result:?}");
    Ok(())
}

/// `longshore render --bucket`, with region and credentials as the environment says them.
async fn render(stack: &Stack, file: &str, bucket: &str) -> Result<Outcome> {
    let mut command = stack.command();
    command
        .args(["render", file, "--bucket", bucket, "--json"])
        .env("AWS_ENDPOINT_URL", &stack.endpoints.endpoint_url)
        .env("AWS_REGION", &stack.endpoints.region)
        .env("AWS_ACCESS_KEY_ID", &stack.endpoints.access_key_id)
        .env("AWS_SECRET_ACCESS_KEY", &stack.endpoints.secret_access_key)
        .stdin(std::process::Stdio::null());
    Outcome::of(command.output().await?)
}
