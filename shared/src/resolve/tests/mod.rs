//! Plans of documents, and problems of documents that cannot be planned.

mod airflow;
mod conduct;
mod files;
mod layers;
mod mangled;
mod problems;
mod templates;

use serde_json::{Map, Value, json};

use super::plan::Plan;
use super::{Context, plan_of};
use crate::spec::problem::Problems;
use crate::spec::read;
use crate::spec::submission::Submission;

/// Plan a YAML document with these inputs.
pub(super) fn plan_with(document: &str, inputs: Value, replace_connection: bool) -> Result<Plan, Problems> {
    let submission = read::submission(document.as_bytes())?;
    plan_submission(&submission, inputs, replace_connection)
}

pub(super) fn plan_submission(
    submission: &Submission,
    inputs: Value,
    replace_connection: bool,
) -> Result<Plan, Problems> {
    let inputs = inputs.as_object().cloned().unwrap_or_default();
    let trigger: Map<String, Value> =
        json!({"bucket": "drop", "key": "in/a.csv"}).as_object().cloned().unwrap_or_default();
    plan_of(
        submission,
        &Context {
            run_id: "run-1",
            inputs: &inputs,
            trigger: &trigger,
            bucket: "longshore",
            accepted_at: jiff::Timestamp::UNIX_EPOCH,
            templates: &std::collections::BTreeMap::new(),
            replace_connection,
        },
    )
}

/// Plan a YAML document that must be right.
pub(super) fn plan(document: &str) -> Plan {
    match plan_with(document, json!({}), false) {
        Ok(plan) => plan,
        Err(problems) => panic!("{}", told(&problems).join("\n")),
    }
}

/// The problems of a document that must be wrong, as they are printed.
pub(super) fn refused(document: &str) -> Vec<String> {
    match plan_with(document, json!({}), false) {
        Ok(plan) => panic!("planned: {plan:?}"),
        Err(problems) => told(&problems),
    }
}

pub(super) fn told(problems: &Problems) -> Vec<String> {
    problems.0.iter().map(ToString::to_string).collect()
}

/// A shell task with further lines of YAML.
pub(super) fn shell(more: &str) -> String {
    format!("id: t\ntype: io.kestra.plugin.scripts.shell.Commands\ncommands: [\"true\"]\n{more}")
}

/// A shell task with further lines of YAML in its task runner.
pub(super) fn runner(more: &str) -> String {
    let indented: String = more.lines().map(|line| format!("  {line}\n")).collect();
    shell(&format!("taskRunner:\n  type: io.kestra.plugin.kubernetes.runner.Kubernetes\n{indented}"))
}

/// A `PodCreate` with one container and further lines of YAML.
pub(super) fn pod_create(more: &str) -> String {
    format!(
        "id: t\ntype: io.kestra.plugin.kubernetes.core.PodCreate\nspec: {{containers: [{{name: c, image: busybox}}]}}\n{more}"
    )
}

/// The main container of a plan.
pub(super) fn main_of(plan: &Plan) -> &Value {
    plan.pod.pointer("/spec/containers/0").expect("a container")
}
