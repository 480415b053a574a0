use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{container, metadata, pod_spec};

fn map(value: Value) -> Map<String, Value> {
    value.as_object().expect("a map").clone()
}

#[test]
fn metadata_merges_as_the_vectors_say() {
    for (id, first, second, out) in [
        ("K-MERGE-01", json!({"a": 1}), json!({"a": 2}), json!({"a": 2})),
        (
            "K-MERGE-02",
            json!({"m": {"x": 1, "y": 1}}),
            json!({"m": {"y": 2, "z": 3}}),
            json!({"m": {"x": 1, "y": 2, "z": 3}}),
        ),
        ("K-MERGE-03", json!({"l": [1]}), json!({"l": [2]}), json!({"l": [1, 2]})),
        ("K-MERGE-04", json!({"a": 1}), json!({"a": null}), json!({"a": 1})),
        (
            "K-MERGE-06",
            json!({"labels": {"team": "a", "kestra.io/task-id": "mine"}}),
            json!({"labels": {"kestra.io/task-id": "t1"}}),
            json!({"labels": {"team": "a", "kestra.io/task-id": "t1"}}),
        ),
    ] {
        assert_eq!(Value::Object(metadata(&map(first), &map(second))), out, "{id}");
    }
}

#[test]
fn defaults_merge_into_containers_as_decided() {
    for (id, default, own, out) in [
        (
            "K-CDS-01",
            json!({"securityContext": {"runAsUser": 1000, "allowPrivilegeEscalation": false}}),
            json!({"name": "main"}),
            json!({"name": "main", "securityContext": {"runAsUser": 1000, "allowPrivilegeEscalation": false}}),
        ),
        (
            "K-CDS-03",
            json!({"resources": {"limits": {"memory": "256Mi"}}}),
            json!({"resources": {"limits": {"cpu": "1"}}}),
            json!({"resources": {"limits": {"memory": "256Mi", "cpu": "1"}}}),
        ),
        (
            "K-CDS-06: the default with the same path goes",
            json!({"volumeMounts": [{"name": "a", "mountPath": "/tmp"}]}),
            json!({"volumeMounts": [{"name": "b", "mountPath": "/tmp"}]}),
            json!({"volumeMounts": [{"name": "b", "mountPath": "/tmp"}]}),
        ),
        (
            "K-CDS-07: in the default's place, so that later values can refer to it",
            json!({"env": [{"name": "A", "value": "d"}, {"name": "B", "value": "d"}]}),
            json!({"env": [{"name": "C", "value": "c"}, {"name": "A", "value": "c"}]}),
            json!({"env": [{"name": "A", "value": "c"}, {"name": "B", "value": "d"}, {"name": "C", "value": "c"}]}),
        ),
        (
            "whole env entries are replaced",
            json!({"env": [{"name": "A", "value": "d"}]}),
            json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
            json!({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}),
        ),
        (
            "an explicit null removes the default",
            json!({"securityContext": {"runAsUser": 1, "runAsGroup": 2}, "tty": true}),
            json!({"securityContext": {"runAsUser": null}, "tty": null}),
            json!({"securityContext": {"runAsGroup": 2}}),
        ),
        (
            "lists inside objects are replaced",
            json!({"securityContext": {"capabilities": {"drop": ["ALL"]}}}),
            json!({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}),
            json!({"securityContext": {"capabilities": {"drop": ["NET_RAW"]}}}),
        ),
        (
            "ports by number and protocol",
            json!({"ports": [{"containerPort": 53, "name": "d"}, {"containerPort": 53, "protocol": "UDP"}]}),
            json!({"ports": [{"containerPort": 53, "protocol": "TCP", "name": "c"}]}),
            json!({"ports": [{"containerPort": 53, "protocol": "TCP", "name": "c"}, {"containerPort": 53, "protocol": "UDP"}]}),
        ),
        (
            "envFrom by source",
            json!({"envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "s"}}]}),
            json!({"envFrom": [{"secretRef": {"name": "s", "optional": true}}]}),
            json!({"envFrom": [{"secretRef": {"name": "s", "optional": true}}, {"configMapRef": {"name": "s"}}]}),
        ),
        (
            "devices by path",
            json!({"volumeDevices": [{"name": "a", "devicePath": "/dev/x"}]}),
            json!({"volumeDevices": [{"name": "b", "devicePath": "/dev/x"}, {"name": "c", "devicePath": "/dev/y"}]}),
            json!({"volumeDevices": [{"name": "b", "devicePath": "/dev/x"}, {"name": "c", "devicePath": "/dev/y"}]}),
        ),
        (
            "a map does not merge with a text",
            json!({"lifecycle": {"a": 1}}),
            json!({"lifecycle": "x"}),
            json!({"lifecycle": "x"}),
        ),
    ] {
        assert_eq!(Value::Object(container(&map(default), &map(own))), out, "{id}");
    }
}

#[test]
fn containers_of_a_pod_merge_by_name_and_not_by_position() {
    let under = map(
        json!({"containers": [{"name": "side", "image": "s"}, {"name": "base", "image": "img"}], "volumes": [{"name": "v"}]}),
    );
    let over = map(
        json!({"containers": [{"name": "base", "args": ["x"]}], "volumes": [{"name": "v", "emptyDir": {}}]}),
    );
    assert_eq!(
        Value::Object(pod_spec(&under, &over)),
        json!({
            "containers": [{"name": "side", "image": "s"}, {"name": "base", "image": "img", "args": ["x"]}],
            "volumes": [{"name": "v", "emptyDir": {}}],
        }),
        "A-REC-08, A-REC-11"
    );
    let under = map(json!({"initContainers": [{"name": "init1", "image": "b", "args": ["a"]}]}));
    let over = map(json!({"initContainers": [{"name": "init1", "image": "c"}]}));
    assert_eq!(
        Value::Object(pod_spec(&under, &over)),
        json!({"initContainers": [{"name": "init1", "image": "c", "args": ["a"]}]}),
        "A-REC-09"
    );
}

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<u8>().prop_map(Value::from),
        "[a-c]{0,2}".prop_map(Value::from)
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::Array),
            prop::collection::btree_map("[a-d]", inner, 0..4)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
        ]
    })
}

fn named(fields: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    ("[a-c]", fields).prop_map(|(name, extra)| json!({ "name": name, "extra": extra }))
}

fn layer() -> impl Strategy<Value = Map<String, Value>> {
    let env = prop::collection::vec(
        ("[A-C]", leaf()).prop_map(|(name, value)| json!({"name": name, "value": value})),
        0..4,
    );
    let container = ("[a-c]", env, tree())
        .prop_map(|(name, env, extra)| json!({"name": name, "env": env, "securityContext": extra}));
    (prop::collection::vec(container, 0..3), prop::collection::vec(named(leaf()), 0..3), tree()).prop_map(
        |(containers, volumes, extra)| {
            map(json!({"containers": containers, "volumes": volumes, "affinity": extra}))
        },
    )
}

fn names(spec: &Map<String, Value>) -> Vec<String> {
    let list = spec.get("containers").and_then(Value::as_array).cloned().unwrap_or_default();
    list.iter().filter_map(|entry| entry.get("name")?.as_str().map(str::to_owned)).collect()
}

proptest! {
    #[test]
    fn merging_the_same_layer_again_changes_nothing(under in layer(), over in layer()) {
        let once = pod_spec(&under, &over);
        prop_assert_eq!(pod_spec(&once, &over), once);
    }

    #[test]
    fn the_later_layer_wins(under in layer(), over in layer()) {
        let merged = pod_spec(&under, &over);
        for (key, value) in &over {
            match value {
                Value::Null => prop_assert!(!merged.contains_key(key)),
                Value::Object(_) | Value::Array(_) => prop_assert!(merged.contains_key(key)),
                leaf => prop_assert_eq!(merged.get(key), Some(leaf)),
            }
        }
    }

    #[test]
    fn no_container_is_lost(under in layer(), over in layer()) {
        let merged = names(&pod_spec(&under, &over));
        for name in names(&under).iter().chain(&names(&over)) {
            prop_assert!(merged.contains(name), "{} in {:?}", name, merged);
        }
    }

    #[test]
    fn an_empty_layer_changes_nothing_but_nulls(under in layer()) {
        let clean = pod_spec(&Map::new(), &under);
        prop_assert_eq!(pod_spec(&clean, &Map::new()), clean);
    }
}
