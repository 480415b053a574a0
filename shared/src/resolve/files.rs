//! Files in and out of a run, and the carriers that move them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::names::Uses;
use super::plan::{FilePlan, InputFile, InputSource};
use crate::merge;
use crate::spec::container::list;
use crate::spec::flow::Flow;
use crate::spec::layout::{OUTPUT_DIR, VOLUME, VOLUME_PATH, WORKING_DIR};
use crate::spec::namespace_files::{NamespaceFiles, is_namespace};
use crate::spec::place::Place;
use crate::spec::problem::Problem;
use crate::spec::task::{Body, Carrier, Task, WrittenFile};

/// Image of the carriers unless `fileSidecar.image` names another.
const CARRIER_IMAGE: &str = "busybox";

/// What goes in and what comes out. A task has an output directory when it asks for one (`outputDir: true`), or when a template names `outputDir`;
/// script tasks also when a text mentions `OUTPUT_DIR`, since that variable is set for them.
pub(crate) fn plan(task: &Task, flow: Option<&Flow>, uses: Uses, place: &Place<'_>) -> FilePlan {
    let mut inputs: Vec<InputFile> = task.inputs.iter().filter_map(|file| input(file, place)).collect();
    inputs.sort_by(|one, other| one.path.cmp(&other.path));
    let mut outputs = task.outputs.clone();
    let has_output_dir = match &task.body {
        Body::Script(script) => {
            if script.runner.sync_working_directory && !outputs.iter().any(|glob| glob == "**") {
                outputs.push("**".to_owned());
            }
            script.output_dir || uses.output_dir_name || uses.output_dir_variable
        }
        Body::Pod(_) => uses.output_dir_name,
    };
    if has_output_dir && let Some(file) = task.inputs.iter().find(|file| file.path == OUTPUT_DIR) {
        place.note(Problem::new(
            file.pointer.as_str(),
            format!("`{OUTPUT_DIR}` is the output directory; call the file something else"),
        ));
    }
    let mut volume = BTreeMap::new();
    let settings = [("medium", &task.carrier.medium), ("sizeLimit", &task.carrier.size_limit)];
    for (key, value) in settings
        .into_iter()
        .filter_map(|(key, value)| Some((key, value.as_ref().filter(|text| !text.is_empty())?)))
    {
        volume.insert(key.to_owned(), value.clone());
    }
    FilePlan {
        inputs,
        namespace: shared(task, flow, place),
        outputs,
        value: task.extras.value.clone(),
        output_dir: has_output_dir.then(|| OUTPUT_DIR.to_owned()),
        carrier: carrier(&task.carrier, &task.container_default),
        transfer: task.carrier.transfer,
        helper: None,
        volume,
    }
}

/// The shared files: of the namespaces that the task names, else of the flow's.
fn shared(task: &Task, flow: Option<&Flow>, place: &Place<'_>) -> Option<NamespaceFiles> {
    let files = task.namespace_files.clone()?;
    if !files.namespaces.is_empty() {
        return Some(files);
    }
    let place = place.at("namespaceFiles");
    match flow.and_then(|flow| flow.namespace.clone()) {
        Some(namespace) if is_namespace(&namespace) => {
            Some(NamespaceFiles { namespaces: vec![namespace], ..files })
        }
        Some(namespace) => {
            place.wrong(format!("the flow's namespace `{namespace}` cannot be a folder; name `namespaces`"));
            None
        }
        None => {
            place.wrong("does not tell whose files; name `namespaces`, or put the task into a flow with a `namespace`");
            None
        }
    }
}

/// A value of one line that begins with `s3://` names an object; anything else is the content itself.
fn input(file: &WrittenFile, place: &Place<'_>) -> Option<InputFile> {
    let written = file.content.trim_end_matches(['\n', '\r']);
    // several lines are a list of addresses, and that is a content
    let source = if let Some(address) = written.strip_prefix("s3://").filter(|_| !written.contains('\n')) {
        match address.split_once('/') {
            Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
                InputSource::Object { bucket: bucket.to_owned(), key: key.to_owned() }
            }
            _ => {
                let problem =
                    Problem::new(file.pointer.as_str(), format!("`{}` names no object", file.content));
                place.note(problem.accepted("s3://bucket/key, or the content of the file"));
                return None;
            }
        }
    } else if file.content.starts_with("kestra://") {
        let problem = Problem::new(
            file.pointer.as_str(),
            format!("`{}` lies in a Kestra server's storage", file.content),
        );
        place.note(problem.accepted("s3://bucket/key, or the content of the file"));
        return None;
    } else {
        InputSource::Inline(file.content.clone())
    };
    Some(InputFile { path: file.path.clone(), source, executable: false })
}

/// `defaultSpec`, when set, replaces the default for all containers, of which probes and hooks are not meant for carriers; explicit `resources` win over
/// either; `fileSideCarSpec` comes last.
fn carrier(carrier: &Carrier, container_default: &Map<String, Value>) -> Value {
    let own_default = carrier.default_spec.as_ref().filter(|spec| !spec.is_empty());
    let default = own_default.cloned().unwrap_or_else(|| merge::default_before_start(container_default));
    let mut own = Map::new();
    own.insert("image".to_owned(), carrier.image.as_deref().unwrap_or(CARRIER_IMAGE).into());
    if let Some(resources) = &carrier.resources {
        own.insert("resources".to_owned(), Value::Object(resources.clone()));
    }
    let merged = merge::container(&default, &own);
    match &carrier.side_car_spec {
        Some(spec) => Value::Object(merge::container(&merged, spec)),
        None => Value::Object(merged),
    }
}

/// A task that names the working directory but moves no files gets it as a volume of its own, empty and gone with the pod; no carriers are needed.
pub(crate) fn add_plain_working_dir(spec: &mut Map<String, Value>) {
    push(spec, "volumes", json!({ "name": VOLUME, "emptyDir": {} }));
    for key in ["initContainers", "containers"] {
        for container in spec
            .get_mut(key)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            // one whose author has mounted something there works in that
            if !list(container, "volumeMounts").iter().any(|mount| at(mount) == WORKING_DIR) {
                push(container, "volumeMounts", json!({ "name": VOLUME, "mountPath": WORKING_DIR }));
            }
        }
    }
}

/// Where something is mounted, without a slash at the end.
fn at(mount: &Value) -> &str {
    mount.get("mountPath").and_then(Value::as_str).unwrap_or_default().trim_end_matches('/')
}

/// Append to a list that may not be there yet.
pub(crate) fn push(map: &mut Map<String, Value>, key: &str, entry: Value) {
    let list = map.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new()));
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    if let Value::Array(list) = list {
        list.push(entry);
    }
}

/// A mount of the author's at the place of one of ours would make the pod invalid, and one on the working directory would hide the files in it.
pub(crate) fn check_mounts(pod: &Value, files: &FilePlan, place: &Place<'_>) {
    let Some(spec) = pod.get("spec").and_then(Value::as_object) else { return };
    for container in
        ["initContainers", "containers"].iter().flat_map(|key| list(spec, key)).filter_map(Value::as_object)
    {
        for mount in list(container, "volumeMounts") {
            let path = mount.get("mountPath").and_then(Value::as_str).unwrap_or_default();
            let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
            let at = at(mount);
            if let Some(value) = &files.value
                && value.directory == at
                && value.container == name
            {
                place.wrong(format!("the container `{name}` mounts a volume at `{path}`, which is reserved for the return value"));
            }
            if files.is_needed() && [VOLUME_PATH, WORKING_DIR].contains(&at) {
                place.wrong(format!("the container `{name}` mounts a volume at `{path}`, which is reserved for the task's files"));
            }
        }
    }
}
