//! What a document may say: every property of every object in it, declared once.
//!
//! The readers accept what stands here ([`super::fields::Fields::only`]), and the schema and the reference are written from it, so that what is
//! accepted and what is documented cannot differ. What a value means is the readers' business.

mod airflow;
mod airflow_only;
mod carrier;
mod clusters;
mod connection;
mod envelope;
mod flow;
mod pod_create;
mod property;
mod retry;
mod rule;
mod runner;
mod script;
mod task;

pub use airflow::{EXECUTOR, EXECUTORS, OPERATOR, OPERATORS};
pub use carrier::CARRIER;
pub use clusters::{CLUSTER, CLUSTER_NAMESPACE, CLUSTERS, EKS_CLUSTER, WORKER_GROUP};
pub use connection::{CONNECTION, EKS_TOKEN, TOKEN_PROVIDER};
pub use envelope::{ENVELOPE, REPLY_TO, STEP_FUNCTIONS};
pub use flow::{FLOW, FLOW_INPUT};
pub use pod_create::{POD_CREATE, POD_CREATE_TYPES, POD_METADATA};
pub use property::{Object, Property, Shape, Status};
pub use retry::{CONSTANT, EXPONENTIAL, RANDOM, RETRIES};
pub use rule::{RULE, RULE_SIZE};
pub use runner::{AMOUNTS, RESOURCES, RUNNER, RUNNER_TYPES};
pub use script::{COMMANDS, PYTHON_COMMANDS, PYTHON_SCRIPT, SCRIPT, SHELL_COMMANDS, SHELL_SCRIPT};
pub use task::{NAMESPACE_FILES, TASK_CACHE};

/// The kinds of task, told apart by their `type`, `operator` or `executor`.
pub const TASKS: [&Object; 5] = [&COMMANDS, &SCRIPT, &POD_CREATE, &OPERATOR, &EXECUTOR];

/// Everything that can be submitted: a task as it is, a flow around one, an envelope around either.
pub const SUBMISSIONS: [&Object; 2] = [&FLOW, &ENVELOPE];

/// Every object that can stand in a submission, once.
pub fn objects() -> Vec<&'static Object> {
    let mut open: Vec<&Object> = SUBMISSIONS.into_iter().chain(TASKS).collect();
    let mut seen: Vec<&Object> = Vec::new();
    while let Some(object) = open.pop() {
        if seen.iter().any(|other| other.name == object.name) {
            continue;
        }
        seen.push(object);
        open.extend(object.properties().flat_map(|property| property.shape.objects()));
    }
    seen
}

/// Every property whose value is never shown: names of object and property.
pub fn secrets() -> Vec<(&'static str, &'static str)> {
    let of = |object: &'static Object| {
        object.properties().filter(|property| property.secret).map(|property| (object.name, property.name))
    };
    objects().into_iter().flat_map(of).collect()
}

#[cfg(test)]
mod tests;
