//! How an object is kept: as its JSON text, which is what clients get, and a seventh of the size of the parsed value.

use super::{Key, Kind, text};
use serde_json::Value;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// One version of one object.
#[derive(Debug)]
pub struct Object {
    json: Box<str>,
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    version: u64,
    parsed: Mutex<Weak<Value>>,
    /// The parsed value of kinds that are few and are asked for all the time.
    held: Option<Arc<Value>>,
}

impl Object {
    pub(super) fn new(kind: Kind, version: u64, value: &Arc<Value>) -> Object {
        let word = |pointer| text(value, pointer).into();
        Object {
            json: value.to_string().into(),
            namespace: word("/metadata/namespace"),
            name: word("/metadata/name"),
            uid: word("/metadata/uid"),
            version,
            parsed: Mutex::new(Arc::downgrade(value)),
            held: (!matches!(kind, Kind::Pod | Kind::Event)).then(|| value.clone()),
        }
    }

    /// Its JSON text.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// Its value: that of whoever has it already, or parsed for this one.
    pub fn value(&self) -> Arc<Value> {
        if let Some(held) = &self.held {
            return held.clone();
        }
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        parsed.upgrade().unwrap_or_else(|| {
            // It was written by this program from a value.
            let value = Arc::new(serde_json::from_str(&self.json).unwrap_or_default());
            *parsed = Arc::downgrade(&value);
            value
        })
    }

    /// Namespace and name.
    pub fn key(&self) -> Key {
        (self.namespace.as_ref().into(), self.name.as_ref().into())
    }

    /// Its namespace; empty for kinds that have none.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `metadata.uid`.
    pub fn uid(&self) -> &str {
        &self.uid
    }

    /// Its `resourceVersion`.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Whether a field of that name may be anywhere in it; a name within a text value is written with backslashes.
    pub fn may_have(&self, field: &str) -> bool {
        self.json.contains(&format!("\"{field}\":"))
    }

    /// Write the JSON text without `kind` and `apiVersion`, as the items of a list have none.
    pub fn write_item(&self, kind: Kind, to: &mut String) {
        let head = format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",", kind.name(), kind.api_version());
        if let Some(rest) = self.json.strip_prefix(&head) {
            to.push('{');
            to.push_str(rest);
            return;
        }
        let mut value = Value::clone(&self.value());
        if let Value::Object(fields) = &mut value {
            fields.shift_remove("kind");
            fields.shift_remove("apiVersion");
        }
        to.push_str(&value.to_string());
    }
}
