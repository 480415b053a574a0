//! Which part of a document each field of the pod comes from.
//!
//! The layers of the document are taken away, from the weakest to the strongest, and the pod is made again each time by the very code that makes
//! pods. A field belongs to the layer with which it changes or goes: that is the strongest one that says it, whatever the rules of merging are.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Grants, PodIdentity, build};
use crate::resolve::{self, Context};
use crate::spec::catalogue::TASKS;
use crate::spec::place::join;
use crate::spec::problem::Problems;
use crate::spec::submission::Submission;

/// A pod, and where each of its leaves comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The pod.
    pub pod: Value,
    /// JSON pointer of a leaf (a text, a number, an empty list …) to the layer: a property of the task such as `taskRunner.containerSpec`,
    /// [`GENERATED`], or [`SYSTEM`].
    pub origins: BTreeMap<String, String>,
}

/// Made from what the task must have: its program, and the defaults of its kind.
pub const GENERATED: &str = "generated";

/// Added by Longshore: names, labels, limits, the carriers' programs.
pub const SYSTEM: &str = "system";

/// Layers below the task's single properties, from the weakest. What is not named here is stronger, each property for itself.
const LAYERS: [&str; 13] = [
    "podTemplate",
    "pod_template_file",
    "pod_template_dict",
    "full_pod_spec",
    "containerDefaultSpec",
    "taskRunner.containerDefaultSpec",
    "taskRunner.podSpec",
    "taskRunner.containerSpec",
    "fileSidecar.defaultSpec",
    "taskRunner.fileSidecar.defaultSpec",
    "fileSidecar",
    "taskRunner.fileSidecar",
    "taskRunner.fileSideCarSpec",
];

/// What is stronger than single properties, or makes whole containers come and go, and therefore goes last.
const LAST: [&str; 6] = [
    "pod_override",
    "podOverride",
    "taskRunner.syncWorkingDirectory",
    "outputDir",
    "outputFiles",
    "inputFiles",
];

/// Make the pod of a submission's first attempt and explain it.
///
/// # Errors
///
/// Every problem of the document.
pub fn explain(
    submission: &Submission,
    context: &Context<'_>,
    identity: &PodIdentity<'_>,
) -> Result<Explained, Problems> {
    let make = |submission: &Submission| -> Result<Value, Problems> {
        let plan = resolve::plan_of(submission, context)?;
        Ok(build(&plan, identity, Grants::default()))
    };
    let pod = make(submission)?;
    let whole = leaves(&pod);
    let mut open: BTreeMap<&String, &Value> = whole.iter().map(|(path, (_, value))| (path, value)).collect();
    let mut origins = BTreeMap::new();
    let mut rest = submission.clone();
    for layer in layers(submission) {
        let mut without = rest.clone();
        // a layer that the others cannot do without stays; what it says counts as generated
        let Some(fewer) = remove(&mut without, &layer).and_then(|()| make(&without).ok()) else { continue };
        let left = leaves(&fewer);
        open.retain(|path, value| {
            let stays = left.get(*path).is_some_and(|(_, other)| other == *value);
            if !stays && let Some((pointer, _)) = whole.get(*path) {
                origins.insert(pointer.clone(), layer.clone());
            }
            stays
        });
        rest = without;
    }
    let task = task_of(&rest).cloned().unwrap_or_default();
    let written = leaves(&task);
    for path in open.keys() {
        let Some((pointer, _)) = whole.get(*path) else { continue };
        // with its templates rendered it need not say the same
        let said = written.contains_key(*path);
        let is_main = path.starts_with("/spec/containers/main/") || *path == "/spec/restartPolicy";
        let origin = match (said, is_main) {
            (true, _) => "spec",
            (false, true) => GENERATED,
            (false, false) => SYSTEM,
        };
        origins.insert(pointer.clone(), origin.to_owned());
    }
    Ok(Explained { pod, origins })
}

/// The optional properties that the document has, as dotted paths below the task, from the weakest layer to the strongest.
fn layers(submission: &Submission) -> Vec<String> {
    let Some(task) = task_of(submission).and_then(Value::as_object) else { return Vec::new() };
    let object = TASKS.iter().find(|object| {
        let kind = task.get(object.tag()).and_then(Value::as_str).unwrap_or_default();
        object.types.contains(&kind.trim())
    });
    let required =
        |key: &str| object.and_then(|object| object.property(key)).is_some_and(|property| property.required);
    let own = task.keys().filter(|key| !required(key) && *key != "taskRunner").cloned();
    let runner = task.get("taskRunner").and_then(Value::as_object);
    let of_runner = runner.into_iter().flat_map(Map::keys).filter(|key| *key != "type");
    let single: Vec<String> = of_runner.map(|key| format!("taskRunner.{key}")).chain(own).collect();
    let is_single = |path: &&String| !LAYERS.contains(&path.as_str()) && !LAST.contains(&path.as_str());
    let named = |paths: &[&str]| paths.iter().map(|path| (*path).to_owned()).collect::<Vec<_>>();
    let mut all = named(&LAYERS);
    all.extend(single.iter().filter(is_single).cloned());
    all.extend(named(&LAST));
    all
}

/// The task of the document, in a flow or alone.
fn task_of(submission: &Submission) -> Option<&Value> {
    let document = &submission.document;
    document.pointer("/tasks/0").or(Some(document))
}

/// Take a property away; `None` when it is not there.
fn remove(submission: &mut Submission, path: &str) -> Option<()> {
    let base = if submission.document.pointer("/tasks/0").is_some() { "/tasks/0" } else { "" };
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let parents = parents.split('.').filter(|part| !part.is_empty());
    let pointer = parents.fold(base.to_owned(), |pointer, part| join(&pointer, part));
    submission.document.pointer_mut(&pointer)?.as_object_mut()?.remove(key).map(drop)
}

/// Each leaf by a path in which entries of lists go by their names, with its JSON pointer.
fn leaves(tree: &Value) -> BTreeMap<String, (String, Value)> {
    let mut found = BTreeMap::new();
    walk(tree, String::new(), String::new(), &mut found);
    found
}

fn walk(value: &Value, path: String, pointer: String, found: &mut BTreeMap<String, (String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                walk(value, join(&path, key), join(&pointer, key), found);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (index, value) in list.iter().enumerate() {
                let index = index.to_string();
                let name = ["mountPath", "devicePath", "name", "ip"]
                    .iter()
                    .find_map(|key| value.get(key)?.as_str())
                    .unwrap_or(&index);
                walk(value, join(&path, name), join(&pointer, &index), found);
            }
        }
        leaf => {
            found.insert(path, (pointer, leaf.clone()));
        }
    }
}
