use serde_json::{Value, json};

use super::{container, pod};
use crate::pod::labels::{ATTEMPT, GROUP, MANAGED_BY, MANAGED_SELECTOR, MANAGER, RUN_ID, SUBMISSION_HASH};
use crate::pod::{INIT_CARRIER, OUT_CARRIER, identity_of, name};

const TASK: &str = "id: t\ntype: io.kestra.plugin.scripts.shell.Commands\ncommands: [\"true\"]\n";

fn names(pod: &Value, list: &str) -> Vec<String> {
    pod["spec"][list]
        .as_array()
        .into_iter()
        .flatten()
        .map(|container| container["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn carriers_exist_only_when_needed() {
    for (id, more, init, side) in [
        ("K-SC-05", "", vec![], vec!["main"]),
        ("K-SC-06", "inputFiles: {a.txt: x}", vec![INIT_CARRIER], vec!["main"]),
        ("outputs only", "outputFiles: [a]", vec![INIT_CARRIER], vec!["main", OUT_CARRIER]),
        ("both", "inputFiles: {a.txt: x}\noutputDir: true", vec![INIT_CARRIER], vec!["main", OUT_CARRIER]),
    ] {
        let pod = pod(&format!("{TASK}{more}\n"));
        assert_eq!(names(&pod, "initContainers"), init, "{id}");
        assert_eq!(names(&pod, "containers"), side, "{id}");
        assert_eq!(pod["spec"].get("volumes").is_some(), !init.is_empty(), "{id}");
        for name in init.iter().chain(side.iter().filter(|_| !init.is_empty())) {
            assert_eq!(
                container(&pod, name)["volumeMounts"],
                json!([{"name": "kestra-files", "mountPath": "/kestra"}]),
                "{id} {name}"
            );
        }
    }
}

#[test]
fn file_sidecar_resources_apply_to_both_carriers_and_nothing_else() {
    let task = TASK.to_owned()
        + "inputFiles: {a: x}\noutputFiles: [b]\ntaskRunner:\n  type: io.kestra.plugin.kubernetes.runner.Kubernetes\n  fileSidecar: {resources: {limits: {cpu: 200m, memory: 256Mi}, requests: {cpu: 100m, memory: 128Mi}}}\n";
    let pod = pod(&task);
    let resources =
        json!({"limits": {"cpu": "200m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}});
    assert_eq!(container(&pod, INIT_CARRIER)["resources"], resources, "K-SC-04");
    assert_eq!(container(&pod, OUT_CARRIER)["resources"], resources, "K-SC-04");
    assert_eq!(container(&pod, "main").get("resources"), None, "K-SC-04");
}

#[test]
fn the_manifest_goes_to_init_files_alone_and_only_with_inputs() {
    let with = pod(&format!("{TASK}inputFiles: {{a: x}}\n"));
    let env = container(&with, INIT_CARRIER)["env"].to_string();
    assert!(env.contains("X-Amz-Signature=a$$b"), "{env}");
    assert!(!container(&with, "main").to_string().contains("X-Amz-Signature"));
    let without = pod(&format!("{TASK}outputFiles: [a]\n"));
    assert!(!without.to_string().contains("X-Amz-Signature"));
}

#[test]
fn init_files_comes_before_the_authors_init_containers() {
    let document = "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\ninputFiles: {a: x}\nspec: {initContainers: [{name: own, image: i}], containers: [{name: c, image: i}]}\n";
    let pod = pod(document);
    assert_eq!(names(&pod, "initContainers"), [INIT_CARRIER, "own"]);
    assert_eq!(container(&pod, "own")["volumeMounts"][0]["mountPath"], "/kestra");
    assert_eq!(container(&pod, "c").get("workingDir"), None);
}

#[test]
fn system_labels_and_annotations_win() {
    let document = "id: my task\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nmetadata: {labels: {team: a, longshore.dev/run-id: mine}, annotations: {note: n}}\nspec: {containers: [{name: c, image: i}]}\n";
    let pod = pod(document);
    let labels = &pod["metadata"]["labels"];
    assert_eq!(
        (&labels["team"], &labels[RUN_ID], &labels[ATTEMPT]),
        (&json!("a"), &json!("run-1"), &json!("2"))
    );
    assert_eq!(format!("{MANAGED_BY}={}", labels[MANAGED_BY].as_str().unwrap()), MANAGED_SELECTOR);
    assert_eq!(labels[MANAGED_BY], MANAGER);
    let annotations = &pod["metadata"]["annotations"];
    assert_eq!(
        (&annotations["note"], &annotations[SUBMISSION_HASH], &annotations[GROUP]),
        (&json!("n"), &json!("5ub"), &json!("default"))
    );
}

#[test]
fn a_pod_says_whose_it_is() {
    let pod: k8s_openapi::api::core::v1::Pod = serde_json::from_value(pod(TASK)).unwrap();
    let identity = identity_of(&pod).unwrap();
    assert_eq!(
        (identity.run_id, identity.attempt, identity.submission_hash, identity.group),
        ("run-1", 2, "5ub", "default")
    );
    assert_eq!(identity_of(&k8s_openapi::api::core::v1::Pod::default()), None);
}

#[test]
fn the_cluster_ends_a_pod_that_everybody_forgot() {
    for (more, expected) in [("", 600 + 3600 + 900), ("timeout: PT1M", 600 + 60 + 900)] {
        assert_eq!(
            pod(&format!("{TASK}{more}\n"))["spec"]["activeDeadlineSeconds"],
            json!(expected),
            "{more}"
        );
    }
    let own = |seconds: &str| {
        format!(
            "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nspec: {{activeDeadlineSeconds: {seconds}, containers: [{{name: c, image: i}}]}}\n"
        )
    };
    for (written, expected) in [("10", json!(10)), ("1000000", json!(5100)), ("\"10\"", json!(10))] {
        assert_eq!(pod(&own(written))["spec"]["activeDeadlineSeconds"], expected, "{written}");
    }
    // The API server says what is wrong with it; replaced by the backstop it would be lost in silence.
    assert_eq!(pod(&own("soon"))["spec"]["activeDeadlineSeconds"], "soon");
    assert_eq!(pod(&format!("{TASK}timeout: P30000D\n"))["spec"]["activeDeadlineSeconds"], i32::MAX);
}

#[test]
fn names_are_short_and_differ_by_run_and_attempt() {
    let plan = super::plan(TASK);
    assert_eq!(name(&plan, "r", 1), name(&plan, "r", 1));
    assert_ne!(name(&plan, "r", 1), name(&plan, "r", 2));
    assert_ne!(name(&plan, "r1", 1), name(&plan, "r", 11));
    assert!(name(&plan, "r", 1).starts_with("t-"));
    let mut long = plan.clone();
    long.task.flow = Some("x".repeat(250));
    assert_eq!(name(&long, "r", 1).len(), 63, "A-NAME-03");
    long.pod["metadata"]["generateName"] = json!("My-Job-");
    assert!(name(&long, "r", 1).starts_with("my-job-"));
    long.pod["metadata"]["name"] = json!("日本");
    assert!(name(&long, "r", 1).starts_with("run-"));
}

#[test]
fn probes_hooks_and_restarts_by_default_are_for_containers_that_go_on() {
    let document = "
id: t
type: io.kestra.plugin.kubernetes.core.PodCreate
inputFiles: {a: x}
outputFiles: [b]
containerDefaultSpec: {readinessProbe: {exec: {command: [test, -e, /ready]}}, lifecycle: {preStop: {sleep: {seconds: 1}}}, restartPolicy: Always, tty: true}
spec:
  initContainers: [{name: first, image: i}, {name: side, image: i, restartPolicy: Always}]
  containers: [{name: c, image: i}]
";
    let pod = pod(document);
    for (name, goes_on) in [("c", true), ("side", true), (INIT_CARRIER, false), (OUT_CARRIER, false)] {
        let container = container(&pod, name);
        assert_eq!(container.get("readinessProbe").is_some(), goes_on, "{name}");
        assert_eq!(container.get("lifecycle").is_some(), goes_on, "{name}");
        assert_eq!(container["tty"], true, "{name}");
    }
    assert_eq!(container(&pod, "first").get("readinessProbe"), None);
    for name in ["first", INIT_CARRIER, OUT_CARRIER] {
        assert_eq!(
            container(&pod, name).get("restartPolicy"),
            None,
            "{name} would never end, or not go first"
        );
    }
}

#[test]
fn the_carrier_of_a_pod_that_stays_is_told_where_to_look_for_its_end() {
    let runner = "taskRunner: {type: io.kestra.plugin.kubernetes.runner.Kubernetes, delete: false}\n";
    let of = |more: &str| container(&pod(&format!("{TASK}outputFiles: [b]\n{more}")), OUT_CARRIER).clone();
    assert_eq!(of("").get("env"), None);
    assert_eq!(of(runner)["env"], json!([{"name": "LONGSHORE_ENDED", "value": "/kestra/.longshore-ended"}]));
}
