use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::plan_submission;
use crate::pod::{self, Grants, PodIdentity};
use crate::spec::answer::Asked;
use crate::spec::submission::Submission;
use crate::spec::task;

/// A document that uses most properties, as a start for mangling.
fn whole() -> Value {
    json!({
        "id": "f",
        "namespace": "n",
        "inputs": [{"id": "x", "type": "STRING", "defaults": "d"}],
        "tasks": [{
            "id": "t",
            "type": "io.kestra.plugin.scripts.shell.Commands",
            "commands": ["echo {{ inputs.x }}"],
            "containerImage": "busybox",
            "env": {"A": "b"},
            "inputFiles": {"a.txt": "x"},
            "outputFiles": ["*.txt"],
            "timeout": "PT5M",
            "retry": {"type": "constant", "interval": "PT1S", "maxAttempts": 2},
            "taskRunner": {
                "type": "io.kestra.plugin.kubernetes.runner.Kubernetes",
                "namespace": "data",
                "config": {"masterUrl": "https://example", "oauthToken": "t"},
                "podSpec": {"containers": [{"name": "side", "image": "s"}], "volumes": [{"name": "v", "emptyDir": {}}]},
                "containerDefaultSpec": {"securityContext": {"runAsUser": 1}, "env": [{"name": "E", "value": "e"}]},
                "containerSpec": {"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
                "fileSidecar": {"image": "busybox", "resources": {"limits": {"cpu": "1"}}},
                "resources": {"request": {"cpu": "500m"}},
                "labels": {"a": "b"},
                "delete": "true",
            },
        }],
    })
}

const ODD: [&str; 11] = [
    "{{ inputs.x }}",
    "{{ a",
    "{% for",
    "PT5M",
    "s3://b/k",
    "../x",
    "main",
    "init-files",
    "{{ '{#' }}",
    "[a",
    "\u{0}",
];

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(ODD.as_slice()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map("[a-z./]{0,6}|name|image|env", inner, 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

/// Pointers of every value in a tree.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(map) => {
            map.iter().for_each(|(key, inner)| pointers(inner, &format!("{at}/{key}"), all))
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, inner)| pointers(inner, &format!("{at}/{index}"), all))
        }
        _ => {}
    }
}

fn mangled() -> impl Strategy<Value = Value> {
    prop::collection::vec((any::<prop::sample::Index>(), anything()), 1..4).prop_map(|changes| {
        let mut document = whole();
        for (index, value) in changes {
            let mut all = Vec::new();
            pointers(&document, "", &mut all);
            let at = index.get(&all).clone();
            if let Some(place) = document.pointer_mut(&at) {
                *place = value;
            }
        }
        document
    })
}

fn check(document: Value) -> Result<(), TestCaseError> {
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
    let _ = task::parse(&submission.document, "");
    match plan_submission(&submission, json!({}), false) {
        Ok(plan) => {
            let identity = PodIdentity { run_id: "r", attempt: 1, submission_hash: "h", group: "g" };
            let pod = pod::build(&plan, &identity, Grants::default());
            prop_assert_eq!(&pod, &pod::build(&plan, &identity, Grants::default()));
            let name = pod["metadata"]["name"].as_str().unwrap_or_default();
            prop_assert!(crate::spec::name::is_dns_label(name), "{}", name);
        }
        Err(problems) => prop_assert!(!problems.is_empty()),
    }
    Ok(())
}

#[test]
fn the_document_is_right_before_it_is_mangled() {
    let submission = Submission {
        run_id: None,
        document: whole(),
        inputs: Map::new(),
        trigger: Map::new(),
        pointer_base: String::new(),
        asked: Asked::default(),
        origin: None,
        priority: None,
    };
    plan_submission(&submission, json!({}), false).unwrap();
}

proptest! {
    #[test]
    fn any_mangled_document_gives_a_plan_or_problems(document in mangled()) {
        check(document)?;
    }

    #[test]
    fn any_tree_gives_a_plan_or_problems(document in anything()) {
        check(document)?;
    }

    #[test]
    fn any_template_gives_a_text_or_a_problem(text in "[{}%# a-z.'|()\\[\\]0-9+*-]{0,40}") {
        check(json!({"id": "t", "type": "io.kestra.plugin.scripts.shell.Commands", "commands": [text]}))?;
    }
}
