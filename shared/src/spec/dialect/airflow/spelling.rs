//! Objects of the Kubernetes API as Python spells them: `volume_mounts` is `volumeMounts`.

use serde_json::{Map, Value};

use super::super::super::place::Place;

/// Fields whose value is a map with names of the author's own: none of them is spelled otherwise.
const OWN_NAMES: [&str; 11] = [
    "annotations",
    "data",
    "labels",
    "limits",
    "matchLabels",
    "nodeSelector",
    "options",
    "overhead",
    "parameters",
    "requests",
    "volumeAttributes",
];

/// Fields whose name has more than one capital in a row
/// (<https://github.com/kubernetes-client/python/tree/master/kubernetes/client/models>, `attribute_map`).
const CAPITALS: [(&str, &str); 12] = [
    ("dataset_uuid", "datasetUUID"),
    ("disk_uri", "diskURI"),
    ("host_ip", "hostIP"),
    ("host_ipc", "hostIPC"),
    ("host_pid", "hostPID"),
    ("pd_id", "pdID"),
    ("pod_ip", "podIP"),
    ("set_hostname_as_fqdn", "setHostnameAsFQDN"),
    ("storage_policy_id", "storagePolicyID"),
    ("target_ww_ns", "targetWWNs"),
    ("volume_id", "volumeID"),
    ("scale_io", "scaleIO"),
];

/// The object in the spelling of Kubernetes. Null counts as absent, as it does in Python's models.
pub(super) fn kubernetes(value: &Value, place: &Place<'_>) -> Value {
    match value {
        Value::Object(map) => Value::Object(fields(map, place)),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| kubernetes(item, &place.item(index))).collect()
        }
        other => other.clone(),
    }
}

fn fields(map: &Map<String, Value>, place: &Place<'_>) -> Map<String, Value> {
    let mut spelled = Map::new();
    for (key, value) in map.iter().filter(|(_, value)| !value.is_null()) {
        let name = field(key);
        let place = place.at(key);
        let value =
            if OWN_NAMES.contains(&name.as_str()) { without_null(value) } else { kubernetes(value, &place) };
        if spelled.insert(name.clone(), value).is_some() {
            place.wrong(format!("`{key}` is `{name}`, which is there already"));
        }
    }
    spelled
}

fn without_null(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let there = map.iter().filter(|(_, value)| !value.is_null());
            Value::Object(there.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}

/// The name of one field. A leading `_` marks words of Python: `_exec`, `_from`.
fn field(name: &str) -> String {
    if let Some((_, spelled)) = CAPITALS.iter().find(|(python, _)| *python == name) {
        return (*spelled).to_owned();
    }
    let mut spelled = String::with_capacity(name.len());
    let mut raise = false;
    for letter in name.trim_start_matches('_').chars() {
        if letter == '_' {
            raise = true;
        } else if raise {
            spelled.extend(letter.to_uppercase());
            raise = false;
        } else {
            spelled.push(letter);
        }
    }
    spelled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::place::{Notes, Reading};

    #[test]
    fn python_and_kubernetes_spell_the_same_object() {
        for (python, spelled) in [
            (json!({"mount_path": "/a", "read_only": true}), json!({"mountPath": "/a", "readOnly": true})),
            (json!({"mountPath": "/a", "sub_path": null}), json!({"mountPath": "/a"})),
            (json!({"host_pid": true, "host_ip": "::1"}), json!({"hostPID": true, "hostIP": "::1"})),
            (
                json!({"required_during_scheduling_ignored_during_execution": {"node_selector_terms": [{"match_expressions": []}]}}),
                json!({"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": []}]}}),
            ),
            (json!({"se_linux_options": {"level": "a"}}), json!({"seLinuxOptions": {"level": "a"}})),
            (
                json!({"post_start": {"_exec": {"command": ["a_b"]}}}),
                json!({"postStart": {"exec": {"command": ["a_b"]}}}),
            ),
            (json!({"labels": {"my_label": "a_b", "none": null}}), json!({"labels": {"my_label": "a_b"}})),
            (json!({"limits": {"example.com/my_gpu": 1}}), json!({"limits": {"example.com/my_gpu": 1}})),
            (json!({"node_selector": {"disk_type": "ssd"}}), json!({"nodeSelector": {"disk_type": "ssd"}})),
            (
                json!({"csi": {"volume_attributes": {"a_b": "c"}}}),
                json!({"csi": {"volumeAttributes": {"a_b": "c"}}}),
            ),
        ] {
            let notes = Notes::new(Reading::Rendered);
            assert_eq!(kubernetes(&python, &Place::new(&notes, "")), spelled);
            assert_eq!(kubernetes(&spelled, &Place::new(&notes, "")), spelled);
            assert!(notes.into_problems().is_empty());
        }
    }

    #[test]
    fn a_field_is_written_once() {
        let notes = Notes::new(Reading::Rendered);
        kubernetes(&json!({"mount_path": "/a", "mountPath": "/b"}), &Place::new(&notes, "/volume_mounts/0"));
        let problems = notes.into_problems().0;
        assert_eq!(problems.len(), 1);
        assert!(problems[0].message.contains("there already"), "{}", problems[0]);
    }
}
