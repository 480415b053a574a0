//! `shell` and `python` tasks: commands or a script, run in a container made for them.

use serde_json::{Map, Value};

use super::fields::Fields;
use super::runner::{self, Runner};
use super::task::{Body, Parts};
use super::{catalogue, container};

/// The language of a script task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    Shell,
    Python,
}

/// How the program is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `commands`: a list of shell commands.
    Commands,
    /// `script`: one text in the language.
    Script,
}

/// A script task.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) language: Language,
    pub(crate) form: Form,
    pub(crate) image: Option<String>,
    /// One text per command, or the one script.
    pub(crate) program: Vec<String>,
    pub(crate) interpreter: Option<Vec<String>>,
    pub(crate) before: Vec<String>,
    pub(crate) env: Vec<(String, String)>,
    pub(crate) fail_fast: bool,
    pub(crate) output_dir: bool,
    /// A warning for what is written to standard error was asked for.
    pub(crate) warns_of_standard_error: bool,
    pub(crate) runner: Runner,
}

/// Read a script task.
pub(crate) fn read(task: &Fields<'_>, language: Language, form: Form, check_connection: bool) -> Parts {
    task.only(match form {
        Form::Commands => &catalogue::COMMANDS,
        Form::Script => &catalogue::SCRIPT,
    });
    check_system(task);
    let program = match form {
        Form::Commands => required_commands(task),
        Form::Script => task.required_text("script").into_iter().collect(),
    };
    let interpreter = task.texts("interpreter");
    if interpreter.as_ref().is_some_and(Vec::is_empty) {
        task.place.at("interpreter").wrong("`interpreter` is empty; leave it out for `/bin/sh -c`");
    }
    if let Some(image) = task.value("containerImage") {
        container::check_image(image, &task.place.at("containerImage"));
    }
    // What stands in a variable is not repeated, wrong as it may be.
    let env = task.clone().secret().text_map("env").unwrap_or_default();
    for (name, _) in &env {
        if !task.place.is_open(name) && (name.is_empty() || name.contains(['=', '\0'])) {
            task.place.at("env").at(name).wrong("is no name of an environment variable");
        }
    }
    let runner = runner::read(task, check_connection);
    Parts {
        placement: runner.placement,
        container_default: runner.container_default,
        carrier: runner.carrier,
        names_version: runner.names_version,
        body: Body::Script(Box::new(Script {
            language,
            form,
            image: task.text("containerImage"),
            program,
            interpreter,
            before: task.texts("beforeCommands").unwrap_or_default(),
            env,
            fail_fast: task.flag("failFast").unwrap_or(true),
            output_dir: task.flag("outputDir").unwrap_or(false),
            warns_of_standard_error: task.flag("warningOnStdErr").unwrap_or(false),
            runner: runner.runner,
        })),
    }
}

fn required_commands(task: &Fields<'_>) -> Vec<String> {
    let commands = task.texts("commands").unwrap_or_default();
    let is_list = task.value("commands").is_none_or(|value| value.is_array() || value.is_string());
    if commands.is_empty()
        && is_list
        && task.value("commands").and_then(Value::as_array).is_none_or(Vec::is_empty)
    {
        task.place.wrong("has no `commands`; give at least one");
    }
    commands
}

/// Pods run Linux.
fn check_system(task: &Fields<'_>) {
    if let Some(system) = task.text("targetOS")
        && !["LINUX", "AUTO"].contains(&system.as_str())
        && !task.place.is_open(&system)
    {
        task.place.at("targetOS").refuse(&system.into(), "is not supported", "LINUX, AUTO");
    }
}

/// A copy of a map under a key; empty when there is none.
pub(crate) fn map_of(fields: &Fields<'_>, key: &str) -> Map<String, Value> {
    fields.object(key).unwrap_or_default()
}
