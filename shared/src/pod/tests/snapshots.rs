use serde_json::{Value, json};

use super::pod;

/// The pod with the carriers' scripts, which are the same everywhere, named instead of printed.
fn reviewed(document: &str) -> Value {
    let mut pod = pod(document);
    for list in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let script = match container["name"].as_str() {
                Some("init-files") => "<init-files.sh>",
                Some("out-files") => "<out-files.sh>",
                _ => continue,
            };
            container["command"][2] = json!(script);
        }
    }
    pod
}

/// The pod is the one that was reviewed.
fn assert_pod(name: &str, document: &str) {
    insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
        insta::assert_json_snapshot!(name, reviewed(document));
    });
}

macro_rules! examples {
    ($($test:ident: $file:literal,)*) => {$(
        #[test]
        fn $test() {
            let document = include_str!(concat!("../../../../infra/examples/", $file));
            assert_pod(stringify!($test), document);
        }
    )*};
}

examples! {
    airflow_executor: "airflow-executor.yaml",
    airflow_operator: "airflow-operator.yaml",
    airflow_transform: "airflow-transform.yaml",
    ee_runner_copy_file: "ee-runner-copy-file.yaml",
    ee_runner_hello: "ee-runner-hello.yaml",
    hello: "hello.yaml",
    pod_create_carrier_limits: "pod-create-carrier-limits.yaml",
    pod_create_files: "pod-create-files.yaml",
    pod_create_launch: "pod-create-launch.yaml",
    pod_create_restricted: "pod-create-restricted.yaml",
    python_script_environment: "python-script-environment.yaml",
    shell_commands_copy_file: "shell-commands-copy-file.yaml",
}

#[test]
fn everything_a_runner_can_say() {
    assert_pod(
        "everything_a_runner_can_say",
        "
id: report
type: io.kestra.plugin.scripts.shell.Script
containerImage: debian:12
script: make report
beforeCommands: [cd /src]
interpreter: [/bin/bash, -c]
failFast: false
env: {LEVEL: debug}
inputFiles: {params.json: '{}'}
outputFiles: ['*.pdf']
outputDir: true
timeout: PT20M
taskRunner:
  type: io.kestra.plugin.ee.kubernetes.runner.kubernetes
  namespace: reports
  pullPolicy: IF_NOT_PRESENT
  labels: {team: data, odd: 'two words'}
  nodeSelector: {disk: ssd}
  serviceAccountName: reporter
  resources: {request: {cpu: 500m}, limit: {memory: 1Gi}}
  waitUntilRunning: PT5M
  containerDefaultSpec: {securityContext: {runAsNonRoot: true}}
  containerSpec: {volumeMounts: [{name: cache, mountPath: /cache}]}
  fileSidecar: {image: alpine, resources: {limits: {cpu: 100m}}, medium: Memory, sizeLimit: 1Gi}
  fileSideCarSpec: {imagePullPolicy: IfNotPresent}
  podSpec:
    activeDeadlineSeconds: 600
    tolerations: [{key: spot, operator: Exists}]
    volumes: [{name: cache, emptyDir: {}}]
    initContainers: [{name: warm, image: busybox, command: [touch, /cache/x]}]
    containers: [{name: proxy, image: envoy}, {name: main, terminationMessagePolicy: FallbackToLogsOnError}]
",
    );
}
