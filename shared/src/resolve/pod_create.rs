//! The pod of a `PodCreate`: the author's, with the defaults for all containers under it.

use serde_json::{Map, Value, json};

use super::files;
use super::names::Uses;
use super::plan::FilePlan;
use crate::merge;
use crate::spec::label::legal_value;
use crate::spec::pod_create::PodCreate;
use crate::spec::task::Task;

/// `metadata` and `spec` of the pod. Commands, arguments and working directories stay as written.
pub(crate) fn pod(task: &Task, pod: &PodCreate, files: &FilePlan, uses: Uses) -> Value {
    let mut spec = pod.spec.clone();
    for key in ["initContainers", "containers"] {
        for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(own) = container {
                *container = Value::Object(merge::container(&task.container_default, own));
            }
        }
    }
    let mut spec = merge::pod_spec(&Map::new(), &spec);
    spec.entry("restartPolicy").or_insert_with(|| "Never".into());
    if uses.working_dir_name && !files.is_needed() {
        files::add_plain_working_dir(&mut spec);
    }
    let mut metadata = merge::metadata(&Map::new(), &pod.metadata);
    metadata.remove("namespace");
    if let Some(Value::Object(labels)) = metadata.get_mut("labels") {
        for value in labels.values_mut() {
            *value = legal_value(&text(value)).into();
        }
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        for value in annotations.values_mut() {
            *value = text(value).into();
        }
    }
    json!({ "metadata": metadata, "spec": spec })
}

/// Labels and annotations are texts; a number or boolean is what its author wrote.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
