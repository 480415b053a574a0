//! Layers of a pod laid over each other, by a rule declared for each field.
//!
//! The later layer wins; maps merge deeply; lists whose entries have a key merge by it and every other list is replaced; an explicit `null` in the
//! later layer removes what the earlier one says. See [`rules`] for the table.

pub mod layer;
pub mod rules;

use serde_json::{Map, Value};

/// Lay the fields of one container over another's.
pub fn container(under: &Map<String, Value>, over: &Map<String, Value>) -> Map<String, Value> {
    layer::fields(under, over, rules::CONTAINER)
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
