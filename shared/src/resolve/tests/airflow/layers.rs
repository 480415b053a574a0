//! The layers of a pod: by key, never by position, and the later one wins whatever its value.

use serde_json::{Value, json};

use super::{plan, refused, spec};

fn template(spec: Value) -> Value {
    json!({"metadata": {"name": "template", "labels": {"from": "template", "kept": "yes"}}, "spec": spec})
}

#[test]
fn the_providers_cases_with_ours_where_the_design_differs() {
    for (id, base, arguments, pointer, expected) in [
        (
            "A-REC-03",
            json!({"tolerations": [{"key": "t1"}]}),
            json!({"tolerations": [{"key": "t2"}]}),
            "/tolerations",
            json!([{"key": "t2"}]),
        ),
        (
            "A-REC-04: an empty list wins here",
            json!({"tolerations": [{"key": "t1"}]}),
            json!({"tolerations": []}),
            "/tolerations",
            json!([]),
        ),
        (
            "A-REC-05: maps merge here",
            json!({"nodeSelector": {"a": "1"}}),
            json!({"node_selector": {"b": "2"}}),
            "/nodeSelector",
            json!({"a": "1", "b": "2"}),
        ),
        (
            "A-REC-07: nested maps merge here",
            json!({"containers": [{"name": "base", "resources": {"limits": {"cpu": "1", "memory": "1Gi"}}}]}),
            json!({"container_resources": {"limits": {"cpu": "2"}}}),
            "/containers/0/resources",
            json!({"limits": {"cpu": "2", "memory": "1Gi"}}),
        ),
        (
            "A-REC-08: by name here",
            json!({"containers": [{"name": "side", "image": "s"}, {"name": "base", "image": "img", "args": ["y"]}]}),
            json!({"image": null, "arguments": ["x"]}),
            "/containers",
            json!([{"name": "side", "image": "s"}, {"name": "base", "image": "img", "args": ["x"]}]),
        ),
        (
            "A-REC-09",
            json!({"initContainers": [{"name": "init1", "image": "b", "args": ["a"]}]}),
            json!({"init_containers": [{"name": "init1", "image": "c"}]}),
            "/initContainers",
            json!([{"name": "init1", "image": "c", "args": ["a"]}]),
        ),
        (
            "A-REC-11: one volume of a name here",
            json!({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}]}),
            json!({"volumes": [{"name": "v", "config_map": {"name": "c"}}]}),
            "/volumes",
            json!([{"name": "v", "configMap": {"name": "c"}}, {"name": "w", "emptyDir": {}}]),
        ),
        ("A-REC-14", json!({"restartPolicy": "Always"}), json!({}), "/restartPolicy", json!("Never")),
        (
            "false wins here",
            json!({"hostNetwork": true}),
            json!({"hostnetwork": false}),
            "/hostNetwork",
            json!(false),
        ),
        (
            "variables by name",
            json!({"containers": [{"name": "base", "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}]}),
            json!({"env_vars": {"A": "3", "C": "4"}}),
            "/containers/0/env",
            json!([{"name": "A", "value": "3"}, {"name": "B", "value": "2"}, {"name": "C", "value": "4"}]),
        ),
        (
            "mounts by path",
            json!({"containers": [{"name": "base", "volumeMounts": [{"name": "v", "mountPath": "/d"}]}]}),
            json!({"volume_mounts": [{"name": "w", "mount_path": "/d"}]}),
            "/containers/0/volumeMounts",
            json!([{"name": "w", "mountPath": "/d"}]),
        ),
        (
            "None is not there",
            json!({"hostNetwork": true, "dns_policy": null}),
            json!({}),
            "/hostNetwork",
            json!(true),
        ),
    ] {
        let mut whole = json!({"pod_template_dict": template(base)});
        whole.as_object_mut().unwrap().extend(arguments.as_object().unwrap().clone());
        assert_eq!(spec(whole, pointer), expected, "{id}");
    }
}

#[test]
fn the_layers_come_in_the_order_of_the_provider_and_the_override_last() {
    let image = |image: &str| json!({"spec": {"containers": [{"name": "base", "image": image}]}});
    let mut arguments = json!({"pod_template_dict": image("t"), "image": null});
    for (id, layer, value, expected) in [
        ("template", "pod_template_dict", image("t"), "t"),
        ("full spec", "full_pod_spec", image("f"), "f"),
        ("A-REC-12: argument", "image", json!("a"), "a"),
        ("override", "podOverride", image("o"), "o"),
    ] {
        arguments[layer] = value;
        assert_eq!(spec(arguments.clone(), "/containers/0/image"), expected, "{id}");
    }
    let metadata = |text: &str| json!({"metadata": {"labels": {"a": text, text: "x"}, "namespace": text}});
    let made = plan(
        json!({"pod_template_dict": metadata("one"), "full_pod_spec": metadata("two"), "labels": {"a": "three", "task_id": "mine"}}),
    );
    let labels =
        json!({"a": "three", "one": "x", "two": "x", "task_id": "load", "kubernetes_pod_operator": "True"});
    assert_eq!(made.pod["metadata"]["labels"], labels);
    assert_eq!(made.target.namespace.as_deref(), Some("two"));
    assert_eq!(
        plan(json!({"full_pod_spec": metadata("two"), "namespace": "argument"})).target.namespace.as_deref(),
        Some("argument")
    );
}

#[test]
fn a_layer_that_is_no_pod_is_refused() {
    for (layer, words) in [
        (json!({"spec": []}), "`spec` is no map"),
        (json!({"containers": []}), "`containers` is not part of a pod"),
        (json!({"spec": {"volumes": [{"name": "kestra-files"}]}}), "is reserved"),
        (json!({"spec": {"containers": [{"name": "side"}]}}), "has no `image`"),
    ] {
        let problems = refused(json!({"full_pod_spec": layer}));
        assert!(problems.len() == 1 && problems[0].contains(words), "{layer}: {problems:?}");
    }
}
