//! The pod of a script task: main container, sidecars and everything the task runner says.

use serde_json::{Map, Value, json};

use super::command::{Command, Program, script_path};
use super::files;
use super::names::Uses;
use super::plan::{FilePlan, InputFile, InputSource};
use crate::merge;
use crate::spec::container::list;
use crate::spec::label::legal_value;
use crate::spec::layout::{MAIN, WORKING_DIR};
use crate::spec::script::{Form, Language, Script};
use crate::spec::task::Task;

/// Images of script tasks that name none, as in Kestra.
const SHELL_IMAGE: &str = "ubuntu";
const PYTHON_IMAGE: &str = "ghcr.io/kestra-io/pydata:latest";

/// `metadata` and `spec` of the pod. The main container, from weakest to strongest: `containerDefaultSpec`, the container `main` of `podSpec`,
/// `containerSpec`, what is generated from the task. Further containers of `podSpec` are sidecars.
pub(crate) fn pod(
    task: &Task,
    script: &Script,
    files: &mut FilePlan,
    uses: Uses,
    warnings: &mut Vec<String>,
) -> Value {
    let command = command(script);
    if let Some(content) = &command.file {
        files.inputs.push(InputFile {
            path: script_path(),
            source: InputSource::Inline(content.clone()),
            executable: false,
        });
        files.inputs.sort_by(|one, other| one.path.cmp(&other.path));
    }
    let has_volume = files.is_needed() || uses.working_dir_name || uses.working_dir_variable;
    let runner = &script.runner;
    let in_pod_spec = |name: &str| {
        list(&runner.pod_spec, "containers")
            .iter()
            .filter_map(Value::as_object)
            .find(|container| container.get("name").and_then(Value::as_str) == Some(name))
    };
    let under = merge::container(&task.container_default, in_pod_spec(MAIN).unwrap_or(&Map::new()));
    let mut under = merge::container(&under, &runner.container_spec);
    for key in ["command", "args"] {
        if under.remove(key).is_some() {
            warnings.push(format!(
                "`{key}` of the main container is generated from the task; the one in the specs is dropped"
            ));
        }
    }
    let mut main = merge::container(&under, &generated(script, command, files, has_volume));
    let image = match script.language {
        Language::Shell => SHELL_IMAGE,
        Language::Python => PYTHON_IMAGE,
    };
    main.entry("image").or_insert_with(|| image.into());
    main.entry("imagePullPolicy").or_insert_with(|| "Always".into());

    let mut spec = runner.pod_spec.clone();
    let sidecars: Vec<Value> = list(&spec, "containers")
        .iter()
        .filter(|container| container.get("name").and_then(Value::as_str) != Some(MAIN))
        .map(|container| laid(container, merge::container, task, has_volume))
        .collect();
    let first = std::iter::once(Value::Object(main));
    spec.insert("containers".to_owned(), first.chain(sidecars).collect());
    if spec.get("initContainers").is_some_and(Value::is_array) {
        let inits = list(&spec, "initContainers").iter();
        let inits: Value =
            inits.map(|container| laid(container, merge::init_container, task, has_volume)).collect();
        spec.insert("initContainers".to_owned(), inits);
    }
    let mut spec = merge::pod_spec(&spec, &overrides(script));
    spec.entry("restartPolicy").or_insert_with(|| "Never".into());
    if has_volume && !files.is_needed() {
        files::add_plain_working_dir(&mut spec);
    }
    let labels: Map<String, Value> =
        runner.labels.iter().map(|(key, value)| (key.clone(), legal_value(value).into())).collect();
    json!({ "metadata": if labels.is_empty() { json!({}) } else { json!({ "labels": labels }) }, "spec": spec })
}

fn command(script: &Script) -> Command {
    let program = Program {
        interpreter: script.interpreter.as_deref(),
        before: &script.before,
        fail_fast: script.fail_fast,
    };
    match (script.language, script.form) {
        (Language::Python, Form::Script) => {
            program.python(script.program.first().map(String::as_str).unwrap_or_default())
        }
        _ => program.shell(&script.program),
    }
}

/// The part of the main container that nothing in the document can override.
fn generated(script: &Script, command: Command, files: &FilePlan, has_volume: bool) -> Map<String, Value> {
    let mut main = Map::new();
    main.insert("name".to_owned(), MAIN.into());
    if let Some(image) = &script.image {
        main.insert("image".to_owned(), image.as_str().into());
    }
    if let Some(policy) = script.runner.pull_policy {
        main.insert("imagePullPolicy".to_owned(), policy.into());
    }
    main.insert("command".to_owned(), command.words.into());
    let mut env: Vec<(String, String)> = script.env.clone();
    let mut set = |name: &str, value: String| {
        env.retain(|(other, _)| other != name);
        env.push((name.to_owned(), value));
    };
    if has_volume {
        main.insert("workingDir".to_owned(), WORKING_DIR.into());
        set("WORKING_DIR", WORKING_DIR.to_owned());
    }
    if let Some(dir) = &files.output_dir {
        set("OUTPUT_DIR", format!("{WORKING_DIR}/{dir}"));
    }
    if !env.is_empty() {
        let env: Vec<Value> =
            env.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
        main.insert("env".to_owned(), env.into());
    }
    if !script.runner.resources.is_empty() {
        main.insert("resources".to_owned(), Value::Object(script.runner.resources.clone()));
    }
    main
}

/// A container of the author's with the defaults for all under it; it works in the working directory unless it says otherwise.
fn laid(container: &Value, lay: merge::Lay, task: &Task, has_volume: bool) -> Value {
    let Value::Object(own) = container else { return container.clone() };
    let mut merged = lay(&task.container_default, own);
    if has_volume {
        merged.entry("workingDir").or_insert_with(|| WORKING_DIR.into());
    }
    Value::Object(merged)
}

/// What the runner says about the pod as a whole.
fn overrides(script: &Script) -> Map<String, Value> {
    let mut over = Map::new();
    if !script.runner.node_selector.is_empty() {
        let pairs: Map<String, Value> = script
            .runner
            .node_selector
            .iter()
            .map(|(key, value)| (key.clone(), value.as_str().into()))
            .collect();
        over.insert("nodeSelector".to_owned(), pairs.into());
    }
    if let Some(account) = &script.runner.service_account {
        over.insert("serviceAccountName".to_owned(), account.as_str().into());
    }
    over
}
