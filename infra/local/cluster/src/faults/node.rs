//! A node that stops answering, what the controllers make of it, and how it comes back (pods/110 to 117).

use super::Faults;
use super::kind::NodeLost;
use super::pods::{TAINT_CONTROLLER, change, end_for_taint, path, tell};
use crate::clock;
use crate::store::{Kind, Store, set, text};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
const CONTROLLER: &str = "node-controller";

/// Lose the node until it is to come back or the plan is lifted. A second loss at the same time is none.
pub(super) async fn lose(store: &Store, faults: &Faults, lost: &NodeLost, lifted: &CancellationToken) {
    if !faults.set_node_silent(true) {
        return;
    }
    let back = async {
        match lost.back_after {
            Some(after) => tokio::time::sleep(after).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        () = lifted.cancelled() => {}
        () = back => {}
        () = notice(store, lost) => {}
    }
    for node in store.list(Kind::Node, None).0 {
        mark(store, &node, true);
        let taints = node.pointer("/spec/taints").and_then(Value::as_array);
        if taints.is_some_and(|taints| taints.iter().any(|taint| text(taint, "/key") == UNREACHABLE)) {
            come_back(store, text(&node, "/metadata/name"));
        }
    }
    // A plan that is lifted has let the node answer already, and the next one may have silenced it again.
    if !lifted.is_cancelled() {
        faults.set_node_silent(false);
    }
}

/// What the controllers do: the node is not ready, then nor are its pods, then they are deleted one after the other.
async fn notice(store: &Store, lost: &NodeLost) {
    tokio::time::sleep(lost.noticed_after).await;
    let mut due = Vec::new();
    for node in store.list(Kind::Node, None).0 {
        mark(store, &node, false);
        for pod in pods_on(store, text(&node, "/metadata/name")) {
            set_ready(store, &pod, |_| "False".into());
            tell(store, &pod, CONTROLLER, ("Warning", "NodeNotReady"), "Node is not ready".into());
            due.extend(borne(&pod).map(|borne| (lost.evicted_after.unwrap_or(borne), pod)));
        }
    }
    due.sort_by_key(|(after, _)| *after);
    let mut waited = Duration::ZERO;
    for (after, pod) in due {
        tokio::time::sleep(after.saturating_sub(waited)).await;
        waited = waited.max(after);
        end_for_taint(store, &pod);
    }
    std::future::pending().await
}

fn come_back(store: &Store, node: &str) {
    for pod in pods_on(store, node) {
        set_ready(store, &pod, |pod| status_of(pod, "ContainersReady"));
        if pod.pointer("/metadata/deletionTimestamp").is_none() {
            let message = format!("Cancelling deletion of Pod {}", path(&pod));
            tell(store, &pod, TAINT_CONTROLLER, ("Normal", "TaintManagerEviction"), message);
        }
    }
}

/// The pods of a node that have not ended.
fn pods_on(store: &Store, node: &str) -> Vec<Arc<Value>> {
    let (mut pods, _) = store.list(Kind::Pod, None);
    pods.retain(|pod| {
        text(pod, "/spec/nodeName") == node && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
    });
    pods
}

/// How long a pod bears an unreachable node; `None` is for ever.
fn borne(pod: &Value) -> Option<Duration> {
    let tolerations = pod.pointer("/spec/tolerations").and_then(Value::as_array);
    let taint = json!({"key": UNREACHABLE, "effect": "NoExecute"});
    let tolerated = tolerations.into_iter().flatten().find(|toleration| tolerates(toleration, &taint));
    match tolerated.map(|toleration| toleration.get("tolerationSeconds").and_then(Value::as_i64)) {
        None => Some(Duration::ZERO),
        Some(None) => None,
        Some(Some(seconds)) => Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
    }
}

/// Whether a toleration is for a taint; what is empty in it fits all.
pub(crate) fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let fits =
        |field: &str| text(toleration, field).is_empty() || text(toleration, field) == text(taint, field);
    let value =
        text(toleration, "/operator") == "Exists" || text(toleration, "/value") == text(taint, "/value");
    fits("/effect") && fits("/key") && value
}

fn status_of(pod: &Value, kind: &str) -> String {
    let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
    let mut conditions = conditions.into_iter().flatten();
    conditions
        .find(|one| text(one, "/type") == kind)
        .map(|one| text(one, "/status").to_owned())
        .unwrap_or_default()
}

/// Change the condition `Ready` of a pod, and nothing else, as the node controller does.
fn set_ready(store: &Store, pod: &Value, status: impl FnOnce(&Value) -> String) {
    change(store, pod, |pod| {
        let status = status(pod);
        let conditions = pod.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        let ready = conditions.into_iter().flatten().find(|one| text(one, "/type") == "Ready");
        if let Some(ready) = ready.filter(|ready| text(ready, "/status") != status) {
            set(ready, "lastTransitionTime", json!(clock::seconds(clock::now())));
            set(ready, "status", json!(status));
        }
    });
}

/// Let the node be ready, or unknown and tainted.
fn mark(store: &Store, node: &Value, is_ready: bool) {
    let now = clock::seconds(clock::now());
    let marked = store.update(Kind::Node, "", text(node, "/metadata/name"), None, |node| {
        let conditions = node.pointer_mut("/status/conditions").and_then(Value::as_array_mut);
        for condition in conditions.into_iter().flatten().filter(|one| text(one, "/type") == "Ready") {
            let (status, reason, message) = if is_ready {
                ("True", "KubeletReady", "kubelet is posting ready status")
            } else {
                ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
            };
            if text(condition, "/status") != status {
                let fields = [
                    ("status", status),
                    ("lastTransitionTime", &now),
                    ("reason", reason),
                    ("message", message),
                ];
                fields.iter().for_each(|(field, value)| set(condition, field, json!(value)));
            }
        }
        let Some(Value::Object(spec)) = node.get_mut("spec") else { return };
        if is_ready {
            spec.shift_remove("taints");
        } else {
            let taint = |effect: &str| json!({"key": UNREACHABLE, "effect": effect, "timeAdded": now});
            spec.insert("taints".into(), json!([taint("NoSchedule"), taint("NoExecute")]));
        }
    });
    if let Err(error) = marked {
        tracing::warn!(%error, "the node could not be marked");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(tolerations: Value) -> Value {
        json!({"spec": {"tolerations": tolerations}})
    }

    #[test]
    fn a_pod_bears_a_lost_node_as_long_as_it_tolerates_it() {
        let unreachable = |seconds: Value| json!([{"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds}]);
        assert_eq!(borne(&pod(unreachable(json!(5)))), Some(Duration::from_secs(5)));
        assert_eq!(borne(&pod(unreachable(json!(null)))), None);
        assert_eq!(borne(&pod(json!([{"operator": "Exists"}]))), None);
        assert_eq!(borne(&pod(json!([{"key": "other", "operator": "Exists"}]))), Some(Duration::ZERO));
        assert_eq!(borne(&pod(json!([]))), Some(Duration::ZERO));
    }
}
