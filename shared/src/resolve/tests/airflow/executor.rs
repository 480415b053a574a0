//! The manner of the KubernetesExecutor, and templates from the bucket.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::told;
use crate::resolve::plan::{Deciding, Plan};
use crate::resolve::{Context, plan_of, template_key};
use crate::spec::problem::Problems;
use crate::spec::read;

const KEY: &str = "config/templates/team.yaml";

fn planned(document: &Value) -> (Option<String>, Result<Plan, Problems>) {
    let submission = read::submission(document.to_string().as_bytes()).unwrap();
    let template = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"namespace": "workers", "labels": {"team": "data"}},
        "spec": {"serviceAccountName": "worker", "imagePullSecrets": [{"name": "registry"}],
            "containers": [{"name": "base", "image": "worker:1", "env": [{"name": "A", "value": "1"}]}, {"name": "side", "image": "side:1"}]}});
    let context = Context {
        run_id: "run-1",
        inputs: &Map::new(),
        trigger: &Map::new(),
        bucket: "bucket",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &BTreeMap::from([(KEY.to_owned(), template)]),
        replace_connection: false,
    };
    (template_key(&submission, &context), plan_of(&submission, &context))
}

#[test]
fn a_template_and_an_override_make_the_pod() {
    let over = json!({"metadata": {"labels": {"release": "stable"}}, "spec": {
        "containers": [{"name": "base", "resources": {"requests": {"cpu": "100m"}}, "volume_mounts": [{"name": "v", "mount_path": "/v"}]}],
        "volumes": [{"name": "v", "empty_dir": {}}]}});
    let document = json!({"executor": "KubernetesExecutor", "task_id": "crunch", "dag_id": "nightly", "podTemplate": KEY,
        "image": "crunch:7", "arguments": ["crunch", "--all"], "podOverride": over});
    let (key, plan) = planned(&document);
    let plan = plan.unwrap_or_else(|problems| panic!("{:?}", told(&problems)));
    assert_eq!(key.as_deref(), Some(KEY));
    assert_eq!(plan.deciding, Deciding::Container("base".to_owned()));
    assert_eq!(
        (plan.target.namespace.as_deref(), plan.task.flow.as_deref()),
        (Some("workers"), Some("nightly"))
    );
    let spec = &plan.pod["spec"];
    assert_eq!(
        spec["containers"],
        json!([{"name": "base", "image": "crunch:7", "args": ["crunch", "--all"], "env": [{"name": "A", "value": "1"}],
                "resources": {"requests": {"cpu": "100m"}}, "volumeMounts": [{"name": "v", "mountPath": "/v"}]},
               {"name": "side", "image": "side:1"}])
    );
    assert_eq!(
        (&spec["serviceAccountName"], &spec["imagePullSecrets"]),
        (&json!("worker"), &json!([{"name": "registry"}]))
    );
    let labels = &plan.pod["metadata"]["labels"];
    assert_eq!(
        (&labels["team"], &labels["release"], &labels["dag_id"]),
        (&json!("data"), &json!("stable"), &json!("nightly"))
    );
}

#[test]
fn a_template_is_named_by_its_key_or_address_and_rendered() {
    let document = |key: &str, value: &str| {
        let mut document =
            json!({"operator": "KubernetesPodOperator", "task_id": "t", "params": {"team": "team"}});
        document[key] = value.into();
        document
    };
    for (argument, written) in [
        ("pod_template_file", KEY.to_owned()),
        ("pod_template_file", format!("s3://bucket/{KEY}")),
        ("pod_template_file", "config/templates/{{ params.team }}.yaml".to_owned()),
    ] {
        let (key, plan) = planned(&document(argument, &written));
        assert_eq!(key.as_deref(), Some(KEY), "{written}");
        assert_eq!(plan.unwrap().pod["spec"]["containers"][0]["image"], "worker:1", "{written}");
    }
    for (written, words) in [
        ("/usr/local/airflow/pod.yaml", "is no pod template"),
        ("s3://other/config/templates/team.yaml", "is no pod template"),
        ("config/templates/other.yaml", "cannot be read here"),
        ("config/templates/{{ nothing }}.yaml", "`nothing` is not defined"),
    ] {
        let (_, plan) = planned(&document("pod_template_file", written));
        let problems = told(&plan.unwrap_err());
        assert!(problems.iter().any(|problem| problem.contains(words)), "A-REC-13: {problems:?}");
    }
}
