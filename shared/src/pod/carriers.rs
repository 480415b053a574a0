//! The carriers: `init-files` brings files in, `out-files` keeps the volume reachable until they are out.

use serde_json::{Map, Value, json};

use super::{Grants, INIT_CARRIER, OUT_CARRIER, VOLUME, VOLUME_PATH, WORKING_DIR};
use crate::merge;
use crate::resolve::command::literal;
use crate::resolve::plan::{FilePlan, Plan};
use crate::spec::layout::VALUE_VOLUME;

/// Makes the directories and fetches the files of the manifest. Exit codes: 77 a grant has expired (the server said 403), 78 a file is not what the manifest
/// says, 79 there is neither `curl` nor `wget`, 1 anything else. The reason is the termination message.
const INIT_SCRIPT: &str = include_str!("init-files.sh");

/// Sleeps until it is killed. SIGTERM is ignored: while the pod ends, its files may still be collected.
const OUT_SCRIPT: &str = include_str!("out-files.sh");

/// The same in a pod that may stay after its run: it ends once it is told to.
const OUT_KEPT_SCRIPT: &str = include_str!("out-files-kept.sh");

/// Add carriers, volume and mounts where the plan needs them.
pub(super) fn add(spec: &mut Map<String, Value>, plan: &Plan, grants: Grants<'_>) {
    let files = &plan.files;
    if !files.is_needed() {
        return;
    }
    let command = ["/bin/sh", "-c", &literal(INIT_SCRIPT)];
    prepend(spec, "initContainers", init_files(files, &command, grants));
    if files.has_outputs() {
        append(spec, "containers", out_files(plan));
    }
    mount(spec, files);
}

/// The volume of the working directory, in every container.
pub(super) fn mount(spec: &mut Map<String, Value>, files: &FilePlan) {
    for key in ["initContainers", "containers"] {
        for container in spec
            .get_mut(key)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object_mut)
        {
            append(container, "volumeMounts", json!({ "name": VOLUME, "mountPath": VOLUME_PATH }));
        }
    }
    append(spec, "volumes", json!({ "name": VOLUME, "emptyDir": files.volume }));
}

/// The volume of the return value, where there is one: in the container that writes it and in the carrier that keeps it readable.
pub(super) fn add_value(spec: &mut Map<String, Value>, plan: &Plan) {
    let files = &plan.files;
    let Some(value) = &files.value else { return };
    if !files.has_outputs() {
        append(spec, "containers", out_files(plan));
    }
    let mount = json!({ "name": VALUE_VOLUME, "mountPath": value.directory });
    let containers = spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
    for container in containers.filter_map(Value::as_object_mut) {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        if name == value.container || name == OUT_CARRIER {
            append(container, "volumeMounts", mount.clone());
        }
    }
    append(spec, "volumes", json!({ "name": VALUE_VOLUME, "emptyDir": {} }));
}

/// The init container that prepares the working directory and fetches what the manifest lists.
pub(super) fn init_files(files: &FilePlan, command: &[&str], grants: Grants<'_>) -> Value {
    let mut container = container(files, INIT_CARRIER, command);
    if let Value::Object(fields) = &mut container {
        *fields = merge::default_before_start(fields);
    }
    let mut env = vec![json!({ "name": "LONGSHORE_WORKING_DIR", "value": WORKING_DIR })];
    if let Some(dir) = &files.output_dir {
        env.push(
            json!({ "name": "LONGSHORE_OUTPUT_DIR", "value": literal(&format!("{WORKING_DIR}/{dir}")) }),
        );
    }
    if files.has_inputs()
        && let Some(url) = grants.manifest_url
    {
        env.push(json!({ "name": "LONGSHORE_MANIFEST", "value": literal(url) }));
    }
    if let Value::Object(fields) = &mut container {
        for entry in env {
            append(fields, "env", entry);
        }
    }
    container
}

/// The sidecar that keeps the volumes reachable.
fn out_files(plan: &Plan) -> Value {
    let of = |script: &str| container(&plan.files, OUT_CARRIER, &["/bin/sh", "-c", &literal(script)]);
    let Some(mark) = plan.files.end_mark().filter(|_| plan.may_keep()) else { return of(OUT_SCRIPT) };
    let mut carrier = of(OUT_KEPT_SCRIPT);
    if let Value::Object(fields) = &mut carrier {
        append(fields, "env", json!({ "name": "LONGSHORE_ENDED", "value": literal(&mark) }));
    }
    carrier
}

/// A carrier: the merged fields of the plan, with the name and command that make it one.
fn container(files: &FilePlan, name: &str, command: &[&str]) -> Value {
    let mut fields = Map::new();
    fields.insert("name".to_owned(), name.into());
    if let Value::Object(settings) = &files.carrier {
        fields.extend(settings.clone());
    }
    fields.insert("name".to_owned(), name.into());
    fields.insert("command".to_owned(), json!(command));
    fields.remove("args");
    Value::Object(fields)
}

pub(super) fn append(map: &mut Map<String, Value>, key: &str, entry: Value) {
    match map.get_mut(key) {
        Some(Value::Array(list)) => list.push(entry),
        _ => {
            map.insert(key.to_owned(), Value::Array(vec![entry]));
        }
    }
}

pub(super) fn prepend(map: &mut Map<String, Value>, key: &str, entry: Value) {
    match map.get_mut(key) {
        Some(Value::Array(list)) => list.insert(0, entry),
        _ => {
            map.insert(key.to_owned(), Value::Array(vec![entry]));
        }
    }
}
