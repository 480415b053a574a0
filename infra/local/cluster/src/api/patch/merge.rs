//! Merge patches: RFC 7396, and upstream's strategic kind for the lists that a pod has.

use serde_json::{Map, Value};

/// Merge as RFC 7396 says: null removes, objects merge, anything else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    with_fields(target, |fields| {
        for (field, value) in patch {
            if value.is_null() {
                fields.shift_remove(field);
            } else {
                merge(fields.entry(field.clone()).or_insert(Value::Null), value);
            }
        }
    });
}

/// Change the fields of an object; anything else becomes an object first.
fn with_fields(target: &mut Value, change: impl FnOnce(&mut Map<String, Value>)) {
    if let Value::Object(fields) = target {
        change(fields);
    } else {
        let mut fields = Map::new();
        change(&mut fields);
        *target = Value::Object(fields);
    }
}

/// The key by which a list merges; `None` for lists that are replaced.
fn merge_key(field: &str) -> Option<&'static str> {
    Some(match field {
        "containers" | "initContainers" | "env" | "volumes" | "imagePullSecrets" => "name",
        "volumeMounts" => "mountPath",
        "ports" => "containerPort",
        "conditions" => "type",
        "ownerReferences" => "uid",
        _ => return None,
    })
}

/// Merge strategically: as [`merge`], but the lists of a pod merge by their keys and finalizers as a set.
pub(super) fn strategic(target: &mut Value, patch: &Value, field: &str) {
    match (patch, target) {
        (Value::Object(patch), target) => {
            if patch.get("$patch").and_then(Value::as_str) == Some("replace") {
                let mut whole = patch.clone();
                whole.shift_remove("$patch");
                *target = Value::Object(whole);
                return;
            }
            with_fields(target, |fields| {
                for (name, value) in patch {
                    if let Some(list) = name.strip_prefix("$deleteFromPrimitiveList/") {
                        delete_from(fields.get_mut(list), value);
                    } else if name.starts_with('$') {
                        // $setElementOrder and $retainKeys order and prune; nothing here depends on either.
                    } else if value.is_null() {
                        fields.shift_remove(name);
                    } else {
                        strategic(fields.entry(name.clone()).or_insert(Value::Null), value, name);
                    }
                }
            });
        }
        (Value::Array(patch), Value::Array(target)) if field == "finalizers" => {
            for value in patch {
                if !target.contains(value) {
                    target.push(value.clone());
                }
            }
        }
        (Value::Array(patch), Value::Array(target)) if merge_key(field).is_some() => {
            merge_list(target, patch, merge_key(field).unwrap_or_default());
        }
        (patch, target) => *target = patch.clone(),
    }
}

fn delete_from(list: Option<&mut Value>, values: &Value) {
    if let (Some(Value::Array(list)), Value::Array(values)) = (list, values) {
        list.retain(|value| !values.contains(value));
    }
}

fn merge_list(target: &mut Vec<Value>, patch: &[Value], key: &str) {
    for item in patch {
        let same = |other: &Value| other.get(key) == item.get(key);
        let delete = item.get("$patch").and_then(Value::as_str) == Some("delete");
        if delete {
            target.retain(|other| !same(other));
        } else if let Some(existing) = target.iter_mut().find(|other| same(other)) {
            strategic(existing, item, "");
        } else {
            target.push(item.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_merge_patch_removes_with_null_and_replaces_lists() {
        let mut object = json!({"a": {"b": 1, "c": 2}, "l": [1, 2]});
        merge(&mut object, &json!({"a": {"b": null, "d": 3}, "l": [3]}));
        assert_eq!(object, json!({"a": {"c": 2, "d": 3}, "l": [3]}));
    }

    #[test]
    fn a_strategic_patch_merges_containers_by_name_and_finalizers_as_a_set() {
        let mut pod = json!({"metadata": {"finalizers": ["a/b"]},
                             "spec": {"containers": [{"name": "main", "image": "x", "command": ["sh"]}]}});
        let patch = json!({"metadata": {"finalizers": ["c/d"], "$deleteFromPrimitiveList/finalizers": ["a/b"]},
                           "spec": {"containers": [{"name": "main", "image": "y"}]}});
        strategic(&mut pod, &patch, "");
        assert_eq!(
            pod,
            json!({"metadata": {"finalizers": ["c/d"]},
                   "spec": {"containers": [{"name": "main", "image": "y", "command": ["sh"]}]}})
        );
    }
}
