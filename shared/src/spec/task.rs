//! A task: what all its forms have in common, and how the form is told.

use serde_json::{Map, Value};

use super::cache::{self, TaskCache};
use super::catalogue::{
    self, POD_CREATE_TYPES, PYTHON_COMMANDS, PYTHON_SCRIPT, SHELL_COMMANDS, SHELL_SCRIPT,
};
use super::conduct::{self, Conduct};
use super::connection::Connection;
use super::dialect::{Dialect, airflow};
use super::fields::{Fields, scalar};
use super::flow::{self, Flow};
use super::namespace_files::{self, NamespaceFiles};
use super::place::{Notes, Place, Reading, kind};
use super::pod_create::{self, PodCreate};
use super::problem::{Problem, Problems};
use super::retry::RetryPolicy;
use super::script::{self, Form, Language, Script};
use super::transfer::Transfer;
use super::value_file::ValueFile;
use super::worker_group::{self, WorkerGroup};
use super::{container, glob, name, quantity, retry};

/// A task document that can be read; its templates are still in it.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskDocument {
    /// The flow around the task.
    pub flow: Option<Flow>,
    /// Whose document it is.
    pub dialect: Dialect,
    /// The task as written.
    pub task: Value,
    /// Where the task stands in what was submitted: `""`, `/task`, `/task/tasks/0` ….
    pub pointer: String,
}

/// Read a document of the dialect kestra: a single task, or a flow with one task. `pointer_base` is where the document stood in what was sent.
///
/// # Errors
///
/// Every problem that can be told before templates are rendered.
pub fn parse(document: &Value, pointer_base: &str) -> Result<TaskDocument, Problems> {
    let notes = Notes::new(Reading::Written);
    let found = locate(document, Place::new(&notes, pointer_base)).inspect(|found| {
        Task::read(&found.task, Place::new(&notes, &found.pointer), false);
    });
    let problems = notes.into_problems();
    match found {
        Some(found) if problems.is_empty() => Ok(found),
        _ => Err(problems),
    }
}

/// Find the one task of a document and read the flow around it.
pub(crate) fn locate(document: &Value, place: Place<'_>) -> Option<TaskDocument> {
    if document.get("tasks").is_some() {
        let (flow, task) = flow::read(document, &place);
        let (task, place) = task?;
        let pointer = place.pointer().to_owned();
        return Some(TaskDocument { flow, dialect: Dialect::Kestra, task: task.clone(), pointer });
    }
    if !document.is_object() {
        place.refuse(document, format!("is {}", kind(document)), "a task, or a flow with one task");
        return None;
    }
    let dialect = Dialect::of(document);
    if dialect == Dialect::Kestra && document.get("type").is_none_or(Value::is_null) {
        place.note(
            Problem::new(place.pointer(), "has no `type` and no `tasks`")
                .accepted("a task with a `type`, an `operator` or an `executor`, or a flow with one task"),
        );
        return None;
    }
    Some(TaskDocument { flow: None, dialect, task: document.clone(), pointer: place.pointer().to_owned() })
}

/// A task, typed. Made from every reading; only that of a rendered document is complete.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) body: Body,
    pub(crate) placement: Placement,
    pub(crate) inputs: Vec<WrittenFile>,
    pub(crate) outputs: Vec<String>,
    pub(crate) fail_on_missing_outputs: bool,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) retry: Option<RetryPolicy>,
    pub(crate) cache: Option<TaskCache>,
    pub(crate) namespace_files: Option<NamespaceFiles>,
    pub(crate) conduct: Conduct,
    pub(crate) worker_group: Option<WorkerGroup>,
    pub(crate) priority: i32,
    pub(crate) container_default: Map<String, Value>,
    pub(crate) carrier: Carrier,
    /// A Kestra plugin version was asked for.
    pub(crate) names_version: bool,
    pub(crate) extras: Extras,
}

/// What only some dialects can say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Extras {
    /// Id of the flow that the task is part of.
    pub(crate) flow: Option<String>,
    /// The pod of a run that did not succeed stays.
    pub(crate) keep_failed: bool,
    /// Exit codes that mean a skipped run.
    pub(crate) skip_exit_codes: Vec<i32>,
    /// A file whose value is an output.
    pub(crate) value: Option<ValueFile>,
    /// What the author should know.
    pub(crate) warnings: Vec<String>,
}

/// What runs.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    /// Commands or a script in a container made for them.
    Script(Box<Script>),
    /// The author's own pod.
    Pod(PodCreate),
}

/// Where the pod goes and how long it may take; part of the task runner for scripts, of the task for `PodCreate`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Placement {
    pub(crate) connection: Option<Connection>,
    pub(crate) namespace: Option<String>,
    /// What the connection does not say comes from the deployment's cluster.
    pub(crate) inherit_cluster_config: bool,
    pub(crate) delete: bool,
    pub(crate) resume: bool,
    pub(crate) scheduling_seconds: Option<u64>,
    pub(crate) waiting_seconds: Option<u64>,
    pub(crate) completion_seconds: Option<u64>,
    pub(crate) late_log_seconds: Option<u64>,
}

/// An input file as written.
#[derive(Clone, Debug)]
pub(crate) struct WrittenFile {
    /// Normalised and safe.
    pub(crate) path: String,
    pub(crate) content: String,
    pub(crate) pointer: String,
}

/// Settings of the carriers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Carrier {
    pub(crate) image: Option<String>,
    pub(crate) resources: Option<Map<String, Value>>,
    pub(crate) default_spec: Option<Map<String, Value>>,
    pub(crate) side_car_spec: Option<Map<String, Value>>,
    pub(crate) medium: Option<String>,
    pub(crate) size_limit: Option<String>,
    pub(crate) transfer: Transfer,
}

impl Task {
    /// Read a task. `None` when its type is missing or unknown. `check_connection` says whether a connection in it is going to be used.
    pub(crate) fn read(task: &Value, place: Place<'_>, check_connection: bool) -> Option<Task> {
        if Dialect::of(task) == Dialect::Airflow {
            return airflow::read(task, place, check_connection);
        }
        let fields = Fields::read(task, place)?;
        let written = fields.required_text("type")?;
        let id = fields.required_text("id");
        let parts = match language(&written) {
            Some(Kind::Script(language, form)) => script::read(&fields, language, form, check_connection),
            Some(Kind::PodCreate) => pod_create::read(&fields, check_connection),
            None => {
                fields.place.at("type").refuse(
                    &written.into(),
                    "is no type of task that can be run",
                    types(),
                );
                return None;
            }
        };
        Some(Task {
            id: id.unwrap_or_default(),
            kind: written,
            body: parts.body,
            placement: parts.placement,
            inputs: inputs(&fields),
            outputs: outputs(&fields),
            fail_on_missing_outputs: fields.flag("failOnMissingOutputs").unwrap_or(false),
            timeout_seconds: positive(&fields, "timeout"),
            retry: retry::read(&fields),
            cache: cache::read(&fields),
            namespace_files: namespace_files::read(&fields),
            conduct: conduct::read(&fields),
            worker_group: worker_group::read(&fields),
            priority: priority(&fields),
            container_default: parts.container_default,
            carrier: parts.carrier,
            names_version: parts.names_version | fields.text("version").is_some(),
            extras: Extras::default(),
        })
    }
}

/// What the readers of the two forms find in different places.
pub(crate) struct Parts {
    pub(crate) body: Body,
    pub(crate) placement: Placement,
    pub(crate) container_default: Map<String, Value>,
    pub(crate) carrier: Carrier,
    pub(crate) names_version: bool,
}

enum Kind {
    Script(Language, Form),
    PodCreate,
}

fn language(written: &str) -> Option<Kind> {
    Some(match written.trim() {
        SHELL_COMMANDS => Kind::Script(Language::Shell, Form::Commands),
        SHELL_SCRIPT => Kind::Script(Language::Shell, Form::Script),
        PYTHON_COMMANDS => Kind::Script(Language::Python, Form::Commands),
        PYTHON_SCRIPT => Kind::Script(Language::Python, Form::Script),
        written if POD_CREATE_TYPES.contains(&written) => Kind::PodCreate,
        _ => return None,
    })
}

/// The types of task that can be run, by their first spelling.
fn types() -> String {
    let scripts = [SHELL_COMMANDS, SHELL_SCRIPT, PYTHON_COMMANDS, PYTHON_SCRIPT];
    let types: Vec<&str> = scripts.into_iter().chain(POD_CREATE_TYPES.first().copied()).collect();
    types.join(", ")
}

/// Read what a task runner and a `PodCreate` both say about place and time.
pub(crate) fn placement(fields: &Fields<'_>, connection: &str, check_connection: bool) -> Placement {
    let namespace = fields.text("namespace");
    if let Some(text) = &namespace
        && !fields.place.is_open(text)
        && !name::is_dns_label(text)
    {
        fields.place.at("namespace").refuse(
            &text.as_str().into(),
            "is no Kubernetes namespace",
            "at most 63 of a-z, 0-9 and -",
        );
    }
    let first =
        |one: &'static str, other: &'static str| if fields.value(one).is_some() { one } else { other };
    Placement {
        connection: super::connection::read(fields, connection, check_connection),
        namespace,
        inherit_cluster_config: fields.flag("inheritClusterConfig").unwrap_or(false),
        delete: fields.flag("delete").unwrap_or(true),
        resume: fields.flag("resume").unwrap_or(true),
        scheduling_seconds: None,
        waiting_seconds: positive(fields, "waitUntilRunning"),
        completion_seconds: positive(fields, first("waitUntilCompletion", "waitRunning")),
        late_log_seconds: fields.duration(first("waitForLogs", "waitForLogInterval")),
    }
}

/// `containerDefaultSpec`, checked.
pub(crate) fn container_default(fields: &Fields<'_>) -> Map<String, Value> {
    let default = fields.object("containerDefaultSpec").unwrap_or_default();
    container::check_default(&default, &fields.place.at("containerDefaultSpec"));
    default
}

/// `fileSidecar`, checked.
pub(crate) fn carrier(parent: &Fields<'_>) -> Carrier {
    let Some(fields) = parent.nested("fileSidecar") else { return Carrier::default() };
    fields.only(&catalogue::CARRIER);
    if let Some(image) = fields.value("image") {
        container::check_image(image, &fields.place.at("image"));
    }
    if let Some(resources) = fields.value("resources") {
        container::check_resources(resources, &fields.place.at("resources"));
    }
    let default_spec = fields.object("defaultSpec");
    if let Some(spec) = &default_spec {
        container::check_default(spec, &fields.place.at("defaultSpec"));
    }
    let medium = fields.text("medium");
    if let Some(text) =
        medium.as_deref().filter(|text| !fields.place.is_open(text) && *text != "Memory" && !text.is_empty())
    {
        fields.place.at("medium").refuse(
            &text.into(),
            "is no medium",
            "Memory, or nothing for the node's disk",
        );
    }
    let size_limit = fields.text("sizeLimit");
    if let Some(text) = size_limit.as_deref().filter(|text| !fields.place.is_open(text))
        && let Err(error) = quantity::Quantity::parse(text)
    {
        fields.place.at("sizeLimit").refuse(&text.into(), format!("`{text}` {error}"), quantity::ACCEPTED);
    }
    let transfer = fields.text("transfer").filter(|text| !fields.place.is_open(text));
    let transfer = transfer.and_then(|text| {
        let transfer = Transfer::parse(&text);
        if transfer.is_none() {
            let accepted = Transfer::WORDS.join(", ");
            fields.place.at("transfer").refuse(&text.into(), "is no way of transfer", accepted);
        }
        transfer
    });
    Carrier {
        image: fields.text("image"),
        resources: fields.value("resources").and_then(Value::as_object).cloned(),
        default_spec,
        side_car_spec: None,
        medium,
        size_limit,
        transfer: transfer.unwrap_or_default(),
    }
}

pub(super) fn positive(fields: &Fields<'_>, key: &str) -> Option<u64> {
    let seconds = fields.duration(key)?;
    if seconds == 0 {
        fields.place.at(key).wrong(format!("`{key}` leaves no time"));
        return None;
    }
    Some(seconds)
}

/// `priority`; 0 without one.
pub(super) fn priority(fields: &Fields<'_>) -> i32 {
    written_priority(fields).unwrap_or(0)
}

/// `priority` where there is one.
pub(super) fn written_priority(fields: &Fields<'_>) -> Option<i32> {
    const MOST: f64 = 1000.0;
    let number = fields.number("priority")?;
    if number.fract() != 0.0 || number.abs() > MOST {
        let place = fields.place.at("priority");
        place.refuse(&number.into(), "is no priority", "a whole number from -1000 to 1000");
        return None;
    }
    format!("{number:.0}").parse().ok()
}

/// `outputFiles` as normalised globs.
pub(super) fn outputs(fields: &Fields<'_>) -> Vec<String> {
    let place = fields.place.at("outputFiles");
    let written = fields.texts("outputFiles").unwrap_or_default();
    let mut globs = Vec::with_capacity(written.len());
    for (index, pattern) in written.into_iter().enumerate() {
        if place.is_open(&pattern) {
            continue;
        }
        match glob::normalise(&pattern) {
            Ok(glob) if globs.contains(&glob) => {}
            Ok(glob) => globs.push(glob),
            Err(error) => place.item(index).refuse(
                &pattern.as_str().into(),
                format!("`{pattern}` {error}"),
                glob::ACCEPTED,
            ),
        }
    }
    globs
}

/// Most input files of a task; those of `namespaceFiles` are counted apart.
pub const MAX_INPUT_FILES: usize = 1000;

/// `inputFiles`: a map, or a text that is a JSON object; null drops a file.
pub(super) fn inputs(fields: &Fields<'_>) -> Vec<WrittenFile> {
    const ACCEPTED: &str = "a map from path to content, or such a map as JSON";
    let place = fields.place.at("inputFiles");
    let parsed: Value;
    let map = match fields.value("inputFiles") {
        None => return Vec::new(),
        Some(Value::Object(map)) => map,
        Some(Value::String(text)) => {
            if place.is_open(text) {
                return Vec::new();
            }
            parsed = serde_json::from_str(text).unwrap_or_default();
            match &parsed {
                Value::Object(map) => map,
                _ => {
                    place.refuse(&text.as_str().into(), "is no JSON object", ACCEPTED);
                    return Vec::new();
                }
            }
        }
        Some(other) => {
            place.refuse(other, format!("is {}", kind(other)), ACCEPTED);
            return Vec::new();
        }
    };
    if map.len() > MAX_INPUT_FILES {
        let message = format!("has {} input files", map.len());
        let accepted = format!("at most {MAX_INPUT_FILES} input files; pack them into an archive");
        place.note(Problem::new(place.pointer(), message).accepted(accepted));
        return Vec::new();
    }
    let mut files: Vec<WrittenFile> = Vec::with_capacity(map.len());
    for (written, content) in map.iter().filter(|(_, content)| !content.is_null()) {
        let place = place.at(written);
        let path = if place.is_open(written) { Ok(written.clone()) } else { name::file_path(written) };
        match path {
            Err(error) => {
                place.note(Problem::new(place.pointer(), format!("the file name `{written}` {error}")))
            }
            Ok(path) if files.iter().any(|file| file.path == path) => {
                place.wrong(format!("two input files are called `{path}`"))
            }
            Ok(path) => {
                let Some(content) = scalar(content, &place) else { continue };
                files.push(WrittenFile { path, content, pointer: place.pointer().to_owned() });
            }
        }
    }
    for file in &files {
        if let Some(under) = files
            .iter()
            .find(|other| other.path.strip_prefix(&file.path).is_some_and(|rest| rest.starts_with('/')))
        {
            place.wrong(format!("`{}` is a file and also the folder of `{}`", file.path, under.path));
        }
    }
    files
}
