//! Layers of a pod laid over each other, by a rule declared for each field.
//!
//! The later layer wins; maps merge deeply; lists whose entries have a key merge by it and every other list is replaced; an explicit `null` in the
//! later layer removes what the earlier one says. See [`rules`] for the table.

pub mod layer;
pub mod rules;

use serde_json::{Map, Value};

/// How a container is laid over a default.
pub type Lay = fn(&Map<String, Value>, &Map<String, Value>) -> Map<String, Value>;

/// Lay the fields of one container over another's.
pub fn container(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    layer::fields(under, over, rules::CONTAINER)
}

/// What is no default for init containers: the API server refuses probes and hooks there, and one that is always started again would not be one.
const NOT_BEFORE_START: [&str; 6] =
    ["lifecycle", "livenessProbe", "readinessProbe", "restartPolicy", "restartPolicyRules", "startupProbe"];

/// A default for all containers as far as it is one for init containers.
pub fn default_before_start(default: &Map<String, Value>) -> Map<String, Value> {
    let fields = default.iter().filter(|(field, _)| !NOT_BEFORE_START.contains(&field.as_str()));
    fields.map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// Lay the fields of an init container over a default for all containers. One that goes on beside the others is a container as they are.
pub fn init_container(default: &Map<String, Value>, own: &Map<String, Value>) -> Map<String, Value> {
    match own.get("restartPolicy").and_then(Value::as_str) {
        Some("Always") => container(default, own),
        _ => container(&default_before_start(default), own),
    }
}

/// Lay one pod spec over another. Containers, init containers and volumes of the same name become one.
pub fn pod_spec(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    layer::fields(under, over, rules::POD_SPEC)
}

/// Lay metadata over metadata: maps deeply, the later text wins, lists one after the other, and a null says nothing.
pub fn metadata(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = under.clone();
    for (key, value) in over.iter().filter(|(_, value)| !value.is_null()) {
        let joined = match (merged.get(key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => Value::Object(metadata(under, over)),
            (Some(Value::Array(under)), Value::Array(over)) => {
                let new = over.iter().filter(|entry| !under.contains(entry));
                Value::Array(under.iter().chain(new).cloned().collect())
            }
            _ => value.clone(),
        };
        merged.insert(key.clone(), joined);
    }
    merged
}

#[cfg(test)]
mod tests;
