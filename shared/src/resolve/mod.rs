//! Templates rendered, defaults filled, nothing optional left: a task document becomes a [`plan::Plan`].

pub mod bounds;
pub mod command;
mod files;
pub mod limits;
mod names;
pub mod plan;
mod pod_create;
pub mod render;
mod scalars;
mod script;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod transfer;
pub mod trigger;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Map, Value};

use self::names::Names;
use self::plan::{ClusterChoice, Limits, Plan, Target, TaskName};
use self::render::Renderer;
use crate::spec::connection::Connection;
use crate::spec::dialect::{Dialect, airflow};
use crate::spec::layout::MAIN;
use crate::spec::place::{Notes, Place, Reading};
use crate::spec::problem::Problems;
use crate::spec::retry::RetryPolicy;
use crate::spec::submission::Submission;
use crate::spec::task::{self, Body, Task, TaskDocument};

/// Seconds from pod creation to the main container's start, unless `waitUntilRunning` says otherwise (Kestra's PT10M).
pub const WAITING_SECONDS: u64 = 600;

/// Seconds from the main container's start to its end, unless `timeout` or `waitUntilCompletion` says otherwise (Kestra's PT1H).
pub const RUNNING_SECONDS: u64 = 3600;

/// Seconds to go on asking for late logs, unless `waitForLogs` says otherwise (Kestra's PT30S).
pub const LATE_LOG_SECONDS: u64 = 30;

/// What a run knows beyond the document.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The run.
    pub run_id: &'a str,
    /// Values for `{{ inputs.… }}`.
    pub inputs: &'a Map<String, Value>,
    /// Values for `{{ trigger.… }}`.
    pub trigger: &'a Map<String, Value>,
    /// The bucket of the deployment.
    pub bucket: &'a str,
    /// When the run is accepted.
    pub accepted_at: Timestamp,
    /// Pod templates of the bucket, by key: at least the one that [`template_key`] tells.
    pub templates: &'a BTreeMap<String, Value>,
    /// The connection in the document is not going to be used: it is read for unknown properties only, and the plan names the default cluster
    /// and warns of it.
    pub replace_connection: bool,
}

/// Plan a document.
///
/// # Errors
///
/// Every problem of templates and of the rendered document.
pub fn plan(document: &TaskDocument, context: &Context<'_>) -> Result<Plan, Problems> {
    let written = Notes::new(Reading::Written);
    let names = Names::new(document, context, &Place::new(&written, ""));
    let uses = names::Uses::of(&document.task);
    let place = Place::new(&written, &document.pointer);
    let mut rendered = Renderer::new(&names).task(&document.task, document.dialect, &place);
    if document.dialect == Dialect::Airflow {
        airflow::attach(&mut rendered, context.bucket, context.templates, &place);
    }
    let template_problems = written.into_problems();
    // with a template that failed the rest is still read, as written, so that all problems come at once
    let reading = if template_problems.is_empty() { Reading::Rendered } else { Reading::Written };
    let notes = Notes::new(reading);
    let task = Task::read(&rendered, Place::new(&notes, &document.pointer), !context.replace_connection);
    let plan = match task {
        Some(task) => {
            let place = Place::new(&notes, &document.pointer);
            Some(assemble(task, document, context, uses, &place))
        }
        None => None,
    };
    let mut problems = template_problems;
    problems.0.extend(notes.into_problems().0);
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => Err(problems),
    }
}

/// The pod template that a submission names, by its key in the bucket; `None` when it names none, or cannot be read. The plan needs it.
pub fn template_key(submission: &Submission, context: &Context<'_>) -> Option<String> {
    let notes = Notes::new(Reading::Written);
    let place = Place::new(&notes, &submission.pointer_base);
    let document = task::locate(&submission.document, place.clone())?;
    if document.dialect != Dialect::Airflow {
        return None;
    }
    let names = Names::new(&document, context, &place);
    let rendered = Renderer::new(&names).task(&document.task, document.dialect, &place);
    let (_, key) = airflow::address(&rendered, context.bucket)?;
    key.starts_with(airflow::TEMPLATES).then(|| key.to_owned())
}

/// Parse and plan a submission: the problems of both stages that can be told at once.
///
/// # Errors
///
/// Every problem of the document, its templates and its values.
pub fn plan_of(submission: &Submission, context: &Context<'_>) -> Result<Plan, Problems> {
    let notes = Notes::new(Reading::Written);
    let document = task::locate(&submission.document, Place::new(&notes, &submission.pointer_base));
    let mut problems = notes.into_problems();
    let Some(document) = document else { return Err(problems) };
    match plan(&document, context) {
        Ok(plan) if problems.is_empty() => {
            Ok(Plan { priority: submission.priority.unwrap_or(plan.priority), ..plan })
        }
        Ok(_) => Err(problems),
        Err(more) => {
            problems.0.extend(more.0);
            Err(problems)
        }
    }
}

fn assemble(
    task: Task,
    document: &TaskDocument,
    context: &Context<'_>,
    uses: names::Uses,
    place: &Place<'_>,
) -> Plan {
    let mut warnings = task.extras.warnings.clone();
    if task.names_version {
        warnings.push("`version` names a version of a Kestra plugin and has no effect here".to_owned());
    }
    if task.conduct.names_log_level {
        warnings.push("`logLevel` has no effect: the log is kept as the containers write it".to_owned());
    }
    if matches!(&task.body, Body::Script(script) if script.warns_of_standard_error) {
        warnings.push(
            "`warningOnStdErr` has no effect: the log of a pod does not tell standard error from standard output"
                .to_owned(),
        );
    }
    let limits = Limits {
        scheduling_seconds: task.placement.scheduling_seconds,
        waiting_seconds: task.placement.waiting_seconds.unwrap_or(WAITING_SECONDS),
        ready_seconds: match &task.body {
            Body::Pod(pod) => pod.ready_seconds,
            Body::Script(_) => None,
        },
        running_seconds: task
            .timeout_seconds
            .or(task.placement.completion_seconds)
            .unwrap_or(RUNNING_SECONDS),
        late_log_seconds: task.placement.late_log_seconds.unwrap_or(LATE_LOG_SECONDS),
    };
    let mut files = files::plan(&task, document.flow.as_ref(), uses, place);
    let (mut pod, deciding) = match &task.body {
        Body::Script(script) => (
            script::pod(&task, script, &mut files, uses, &mut warnings),
            plan::Deciding::Container(MAIN.to_owned()),
        ),
        Body::Pod(pod) => {
            let decides = pod.decides.clone().map_or(plan::Deciding::All, plan::Deciding::Container);
            (pod_create::pod(&task, pod, &files, uses), decides)
        }
    };
    scalars::settle(&mut pod);
    scalars::settle(&mut files.carrier);
    files::check_mounts(&pod, &files, place);
    limits::check(&pod, &files, place);
    if pod.pointer("/spec/restartPolicy").and_then(Value::as_str) == Some("Always") {
        warnings.push(
            "with `restartPolicy: Always` containers start again when they end; set `Never` or `OnFailure`"
                .to_owned(),
        );
    }
    let name = TaskName {
        id: task.id.clone(),
        flow: document.flow.as_ref().map(|flow| flow.id.clone()).or_else(|| task.extras.flow.clone()),
        namespace: document.flow.as_ref().and_then(|flow| flow.namespace.clone()),
        kind: task.kind.clone(),
    };
    Plan {
        task: name,
        target: target(&task, context, place, &mut warnings),
        pod,
        deciding,
        files,
        limits,
        retry: task.retry.clone().unwrap_or_else(RetryPolicy::never),
        delete: task.placement.delete,
        keep_failed: task.extras.keep_failed,
        skip_exit_codes: task.extras.skip_exit_codes.clone(),
        resume: task.placement.resume,
        fail_on_missing_outputs: task.fail_on_missing_outputs,
        skip: task.conduct.skip.clone(),
        cache: task.cache.clone(),
        allow_failure: task.conduct.allow_failure,
        allow_warning: task.conduct.allow_warning,
        priority: task.priority,
        warnings,
    }
}

/// The cluster: the connection's, else that of the worker group. The namespace: the task's, else that in `metadata`, else the connection's.
fn target(task: &Task, context: &Context<'_>, place: &Place<'_>, warnings: &mut Vec<String>) -> Target {
    let in_metadata = match &task.body {
        Body::Pod(pod) => pod.metadata.get("namespace").and_then(Value::as_str).map(str::to_owned),
        Body::Script(_) => None,
    };
    if let (Some(one), Some(other)) = (&task.placement.namespace, &in_metadata)
        && one != other
    {
        place
            .at("metadata")
            .at("namespace")
            .wrong(format!("`{other}` contradicts the task's `namespace`, which is `{one}`"));
    }
    let inherit_cluster_config = task.placement.inherit_cluster_config;
    let connection = task
        .placement
        .connection
        .clone()
        .map(|connection| Connection { inherit_cluster_config, ..connection });
    let namespace = task.placement.namespace.clone().or(in_metadata);
    let namespace =
        namespace.or_else(|| connection.as_ref().and_then(|connection| connection.namespace.clone()));
    let cluster = match connection {
        Some(_) if context.replace_connection => {
            warnings.push("the connection in the document is replaced by the default cluster".to_owned());
            ClusterChoice::Default
        }
        Some(connection) => ClusterChoice::Explicit(Box::new(connection)),
        None => match &task.worker_group {
            Some(group) => ClusterChoice::Named(group.key.clone()),
            None => ClusterChoice::Default,
        },
    };
    let fallback = task.worker_group.as_ref().and_then(|group| group.fallback);
    Target { cluster, namespace, fallback }
}
