//! The pod of a `PodCreate`: the author's, with the defaults for all containers under it.

use serde_json::{Map, Value, json};

use super::names::Uses;
use super::plan::FilePlan;
use super::{files, scalars};
use crate::merge;
use crate::spec::label::legal_value;
use crate::spec::pod_create::PodCreate;
use crate::spec::task::Task;

/// `metadata` and `spec` of the pod. Commands, arguments and working directories stay as written.
pub(crate) fn pod(task: &Task, pod: &PodCreate, files: &FilePlan, uses: Uses) -> Value {
    let mut spec = pod.spec.clone();
    let kinds: [(&str, merge::Lay); 2] =
        [("initContainers", merge::init_container), ("containers", merge::container)];
    for (key, lay) in kinds {
        for container in spec.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(own) = container {
                *container = Value::Object(lay(&task.container_default, own));
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
    for key in ["labels", "annotations"] {
        if let Some(Value::Object(map)) = metadata.get_mut(key) {
            scalars::said(map);
        }
    }
    if let Some(Value::Object(labels)) = metadata.get_mut("labels") {
        for value in labels.values_mut() {
            *value = legal_value(&text(value)).into();
        }
    }
    json!({ "metadata": metadata, "spec": spec })
}

/// A label is a text; a number or boolean is what its author wrote.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
