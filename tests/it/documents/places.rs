//! The documents of `tests/fixtures/properties.yaml`: each object of the catalogue in its place, with a value for each property.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use shared::pod::{self, Grants, PodIdentity};
use shared::resolve::{self, Context};
use shared::spec::catalogue::{Object, SUBMISSIONS, TASKS};
use shared::spec::problem::Problems;
use shared::spec::read;

/// An object in its place in a document that can be run.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// Its name in the catalogue.
    pub object: String,
    /// JSON pointer to it.
    pub at: String,
    /// The document.
    pub document: Value,
    /// A value for each property.
    pub values: BTreeMap<String, Value>,
    /// Properties that can only be set with another one.
    #[serde(default)]
    pub together: BTreeMap<String, String>,
    /// Properties that are accepted and change nothing, and why.
    #[serde(default)]
    pub unread: BTreeMap<String, String>,
}

/// What becomes of a document: everything that a run is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The caller's run id, the plan, where the answer goes.
    pub plan: Value,
    /// The pod.
    pub pod: Value,
}

/// All places.
pub fn all() -> Vec<Place> {
    let text = include_str!("../../fixtures/properties.yaml");
    serde_saphyr::from_str(text).unwrap()
}

/// Every object of the catalogue.
pub fn objects() -> Vec<&'static Object> {
    let mut open: Vec<&Object> = SUBMISSIONS.into_iter().chain(TASKS).collect();
    let mut seen: Vec<&Object> = Vec::new();
    while let Some(object) = open.pop() {
        if seen.iter().all(|other| other.name != object.name) {
            seen.push(object);
            open.extend(object.properties().flat_map(|property| property.shape.objects()));
        }
    }
    seen
}

impl Place {
    /// The object.
    pub fn object(&self) -> &'static Object {
        objects().into_iter().find(|object| object.name == self.object).unwrap()
    }

    /// The document with a property set to a value, as a JSON tree.
    pub fn with(&self, property: &str, value: &Value) -> Value {
        let mut document = self.document.clone();
        let object = document.pointer_mut(&self.at).and_then(Value::as_object_mut);
        object
            .unwrap_or_else(|| panic!("{} is not at {}", self.object, self.at))
            .insert(property.to_owned(), value.clone());
        document
    }

    /// The document with the sample of a property, and what must stand beside it.
    pub fn with_sample(&self, property: &str) -> Value {
        let mut document = self.with(property, &self.values[property]);
        if let Some(other) = self.together.get(property) {
            let object = document.pointer_mut(&self.at).and_then(Value::as_object_mut).unwrap();
            object.insert(other.clone(), self.values[other].clone());
        }
        document
    }

    /// The document without a property that it may set.
    pub fn without(&self, property: &str) -> Value {
        let mut document = self.document.clone();
        document.pointer_mut(&self.at).and_then(Value::as_object_mut).unwrap().remove(property);
        document
    }
}

/// Read, plan and render a document.
pub fn outcome(document: &Value) -> Result<Outcome, Problems> {
    let submission = read::submission(document.to_string().as_bytes())?;
    let template = json!({"spec": {"containers": [{"name": "base", "image": "busybox", "stdin": true}]}});
    let templates = BTreeMap::from([("config/templates/pod.yaml".to_owned(), template)]);
    let context = Context {
        run_id: "run-1",
        inputs: &submission.inputs,
        trigger: &submission.trigger,
        bucket: "longshore",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &templates,
        replace_connection: false,
    };
    let plan = resolve::plan_of(&submission, &context)?;
    let identity = PodIdentity { run_id: "run-1", attempt: 1, submission_hash: "hash", group: "group" };
    let pod = pod::build(
        &plan,
        &identity,
        Grants { manifest_url: Some("https://example.com/manifest"), ..Grants::default() },
    );
    let plan = json!({
        "runId": submission.run_id, "plan": plan, "answers": submission.asked.addresses,
        "heartbeatSeconds": submission.asked.heartbeat_seconds, "origin": submission.origin,
    });
    Ok(Outcome { plan, pod })
}

/// What differs between two trees, as lines of pointer and value.
pub fn differences(before: &Value, after: &Value, pointer: &str, lines: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => {
            let none = Map::new();
            let keys = before.keys().chain(after.keys().filter(|key| !before.contains_key(*key)));
            for key in keys {
                let of = |map: &Map<String, Value>| {
                    map.get(key).or_else(|| none.get(key)).cloned().unwrap_or_default()
                };
                differences(&of(before), &of(after), &format!("{pointer}/{key}"), lines);
            }
        }
        (Value::Array(before), Value::Array(after)) => {
            for index in 0..before.len().max(after.len()) {
                let of = |list: &[Value]| list.get(index).cloned().unwrap_or_default();
                differences(&of(before), &of(after), &format!("{pointer}/{index}"), lines);
            }
        }
        (before, after) if before == after => {}
        (before, after) => lines.push(format!("{pointer}: {before} -> {after}")),
    }
}
