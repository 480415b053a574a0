//! Labels and annotations that Longshore puts on its pods.

use serde_json::{Map, Value};

use super::PodIdentity;
pub use super::identity::identity_of;
use crate::resolve::plan::Plan;
pub use crate::spec::label::legal_value;

/// Label that selects every pod of Longshore.
pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// Its value.
pub const MANAGER: &str = "longshore";
/// Label selector of all of them.
pub const MANAGED_SELECTOR: &str = "app.kubernetes.io/managed-by=longshore";
/// Run id; as a label made legal, as an annotation exact.
pub const RUN_ID: &str = "longshore.dev/run-id";
/// Number of the attempt, from 1; label and annotation.
pub const ATTEMPT: &str = "longshore.dev/attempt";
/// Id of the task.
pub const TASK: &str = "longshore.dev/task-id";
/// Id of the flow, when there is one.
pub const FLOW: &str = "longshore.dev/flow-id";
/// The author's namespace, when there is one; not Kubernetes'.
pub const FLOW_NAMESPACE: &str = "longshore.dev/flow-namespace";
/// Annotation: hex SHA-256 of the submission.
pub const SUBMISSION_HASH: &str = "longshore.dev/submission-hash";
/// Annotation: fingerprint of the cluster connection.
pub const GROUP: &str = "longshore.dev/group";
/// Annotation `true`: the pod stays after its run, or may (`delete: false`, a failure whose pod is kept).
pub const KEEP: &str = "longshore.dev/keep";

/// The system labels of a pod.
pub(super) fn of(plan: &Plan, identity: &PodIdentity<'_>) -> Map<String, Value> {
    let attempt = identity.attempt.to_string();
    let always =
        [(MANAGED_BY, MANAGER), (RUN_ID, identity.run_id), (ATTEMPT, &attempt), (TASK, &plan.task.id)];
    let flow = [(FLOW, plan.task.flow.as_deref()), (FLOW_NAMESPACE, plan.task.namespace.as_deref())];
    let known = flow.into_iter().filter_map(|(key, value)| Some((key, value?)));
    always.into_iter().chain(known).map(|(key, value)| (key.to_owned(), legal_value(value).into())).collect()
}
