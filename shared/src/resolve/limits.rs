//! How much a task may ask for. What is beyond is told here, before a pod is made that no cluster takes or no container can start.

use serde_json::Value;

use super::plan::FilePlan;
use crate::spec::container::list;
use crate::spec::place::Place;
use crate::spec::problem::Problem;

/// Most containers of a pod, init containers included, carriers not.
pub const MAX_CONTAINERS: usize = 100;

/// Most environment variables of one container.
pub const MAX_VARIABLES: usize = 1000;

/// Most bytes of `NAME=value`: one string that a program is started with has at most 128 KiB in Linux, the NUL at its end included
/// (`MAX_ARG_STRLEN`, <https://man7.org/linux/man-pages/man2/execve.2.html>).
pub const MAX_VARIABLE_BYTES: usize = 128 * 1024 - 1;

/// Most bytes of a pod as JSON: what etcd stores of an object, by default
/// (<https://etcd.io/docs/v3.5/dev-guide/limit/>), with room for what the cluster adds.
pub const MAX_POD_BYTES: usize = 1024 * 1024;

/// Most globs under `outputFiles`.
pub const MAX_GLOBS: usize = 1000;

/// Note everything of a rendered task that is too much.
pub(crate) fn check(pod: &Value, files: &FilePlan, place: &Place<'_>) {
    let note = |message: String, accepted: String| {
        place.note(Problem::new(place.pointer(), message).accepted(accepted));
    };
    let most = |what: &str, found: usize, limit: usize| {
        if found > limit {
            note(format!("has {found} {what}"), format!("at most {limit} {what}"));
        }
    };
    let spec = pod.get("spec").and_then(Value::as_object);
    let containers: Vec<&Value> =
        ["initContainers", "containers"].iter().filter_map(|key| Some(list(spec?, key))).flatten().collect();
    most("containers", containers.len(), MAX_CONTAINERS);
    for container in containers {
        let name = container.get("name").and_then(Value::as_str).unwrap_or_default();
        let variables = container.as_object().map_or(&[][..], |fields| list(fields, "env"));
        most(&format!("environment variables in container `{name}`"), variables.len(), MAX_VARIABLES);
        for variable in variables {
            let text = |key: &str| variable.get(key).and_then(Value::as_str).unwrap_or_default();
            let bytes = text("name").len() + 1 + text("value").len();
            if bytes > MAX_VARIABLE_BYTES {
                note(
                    format!(
                        "the environment variable `{}` of container `{name}` has {bytes} bytes",
                        text("name")
                    ),
                    format!(
                        "at most {MAX_VARIABLE_BYTES} bytes of NAME=value; pass more in a file by `inputFiles`"
                    ),
                );
            }
        }
    }
    most("bytes in its pod, as JSON", pod.to_string().len(), MAX_POD_BYTES);
    most("globs in `outputFiles`", files.outputs.len(), MAX_GLOBS);
}
