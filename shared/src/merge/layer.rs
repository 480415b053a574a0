//! Laying one layer over another by the rules of a table.

use serde_json::{Map, Value};

use super::rules::{FieldRule, Key, Rule, Same};

/// The fields of `over` laid over those of `under`. Order: the fields of `under`, then the new ones of `over`.
pub fn fields(
    under: &Map<String, Value>,
    over: &Map<String, Value>,
    rules: &[FieldRule],
) -> Map<String, Value> {
    let mut merged: Map<String, Value> = Map::new();
    let new = over.keys().filter(|key| !under.contains_key(*key));
    for key in under.keys().chain(new) {
        let rule = rule_of(rules, key);
        let value = match (under.get(key), over.get(key)) {
            // null means "not there", so it never stays
            (_, Some(Value::Null)) | (Some(Value::Null) | None, None) => continue,
            (Some(value), None) => alone(value, rule),
            (None | Some(Value::Null), Some(value)) => alone(value, rule),
            (Some(under), Some(over)) => join(under, over, rule),
        };
        merged.insert(key.clone(), value);
    }
    merged
}

/// A value that only one layer has: the same, without nulls in the maps that merge.
fn alone(value: &Value, rule: Option<Rule>) -> Value {
    match value {
        Value::Object(map) => join(&Value::Object(Map::new()), &Value::Object(map.clone()), rule),
        Value::Array(list) => match rule {
            Some(Rule::ByKey(key, same)) => Value::Array(entries(&[], list, key, same)),
            _ => value.clone(),
        },
        other => other.clone(),
    }
}

fn rule_of(rules: &[FieldRule], key: &str) -> Option<Rule> {
    rules.iter().find(|rule| rule.field == key).map(|rule| rule.rule)
}

fn join(under: &Value, over: &Value, rule: Option<Rule>) -> Value {
    match (under, over, rule) {
        (Value::Object(under), Value::Object(over), Some(Rule::Fields(rules))) => {
            Value::Object(fields(under, over, rules))
        }
        (Value::Object(under), Value::Object(over), _) => Value::Object(fields(under, over, &[])),
        (Value::Array(under), Value::Array(over), Some(Rule::ByKey(key, same))) => {
            Value::Array(entries(under, over, key, same))
        }
        (_, over, _) => alone(over, rule),
    }
}

/// Entries of two lists by key, each key where it first stands: those of `under`, then what `over` adds.
fn entries(under: &[Value], over: &[Value], key: Key, same: Same) -> Vec<Value> {
    let mut placed: Vec<String> = Vec::new();
    let mut merged = Vec::with_capacity(under.len() + over.len());
    for name in under.iter().chain(over).map(|entry| key.of(entry)) {
        if placed.contains(&name) {
            continue;
        }
        let of = |list: &'_ [Value]| {
            list.iter().filter(|entry| key.of(entry) == name).cloned().collect::<Vec<_>>()
        };
        let (earlier, later) = (of(under), of(over));
        match same {
            Same::Replaced => merged.extend(if later.is_empty() { earlier } else { later }),
            Same::Merged(rules) => {
                let rule = Some(Rule::Fields(rules));
                let layers = earlier.into_iter().chain(later);
                merged.extend(
                    layers.map(|entry| alone(&entry, rule)).reduce(|under, over| join(&under, &over, rule)),
                );
            }
        }
        placed.push(name);
    }
    merged
}
