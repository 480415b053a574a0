//! Airflow: calls of its KubernetesPodOperator, and pods of its KubernetesExecutor.
//!
//! Facts about the provider are those of `apache-airflow-providers-cncf-kubernetes` 10.25
//! (<https://airflow.apache.org/docs/apache-airflow-providers-cncf-kubernetes/stable/operators.html>).

mod arguments;

mod environment;
mod jinja;
mod layers;
mod moment;
mod resources;
mod spelling;
mod template;
mod values;

use serde_json::{Map, Value};

pub(crate) use self::jinja::{Jinja, REFUSED, Surroundings};
pub use self::template::TEMPLATES;
pub(crate) use self::template::{address, attach};
use super::super::catalogue::{EXECUTOR, EXECUTORS, OPERATOR, OPERATORS, Object};
use super::super::conduct::Conduct;
use super::super::fields::Fields;
use super::super::place::Place;
use super::super::pod_create::PodCreate;
use super::super::retry::{Backoff, RetryPolicy};
use super::super::task::{self, Body, Extras, Placement, Task};
use super::super::value_file::ValueFile;
use super::super::worker_group;

/// Where the provider mounts the volume of its return value, the file in it, and the key of the value.
const RETURN_VALUE: (&str, &str, &str) = ("/airflow/xcom", "return.json", "return_value");

/// Name of the base container, unless `base_container_name` says otherwise.
const BASE: &str = "base";

/// Seconds of `startup_timeout_seconds`, as in the provider.
const STARTUP_SECONDS: u64 = 120;

/// Seconds that a base container may run where nothing else is said. Airflow has no limit; here nothing else would ever end a container that hangs.
const RUNNING_SECONDS: u64 = 7 * 24 * 3600;

/// Seconds of `retry_delay` and `max_retry_delay`, as in Airflow.
const RETRY_SECONDS: (u64, u64) = (300, 24 * 3600);

/// The arguments that Airflow renders: `template_fields` of the operator, and those of Longshore. `podTemplate` is the executor's `pod_template_file`.
const TEMPLATED: [&str; 31] = [
    "annotations",
    "arguments",
    "base_container_name",
    "cluster_context",
    "cmds",
    "config_file",
    "configmaps",
    "connection",
    "container_resources",
    "env_from",
    "env_vars",
    "failOnMissingOutputs",
    "fileSidecar",
    "hostname",
    "image",
    "inputFiles",
    "kubernetes_conn_id",
    "labels",
    "name",
    "namespace",
    "node_selector",
    "outputFiles",
    "podOverride",
    "podTemplate",
    "pod_override",
    "pod_template_dict",
    "pod_template_file",
    "resources",
    "trigger_kwargs",
    "volume_mounts",
    "volumes",
];

/// Texts of that argument are templates.
pub(super) fn is_templated(argument: &str) -> bool {
    TEMPLATED.contains(&argument)
}

/// Read a document. `None` when its operator or executor is not known.
pub(crate) fn read(document: &Value, place: Place<'_>, check_connection: bool) -> Option<Task> {
    let fields = Fields::read(document, place)?;
    let (object, kind) = object(&fields)?;
    fields.only(object);
    let id = fields.required_text("task_id");
    let base = fields.text("base_container_name").unwrap_or_else(|| BASE.to_owned());
    fields.object("params");
    let mut warnings = fields.unheard(object);
    if fields.flag("random_name_suffix") == Some(false) {
        warnings.push("the pod's name ends in ten digits of its own in spite of `random_name_suffix`: each attempt has its own pod".to_owned());
    }
    let layers = layers::read(&fields, &base, id.as_deref().unwrap_or_default());
    let startup = fields.seconds("startup_timeout_seconds").unwrap_or(STARTUP_SECONDS);
    let schedule = fields.seconds("schedule_timeout_seconds").unwrap_or(startup);
    let finish = finish_action(&fields);
    let has_value = fields.flag("do_xcom_push").unwrap_or(false);
    Some(Task {
        id: id.unwrap_or_default(),
        kind,
        placement: Placement {
            connection: super::super::connection::read(&fields, "connection", check_connection),
            namespace: layers.namespace,
            inherit_cluster_config: false,
            delete: !matches!(finish.as_str(), "keep_pod" | "delete_active_pod"),
            resume: fields.flag("reattach_on_restart").unwrap_or(true),
            scheduling_seconds: Some(schedule),
            waiting_seconds: Some(startup),
            completion_seconds: Some(fields.seconds("execution_timeout").unwrap_or(RUNNING_SECONDS)),
            late_log_seconds: None,
        },
        inputs: task::inputs(&fields),
        outputs: task::outputs(&fields),
        fail_on_missing_outputs: fields.flag("failOnMissingOutputs").unwrap_or(false),
        timeout_seconds: None,
        retry: retry(&fields),
        cache: None,
        namespace_files: None,
        conduct: Conduct::default(),
        worker_group: worker_group::read(&fields),
        priority: task::priority(&fields),
        container_default: Map::new(),
        carrier: task::carrier(&fields),
        names_version: false,
        extras: Extras {
            flow: fields.text("dag_id"),
            keep_failed: finish == "delete_succeeded_pod",
            skip_exit_codes: fields.codes("skip_on_exit_code"),
            value: has_value.then(|| value_file(&base)),
            warnings,
        },
        body: Body::Pod(PodCreate {
            metadata: layers.metadata,
            spec: layers.spec,
            ready_seconds: None,
            decides: Some(base),
        }),
    })
}

fn value_file(base: &str) -> ValueFile {
    let (directory, file, output) = RETURN_VALUE;
    ValueFile {
        container: base.to_owned(),
        directory: directory.to_owned(),
        file: file.to_owned(),
        output: output.to_owned(),
    }
}

/// Which of the two kinds it is, and the name that was written.
fn object(fields: &Fields<'_>) -> Option<(&'static Object, String)> {
    let (key, object, names): (_, _, &[&str]) = match fields.value("executor") {
        Some(_) => ("executor", &EXECUTOR, &EXECUTORS),
        None => ("operator", &OPERATOR, &OPERATORS),
    };
    let written = fields.required_text(key)?;
    if names.contains(&written.as_str()) {
        return Some((object, written));
    }
    let message = format!("is no {key} whose pods can be run");
    fields.place.at(key).refuse(&written.into(), message, names.join(", "));
    None
}

/// `on_finish_action`, else what `is_delete_operator_pod` said before there was one.
fn finish_action(fields: &Fields<'_>) -> String {
    let place = fields.place.at("on_finish_action");
    let older = match fields.flag("is_delete_operator_pod") {
        Some(false) => "keep_pod",
        Some(true) | None => "delete_pod",
    };
    let Some(written) = fields.text("on_finish_action") else { return older.to_owned() };
    let known = ["delete_pod", "delete_succeeded_pod", "delete_active_pod", "keep_pod"];
    if !place.is_open(&written) && !known.contains(&written.as_str()) {
        place.refuse(&written.as_str().into(), "is nothing to do with a pod", known.join(", "));
    }
    written
}

fn retry(fields: &Fields<'_>) -> Option<RetryPolicy> {
    let (delay, longest) = RETRY_SECONDS;
    let interval_seconds = fields.seconds("retry_delay").unwrap_or(delay);
    let max_interval_seconds = fields.seconds("max_retry_delay").unwrap_or(longest);
    let grows = fields.flag("retry_exponential_backoff").unwrap_or(false);
    let retries = fields.number("retries")?;
    if retries < 0.0 || retries.fract() != 0.0 || retries > f64::from(u16::MAX) {
        fields.place.at("retries").wrong("`retries` is no number of retries: 0, 1, 2 …");
        return None;
    }
    let backoff = if grows {
        Backoff::Exponential { interval_seconds, max_interval_seconds, factor: 2.0 }
    } else {
        Backoff::Constant { interval_seconds: interval_seconds.min(max_interval_seconds) }
    };
    // checked above to be a small whole number
    Some(RetryPolicy { max_attempts: retries as u32 + 1, backoff, ..RetryPolicy::never() })
}
