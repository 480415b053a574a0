use serde_json::{Value, json};

use super::super::plan::{ClusterChoice, Deciding};
use super::{main_of, plan, plan_with, pod_create, runner, shell};
use crate::spec::retry::{Backoff, Behavior, RetryPolicy};

#[test]
fn defaults_of_a_script_task() {
    let plan = plan(&shell(""));
    assert_eq!(
        plan.pod,
        json!({
            "metadata": {},
            "spec": {
                "containers": [{"name": "main", "command": ["/bin/sh", "-c", "set -e\ntrue"], "image": "ubuntu", "imagePullPolicy": "Always"}],
                "restartPolicy": "Never",
            },
        })
    );
    assert_eq!(plan.deciding, Deciding::Container("main".to_owned()));
    assert_eq!(
        (plan.limits.waiting_seconds, plan.limits.running_seconds, plan.limits.late_log_seconds),
        (600, 3600, 30)
    );
    assert_eq!(plan.retry, RetryPolicy::never());
    assert_eq!((plan.delete, plan.resume, plan.fail_on_missing_outputs), (true, true, false));
    assert_eq!(plan.target.namespace, None);
}

#[test]
fn a_python_script_has_its_own_default_image() {
    let plan = plan("id: t\ntype: io.kestra.plugin.scripts.python.Script\nscript: print(1)\n");
    assert_eq!(main_of(&plan)["image"], "ghcr.io/kestra-io/pydata:latest");
    assert_eq!(main_of(&plan)["command"][4], "print(1)");
}

#[test]
fn the_main_container_from_weakest_to_strongest() {
    let document = runner(
        "containerDefaultSpec: {imagePullPolicy: Never, tty: true, stdin: true, env: [{name: A, value: default}, {name: B, value: default}]}\n\
         podSpec: {containers: [{name: side, image: s}, {name: main, tty: false, stdin: false, env: [{name: B, value: pod}, {name: C, value: pod}]}]}\n\
         containerSpec: {stdin: true, env: [{name: C, value: spec}, {name: D, value: spec}]}\n\
         pullPolicy: IF_NOT_PRESENT",
    ) + "env: {D: task}\n";
    let plan = plan(&document);
    let main = main_of(&plan);
    assert_eq!(main["imagePullPolicy"], "IfNotPresent");
    assert_eq!((&main["tty"], &main["stdin"]), (&json!(false), &json!(true)));
    let env: Vec<(&str, &str)> = main["env"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| (entry["name"].as_str().unwrap(), entry["value"].as_str().unwrap()))
        .collect();
    assert_eq!(env, [("A", "default"), ("B", "pod"), ("C", "spec"), ("D", "task")]);
    let side = &plan.pod["spec"]["containers"][1];
    assert_eq!((&side["name"], &side["image"], &side["tty"]), (&json!("side"), &json!("s"), &json!(true)));
}

#[test]
fn what_the_runner_says_ends_up_in_the_pod() {
    for (line, pointer, expected) in [
        ("pullPolicy: Always", "/spec/containers/0/imagePullPolicy", json!("Always")),
        ("pullPolicy: IfNotPresent", "/spec/containers/0/imagePullPolicy", json!("IfNotPresent")),
        ("pullPolicy: NEVER", "/spec/containers/0/imagePullPolicy", json!("Never")),
        (
            "resources: {request: {cpu: 500m, memory: 128Mi}}",
            "/spec/containers/0/resources",
            json!({"requests": {"cpu": "500m", "memory": "128Mi"}}),
        ),
        ("resources: {limit: {cpu: 2}}", "/spec/containers/0/resources", json!({"limits": {"cpu": "2"}})),
        ("labels: {team: a, odd: has space}", "/metadata/labels/team", json!("a")),
        ("nodeSelector: {disk: ssd}", "/spec/nodeSelector", json!({"disk": "ssd"})),
        ("serviceAccountName: runner", "/spec/serviceAccountName", json!("runner")),
        ("podSpec: {restartPolicy: OnFailure}", "/spec/restartPolicy", json!("OnFailure")),
        ("podSpec: {tolerations: [{key: a}]}", "/spec/tolerations", json!([{"key": "a"}])),
        ("containerSpec: {image: own}", "/spec/containers/0/image", json!("own")),
        (
            "containerSpec: {securityContext: {runAsUser: 7}}",
            "/spec/containers/0/securityContext/runAsUser",
            json!(7),
        ),
        ("containerDefaultSpec: {tty: true}", "/spec/containers/0/tty", json!(true)),
    ] {
        assert_eq!(plan(&runner(line)).pod.pointer(pointer), Some(&expected), "{line}");
    }
}

#[test]
fn what_a_task_says_ends_up_in_the_main_container() {
    for (line, pointer, expected) in [
        ("containerImage: debian:12", "/image", json!("debian:12")),
        ("interpreter: [/bin/bash, -c]", "/command/0", json!("/bin/bash")),
        ("beforeCommands: [first]", "/command/2", json!("set -e\nfirst\ntrue")),
        ("failFast: false", "/command/2", json!("true")),
        ("failFast: \"false\"", "/command/2", json!("true")),
        ("env: {A: 1, B: x}", "/env", json!([{"name": "A", "value": "1"}, {"name": "B", "value": "x"}])),
        (
            "env: {WORKING_DIR: mine}\noutputFiles: [a]",
            "/env",
            json!([{"name": "WORKING_DIR", "value": "/kestra/working-dir"}]),
        ),
    ] {
        assert_eq!(main_of(&plan(&shell(line))).pointer(pointer), Some(&expected), "{line}");
    }
}

#[test]
fn times_and_switches() {
    let limits = |document: &str| {
        let limits = plan(document).limits;
        (limits.waiting_seconds, limits.running_seconds, limits.late_log_seconds)
    };
    assert_eq!(
        limits(&runner("waitUntilRunning: PT3M\nwaitUntilCompletion: PT2H\nwaitForLogs: PT1S")),
        (180, 7200, 1)
    );
    assert_eq!(limits(&(runner("waitUntilCompletion: PT1H") + "timeout: PT5M\n")).1, 300, "K-LIFE-16");
    assert_eq!(
        limits(&pod_create("waitRunning: PT9M\nwaitForLogInterval: PT2S\nwaitUntilReady: PT0S")),
        (600, 540, 2)
    );
    let off = plan(&runner("delete: \"false\"\nresume: false"));
    assert_eq!((off.delete, off.resume), (false, false));
    assert!(plan(&shell("failOnMissingOutputs: true")).fail_on_missing_outputs);
    assert!(plan(&shell("version: 1.2.3")).warnings[0].contains("`version`"));
}

#[test]
fn retries() {
    for (line, expected) in [
        (
            "{type: constant, interval: PT10S, maxAttempts: 3}",
            RetryPolicy {
                max_attempts: 3,
                max_duration_seconds: None,
                behavior: Behavior::RetryFailedTask,
                warning_on_retry: false,
                backoff: Backoff::Constant { interval_seconds: 10 },
            },
        ),
        (
            "{type: exponential, interval: PT1S, maxInterval: PT1M, delayFactor: 1.5, maxDuration: PT1H, warningOnRetry: true}",
            RetryPolicy {
                max_attempts: u32::MAX,
                max_duration_seconds: Some(3600),
                behavior: Behavior::RetryFailedTask,
                warning_on_retry: true,
                backoff: Backoff::Exponential { interval_seconds: 1, max_interval_seconds: 60, factor: 1.5 },
            },
        ),
        (
            "{type: random, minInterval: PT1S, maxInterval: PT9S, maxAttempts: 2, behavior: RETRY_FAILED_TASK}",
            RetryPolicy {
                max_attempts: 2,
                max_duration_seconds: None,
                behavior: Behavior::RetryFailedTask,
                warning_on_retry: false,
                backoff: Backoff::Random { min_interval_seconds: 1, max_interval_seconds: 9 },
            },
        ),
    ] {
        assert_eq!(plan(&shell(&format!("retry: {line}"))).retry, expected, "{line}");
    }
}

#[test]
fn a_pod_of_the_authors_own_stays_as_written() {
    let document = "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nnamespace: data\nmetadata: {name: mine, labels: {n: 1}, annotations: {b: true}}\n\
                    spec: {containers: [{name: c, image: i, command: [sh, -c, \"echo $(X) $HOME\"], futureField: {a: null, b: 1}}], futurePodField: x}\n";
    let plan = plan(document);
    assert_eq!(plan.deciding, Deciding::All);
    assert_eq!(plan.target.namespace.as_deref(), Some("data"));
    assert_eq!(
        plan.pod["metadata"],
        json!({"name": "mine", "labels": {"n": "1"}, "annotations": {"b": "true"}})
    );
    assert_eq!(main_of(&plan)["command"], json!(["sh", "-c", "echo $(X) $HOME"]));
    assert_eq!(main_of(&plan)["futureField"]["b"], 1);
    assert_eq!(plan.pod["spec"]["futurePodField"], "x");
    assert_eq!(plan.pod["spec"]["restartPolicy"], "Never");
}

#[test]
fn defaults_reach_init_containers_and_sidecars() {
    let document = "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\ncontainerDefaultSpec: {tty: true}\n\
                    spec: {initContainers: [{name: a, image: i}], containers: [{name: b, image: i}, {name: c, image: i, tty: false}]}\n";
    let spec = &plan(document).pod["spec"];
    let flags: Vec<&Value> = ["/initContainers/0/tty", "/containers/0/tty", "/containers/1/tty"]
        .iter()
        .map(|at| spec.pointer(at).unwrap())
        .collect();
    assert_eq!(flags, [true, true, false]);
}

#[test]
fn the_connection_is_explicit_or_replaced() {
    let document = runner(
        "config: {masterUrl: \"https://example:6443\", oauthToken: t, trustCerts: \"true\", namespace: n}",
    );
    let explicit = plan(&document);
    let ClusterChoice::Explicit(connection) = &explicit.target.cluster else {
        panic!("{:?}", explicit.target)
    };
    assert_eq!(connection.trust_certs, Some(true));
    assert_eq!(explicit.target.namespace.as_deref(), Some("n"));
    let replaced = plan_with(&document, json!({}), true).unwrap();
    assert_eq!(replaced.target.cluster, ClusterChoice::Default);
    assert!(replaced.warnings[0].contains("connection"), "{:?}", replaced.warnings);
}

#[test]
fn what_is_null_in_metadata_was_not_said() {
    let metadata =
        plan(&pod_create("metadata: {labels: {team: null, app: web}, annotations: {note: null, n: 5}}"));
    assert_eq!(
        metadata.pod["metadata"],
        json!({"labels": {"app": "web"}, "annotations": {"n": "5"}}),
        "K-MERGE-04"
    );
}

#[test]
fn numbers_and_flags_of_a_pod_are_what_the_cluster_takes() {
    let document = "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nspec:\n  containers:\n  - {name: c, image: i, args: [--port, 8080], env: [{name: DEBUG, value: true}], securityContext: {runAsUser: '{{ inputs.uid }}'}}\n";
    let planned = plan_with(document, json!({"uid": 1000}), false).unwrap();
    let container = main_of(&planned);
    assert_eq!(container["args"], json!(["--port", "8080"]));
    assert_eq!(container["env"], json!([{"name": "DEBUG", "value": "true"}]));
    assert_eq!(container["securityContext"], json!({"runAsUser": 1000}));
}
