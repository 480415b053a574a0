//! Airflow's documents: the provider's documented cases, with ours where they differ.

mod arguments;
mod executor;
mod jinja;
mod layers;

use serde_json::{Value, json};

use super::{plan_submission, told};
use crate::resolve::plan::Plan;
use crate::spec::problem::Problems;
use crate::spec::read;

/// Plan a call of the operator with these arguments.
fn planned(arguments: Value, inputs: Value) -> Result<Plan, Problems> {
    let mut document = json!({"operator": "KubernetesPodOperator", "task_id": "load", "image": "busybox"});
    if let (Some(document), Value::Object(arguments)) = (document.as_object_mut(), arguments) {
        document.extend(arguments);
        document.retain(|_, value| !value.is_null());
    }
    let submission = read::submission(document.to_string().as_bytes())?;
    plan_submission(&submission, inputs, false)
}

fn plan(arguments: Value) -> Plan {
    planned(arguments.clone(), json!({}))
        .unwrap_or_else(|problems| panic!("{arguments}: {:?}", told(&problems)))
}

fn refused(arguments: Value) -> Vec<String> {
    match planned(arguments.clone(), json!({})) {
        Ok(_) => panic!("planned: {arguments}"),
        Err(problems) => told(&problems),
    }
}

/// A part of the pod spec that the arguments make.
fn spec(arguments: Value, pointer: &str) -> Value {
    plan(arguments).pod.pointer(&format!("/spec{pointer}")).cloned().unwrap_or_default()
}

/// A part of the base container, which is the only one.
fn base(arguments: Value, pointer: &str) -> Value {
    spec(arguments, &format!("/containers/0{pointer}"))
}
