//! What may change in an object that exists.

use super::array;
use crate::api::status::Cause;
use crate::store::{Kind, set};
use serde_json::{Value, json};

const IMMUTABLE: &str = "pod updates may not change fields other than \
    `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only \
    additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was \
    previously negative)";

/// Everything that may not change and does.
pub fn check(kind: Kind, old: &Value, new: &Value) -> Vec<Cause> {
    match kind {
        Kind::Pod => pod(old, new),
        Kind::RoleBinding if old.get("roleRef") != new.get("roleRef") => {
            let message = format!(
                "Invalid value: {}: cannot change roleRef",
                new.get("roleRef").unwrap_or(&Value::Null)
            );
            vec![Cause { reason: "FieldValueInvalid", message, field: "roleRef".into() }]
        }
        Kind::Secret | Kind::ConfigMap
            if old.get("immutable") == Some(&json!(true)) && old.get("data") != new.get("data") =>
        {
            let message = "Forbidden: field is immutable when `immutable` is set".to_owned();
            vec![Cause { reason: "FieldValueForbidden", message, field: "data".into() }]
        }
        _ => Vec::new(),
    }
}

fn pod(old: &Value, new: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    let seconds = |pod: &Value| pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_i64);
    match (seconds(old), seconds(new)) {
        (Some(before), Some(after)) if after > before => causes.push(Cause {
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {after}: must be less than or equal to previous value"),
            field: "spec.activeDeadlineSeconds".into(),
        }),
        (Some(_), None) => causes.push(Cause {
            reason: "FieldValueInvalid",
            message: "Invalid value: null: must not update from a positive integer to nil value".into(),
            field: "spec.activeDeadlineSeconds".into(),
        }),
        _ => {}
    }
    let gates = |pod: &Value| array(pod, "/spec/schedulingGates").to_vec();
    let before = gates(old);
    if gates(new).iter().any(|gate| !before.contains(gate)) {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            message: "Forbidden: only deletion is allowed, but found new scheduling gate".into(),
            field: "spec.schedulingGates".into(),
        });
    }
    let tolerations = array(new, "/spec/tolerations");
    let kept = array(old, "/spec/tolerations").iter().all(|toleration| tolerations.contains(toleration));
    if !kept || fixed(old) != fixed(new) {
        causes.push(Cause {
            reason: "FieldValueForbidden",
            message: format!("Forbidden: {IMMUTABLE}"),
            field: "spec".into(),
        });
    }
    causes
}

/// The spec without what may change.
fn fixed(pod: &Value) -> Value {
    let mut spec = pod.get("spec").cloned().unwrap_or(Value::Null);
    if let Value::Object(fields) = &mut spec {
        for field in ["activeDeadlineSeconds", "tolerations", "schedulingGates"] {
            fields.shift_remove(field);
        }
    }
    for field in ["containers", "initContainers"] {
        if let Some(Value::Array(containers)) = spec.get_mut(field) {
            for container in containers {
                set(container, "image", Value::Null);
            }
        }
    }
    spec
}
