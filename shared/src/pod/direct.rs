//! A pod whose files a helper moves: `init-files` is the helper, and it runs the program of the container that decides.

use serde_json::{Map, Value, json};

use super::carriers::{append, init_files, mount, prepend};
use super::{Grants, WORKING_DIR};
use crate::resolve::command::literal;
use crate::resolve::plan::Plan;
use crate::resolve::transfer::wrapped;
use crate::spec::layout::{HELPER, HELPER_COPY};

/// Add the helper, volume and mounts.
pub(super) fn add(spec: &mut Map<String, Value>, plan: &Plan, image: &str, grants: Grants<'_>) {
    let mut init = init_files(&plan.files, &[HELPER, "in"], grants);
    if let Value::Object(fields) = &mut init {
        fields.insert("image".to_owned(), image.into());
    }
    // Without outputs there is nothing to be done after the program.
    if let Some((name, url)) = wrapped(plan).zip(grants.grants_url).filter(|_| plan.files.has_outputs()) {
        if let Value::Object(fields) = &mut init {
            append(fields, "env", json!({ "name": "LONGSHORE_INSTALL", "value": HELPER_COPY }));
        }
        let containers = spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            if container.get("name").is_some_and(|own| own == name) {
                wrap(container, url);
            }
        }
    }
    prepend(spec, "initContainers", init);
    mount(spec, &plan.files);
}

/// The helper in front of the program; arguments follow the command as they do without it.
fn wrap(container: &mut Map<String, Value>, grants_url: &str) {
    let mut command = vec![json!(HELPER_COPY), json!("run"), json!("--")];
    if let Some(Value::Array(own)) = container.get("command") {
        command.extend(own.iter().cloned());
    }
    container.insert("command".to_owned(), command.into());
    append(container, "env", json!({ "name": "LONGSHORE_WORKING_DIR", "value": WORKING_DIR }));
    append(container, "env", json!({ "name": "LONGSHORE_GRANTS", "value": literal(grants_url) }));
}
