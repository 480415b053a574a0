//! Turning away pods that the scheduler would not have sent: those that name the node themselves and ask for more than it has.

use super::pod::Worker;
use crate::clock;
use crate::scheduler;
use crate::store::{Kind, set, text};
use crate::validation::quantity;
use serde_json::{Value, json};

/// Quantities are counted in billionths, the kubelet's words in thousandths of a CPU and in whole units of the rest.
const WHOLE: i128 = 1_000_000_000;

impl Worker {
    /// Whether the pod was turned away.
    pub(super) fn has_rejected(&self) -> bool {
        let store = &self.host.store;
        let Some(node) = store.get(Kind::Node, "", &self.host.config.node_name) else { return false };
        let Some((resource, wanted)) = scheduler::insufficient(&self.pod, &node) else { return false };
        let capacity = node.pointer("/status/allocatable").and_then(|all| all.get(&resource));
        let capacity = capacity.and_then(Value::as_str).and_then(quantity::parse).unwrap_or(0);
        let unit = if resource == "cpu" { WHOLE / 1_000 } else { WHOLE };
        let (wanted, capacity) = (wanted / unit, capacity / unit);
        let words = format!(
            "Node didn't have enough resource: {resource}, requested: {wanted}, used: 0, capacity: {capacity}"
        );
        let reason = format!("OutOf{resource}");
        self.event("Warning", &reason, words.clone(), None);
        let (namespace, name) = (text(&self.pod, "/metadata/namespace"), text(&self.pod, "/metadata/name"));
        let uid = Some(text(&self.pod, "/metadata/uid"));
        // A pod that is gone needs no answer.
        let _ = store.update(Kind::Pod, namespace, name, uid, |pod| {
            let class = pod.pointer("/status/qosClass").cloned().unwrap_or(Value::Null);
            let status = json!({
                "phase": "Failed", "reason": reason, "message": format!("Pod was rejected: {words}"),
                "startTime": clock::seconds(clock::now()), "qosClass": class,
            });
            set(pod, "status", status);
        });
        true
    }
}
