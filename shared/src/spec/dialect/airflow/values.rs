//! Values as Airflow's arguments have them.

use serde_json::{Map, Value};

use super::super::super::duration;
use super::super::super::fields::{Fields, scalar};
use super::super::super::place::{Place, kind};
use super::spelling;

impl<'a> Fields<'a> {
    /// A whole number of seconds, or a duration.
    pub(super) fn seconds(&self, key: &str) -> Option<u64> {
        let place = self.place.at(key);
        let value = self.value(key)?;
        let seconds = match value {
            Value::Number(number) => number.as_u64(),
            Value::String(text) if place.is_open(text) => return None,
            Value::String(text) => text.trim().parse().ok().or_else(|| duration::seconds(text).ok()),
            _ => None,
        };
        if seconds.is_none() {
            let accepted = format!("a whole number of seconds, or {}", duration::ACCEPTED);
            place.refuse(value, format!("`{key}` is no span of time"), accepted);
        }
        seconds
    }

    /// Exit codes: one, or a list.
    pub(super) fn codes(&self, key: &str) -> Vec<i32> {
        let place = self.place.at(key);
        let code = |value: &Value, place: &Place<'_>| {
            let code = value.as_i64().and_then(|code| i32::try_from(code).ok());
            if code.is_none() {
                place.refuse(value, "is no exit code", "a whole number, or a list of them");
            }
            code
        };
        match self.value(key) {
            None => Vec::new(),
            Some(Value::Array(items)) => {
                items.iter().enumerate().filter_map(|(index, item)| code(item, &place.item(index))).collect()
            }
            Some(Value::String(text)) if place.is_open(text) => Vec::new(),
            Some(Value::String(text)) if text.trim().parse::<i32>().is_ok() => {
                text.trim().parse().into_iter().collect()
            }
            Some(value) => code(value, &place).into_iter().collect(),
        }
    }

    /// A map of texts; null is an empty one.
    pub(super) fn labels(&self, key: &str) -> Option<Map<String, Value>> {
        let map = self.object(key)?;
        let place = self.place.at(key);
        let text = |(name, value): (&String, &Value)| {
            let text = if value.is_null() { Some(String::new()) } else { scalar(value, &place.at(name)) };
            Some((name.clone(), text?.into()))
        };
        Some(map.iter().filter_map(text).collect())
    }

    /// A list of maps, each in the spelling of Kubernetes.
    pub(super) fn maps(&self, key: &str) -> Option<Vec<Value>> {
        let place = self.place.at(key);
        let Value::Array(items) = self.value(key)? else {
            let value = self.value(key)?;
            place.refuse(value, format!("`{key}` is {}", kind(value)), "a list of maps");
            return None;
        };
        let map = |(index, item): (usize, &Value)| {
            if item.is_object() {
                return Some(spelling::kubernetes(item, &place.item(index)));
            }
            place.item(index).refuse(item, format!("is {}", kind(item)), "a map");
            None
        };
        Some(items.iter().enumerate().filter_map(map).collect())
    }

    /// A map in the spelling of Kubernetes.
    pub(super) fn spelled(&self, key: &str) -> Option<Value> {
        self.object(key)?;
        Some(spelling::kubernetes(self.value(key)?, &self.place.at(key)))
    }

    /// A list of names or of maps with a `name`, or a text with commas.
    pub(super) fn names(&self, key: &str) -> Option<Vec<String>> {
        const ACCEPTED: &str = "names, or maps with a `name`";
        let place = self.place.at(key);
        let name = |(index, item): (usize, &Value)| {
            let place = place.item(index);
            match item {
                Value::Object(map) if map.get("name").is_some_and(Value::is_string) => {
                    map.get("name").and_then(Value::as_str).map(str::to_owned)
                }
                Value::Object(_) => {
                    place.refuse(item, "has no `name`", ACCEPTED);
                    None
                }
                other => scalar(other, &place),
            }
        };
        match self.value(key)? {
            Value::Array(items) => Some(items.iter().enumerate().filter_map(name).collect()),
            Value::String(text) => {
                let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
                Some(names.map(str::to_owned).collect())
            }
            other => {
                place.refuse(other, format!("`{key}` is {}", kind(other)), ACCEPTED);
                None
            }
        }
    }
}
