use serde_json::{Map, Value, json};

use crate::pod::explain::{Explained, explain};
use crate::pod::{Grants, PodIdentity, build};
use crate::resolve::{Context, plan_of};
use crate::spec::answer::Asked;
use crate::spec::submission::Submission;

fn explained(document: Value) -> Explained {
    let submission = Submission {
        run_id: None,
        document,
        inputs: Map::new(),
        trigger: Map::new(),
        pointer_base: String::new(),
        asked: Asked::default(),
        origin: None,
        priority: None,
    };
    let none = Map::new();
    let context = Context {
        run_id: "r",
        inputs: &none,
        trigger: &none,
        bucket: "b",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &std::collections::BTreeMap::new(),
        replace_connection: false,
    };
    let identity = PodIdentity { run_id: "r", attempt: 1, submission_hash: "", group: "" };
    let explained = explain(&submission, &context, &identity).unwrap();
    let plan = plan_of(&submission, &context).unwrap();
    assert_eq!(explained.pod, build(&plan, &identity, Grants::default()));
    explained
}

/// The origins of the leaves that have one, by what stands there.
fn assert_origins(explained: &Explained, expected: &[(&str, &str)]) {
    for (pointer, origin) in expected {
        assert!(explained.pod.pointer(pointer).is_some(), "{pointer} in {:#}", explained.pod);
        assert_eq!(explained.origins.get(*pointer).map(String::as_str), Some(*origin), "{pointer}");
    }
}

#[test]
fn each_field_of_a_script_task_tells_its_layer() {
    let explained = explained(json!({
        "id": "load", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": ["true"], "env": {"MODE": "fast"},
        "outputFiles": ["a"],
        "taskRunner": {
            "type": "io.kestra.plugin.kubernetes.runner.Kubernetes",
            "containerDefaultSpec": {"securityContext": {"runAsUser": 1, "runAsGroup": 1}, "tty": true, "env": [{"name": "D", "value": "d"}]},
            "podSpec": {"containers": [{"name": "main", "stdin": true, "tty": true}, {"name": "side", "image": "s"}], "tolerations": [{"operator": "Exists"}]},
            "containerSpec": {"securityContext": {"runAsUser": 1}},
            "fileSidecar": {"image": "alpine", "defaultSpec": {"securityContext": {"runAsUser": 7}}},
            "nodeSelector": {"disk": "fast"},
            "waitUntilRunning": "PT1M",
        },
    }));
    assert_origins(
        &explained,
        &[
            // said by three layers alike: the strongest has it
            ("/spec/containers/0/tty", "taskRunner.podSpec"),
            ("/spec/containers/0/securityContext/runAsUser", "taskRunner.containerSpec"),
            ("/spec/containers/0/securityContext/runAsGroup", "taskRunner.containerDefaultSpec"),
            ("/spec/containers/0/stdin", "taskRunner.podSpec"),
            ("/spec/containers/0/env/0/value", "taskRunner.containerDefaultSpec"),
            ("/spec/containers/0/env/1/value", "env"),
            ("/spec/containers/0/command/2", "generated"),
            ("/spec/containers/0/image", "generated"),
            ("/spec/containers/1/image", "taskRunner.podSpec"),
            ("/spec/containers/1/tty", "taskRunner.containerDefaultSpec"),
            ("/spec/containers/2/image", "taskRunner.fileSidecar"),
            ("/spec/containers/2/securityContext/runAsUser", "taskRunner.fileSidecar.defaultSpec"),
            ("/spec/containers/2/command/0", "outputFiles"),
            ("/spec/tolerations/0/operator", "taskRunner.podSpec"),
            ("/spec/nodeSelector/disk", "taskRunner.nodeSelector"),
            ("/spec/activeDeadlineSeconds", "taskRunner.waitUntilRunning"),
            ("/spec/restartPolicy", "generated"),
            ("/metadata/labels/longshore.dev~1run-id", "system"),
        ],
    );
}

#[test]
fn the_fields_of_a_pod_create_tell_their_layers() {
    let explained = explained(json!({"id": "f", "tasks": [{
        "id": "load", "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "metadata": {"labels": {"team": "red"}},
        "containerDefaultSpec": {"tty": true},
        "spec": {"containers": [{"name": "main", "image": "busybox"}], "priority": 0},
    }]}));
    assert_origins(
        &explained,
        &[
            ("/spec/containers/0/image", "spec"),
            ("/spec/containers/0/tty", "containerDefaultSpec"),
            ("/spec/priority", "spec"),
            ("/spec/activeDeadlineSeconds", "system"),
            ("/metadata/labels/team", "metadata"),
            ("/metadata/name", "system"),
        ],
    );
}

#[test]
fn every_leaf_has_an_origin() {
    let explained = explained(json!({
        "id": "load", "type": "io.kestra.plugin.scripts.python.Script", "script": "print()", "inputFiles": {"a": "b"},
        "outputDir": true,
    }));
    fn count(value: &Value) -> usize {
        match value {
            Value::Object(map) if !map.is_empty() => map.values().map(count).sum(),
            Value::Array(list) if !list.is_empty() => list.iter().map(count).sum(),
            _ => 1,
        }
    }
    assert_eq!(explained.origins.len(), count(&explained.pod));
}
