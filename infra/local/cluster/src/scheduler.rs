//! The scheduler: gives pods to the only node, or says why not, in upstream's words.

use crate::clock;
use crate::faults::{Faults, tolerates};
use crate::store::{EventRecord, Kind, Object, Store, set, text};
use crate::validation::quantity;
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;

/// Follow the store until it is gone.
pub(crate) async fn run(store: Store, node: String, faults: Faults) {
    let mut changes = store.subscribe();
    let mut plans = faults.plans();
    schedule_all(&store, &node, &faults);
    loop {
        let change = tokio::select! {
            change = changes.record() => change,
            Ok(()) = plans.changed() => {
                schedule_all(&store, &node, &faults);
                continue;
            }
        };
        match change {
            Ok(change) if change.kind == Kind::Pod => look(&store, &node, &change.object, &faults),
            // The node may have lost a taint.
            Ok(change) if change.kind == Kind::Node => schedule_all(&store, &node, &faults),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => schedule_all(&store, &node, &faults),
            Err(RecvError::Closed) => return,
        }
    }
}

fn schedule_all(store: &Store, node: &str, faults: &Faults) {
    for pod in store.objects(Kind::Pod, None, None).0 {
        look(store, node, &pod, faults);
    }
}

/// Most pods have a node already and are not worth parsing.
fn look(store: &Store, node: &str, pod: &Object, faults: &Faults) {
    if !pod.may_have("nodeName") || pod.json().contains("\"nodeName\":\"\"") {
        schedule(store, node, &pod.value(), faults);
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Decision {
    Leave,
    Bind,
    Unschedulable(String),
}

fn schedule(store: &Store, node: &str, pod: &Value, faults: &Faults) {
    let Some(node_object) = store.get(Kind::Node, "", node) else { return };
    let decide = |pod: &Value| match decide(pod, &node_object) {
        Decision::Leave => Decision::Leave,
        other => faults.unschedulable(pod).map_or(other, Decision::Unschedulable),
    };
    let decision = decide(pod);
    if decision == Decision::Leave {
        return;
    }
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    let uid = Some(text(pod, "/metadata/uid"));
    let mut done = false;
    let updated = store.update(Kind::Pod, namespace, name, uid, |current| {
        // The pod may have moved on since the change was read.
        if decide(current) != decision {
            return;
        }
        let before = current.clone();
        match &decision {
            Decision::Leave => {}
            Decision::Bind => {
                if let Some(spec) = current.get_mut("spec") {
                    set(spec, "nodeName", json!(node));
                }
                condition(current, json!({"type": "PodScheduled", "status": "True"}));
            }
            Decision::Unschedulable(message) => condition(
                current,
                json!({"type": "PodScheduled", "observedGeneration": 1, "status": "False",
                       "reason": "Unschedulable", "message": message}),
            ),
        }
        done = before != *current;
    });
    let Ok(pod) = updated else { return };
    if !done {
        return;
    }
    let event = match decision {
        Decision::Unschedulable(message) => event("Warning", "FailedScheduling", message),
        _ => event("Normal", "Scheduled", format!("Successfully assigned {namespace}/{name} to {node}")),
    };
    store.record_event(&pod, event);
}

fn event(kind: &'static str, reason: &str, message: String) -> EventRecord {
    EventRecord { kind, reason: reason.into(), message, field_path: None, component: "default-scheduler" }
}

/// Put a condition in, with the time of its last change of status.
pub(crate) fn condition(pod: &mut Value, mut condition: Value) {
    let Some(status) = pod.get_mut("status") else { return };
    if !status.get("conditions").is_some_and(Value::is_array) {
        set(status, "conditions", json!([]));
    }
    let Some(Value::Array(conditions)) = status.get_mut("conditions") else { return };
    let existing = conditions.iter_mut().find(|other| other.get("type") == condition.get("type"));
    let same = existing.as_ref().filter(|other| other.get("status") == condition.get("status"));
    let since = same.map_or_else(
        || json!(clock::seconds(clock::now())),
        |other| other.get("lastTransitionTime").cloned().unwrap_or(Value::Null),
    );
    let reason = condition.get("reason").cloned();
    let message = condition.get("message").cloned();
    if let Value::Object(fields) = &mut condition {
        fields.retain(|field, _| !matches!(field.as_str(), "reason" | "message"));
        fields.insert("lastProbeTime".into(), Value::Null);
        fields.insert("lastTransitionTime".into(), since);
        for (field, value) in [("reason", reason), ("message", message)] {
            if let Some(value) = value {
                fields.insert(field.into(), value);
            }
        }
    }
    match existing {
        Some(existing) => *existing = condition,
        None => conditions.push(condition),
    }
}

fn array<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn decide(pod: &Value, node: &Value) -> Decision {
    let ours = matches!(text(pod, "/spec/schedulerName"), "" | "default-scheduler");
    let bound = !text(pod, "/spec/nodeName").is_empty();
    let gone = pod.pointer("/metadata/deletionTimestamp").is_some();
    if !ours || bound || gone || !array(pod, "/spec/schedulingGates").is_empty() {
        return Decision::Leave;
    }
    let claim =
        array(pod, "/spec/volumes").iter().map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    if let Some(claim) = claim.into_iter().find(|claim| !claim.is_empty()) {
        // There are no claims here, so every one is missing.
        let message =
            format!("0/1 nodes are available: persistentvolumeclaim \"{claim}\" not found. not found");
        return Decision::Unschedulable(message);
    }
    let unhelpful = |why: &str| {
        Decision::Unschedulable(format!(
            "0/1 nodes are available: {why}. no new claims to deallocate, preemption: \
             0/1 nodes are available: 1 Preemption is not helpful for scheduling."
        ))
    };
    if !selected(pod, node) {
        return unhelpful("1 node(s) didn't match Pod's node affinity/selector");
    }
    let taints =
        array(node, "/spec/taints").iter().filter(|taint| text(taint, "/effect") != "PreferNoSchedule");
    let tolerations = array(pod, "/spec/tolerations");
    if taints.into_iter().any(|taint| !tolerations.iter().any(|toleration| tolerates(toleration, taint))) {
        return unhelpful("1 node(s) had untolerated taint(s)");
    }
    match insufficient(pod, node) {
        Some((resource, _)) => unhelpful(&format!("1 Insufficient {resource}")),
        None => Decision::Bind,
    }
}

fn selected(pod: &Value, node: &Value) -> bool {
    let label = |key: &str| {
        node.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str)
    };
    let selector = pod.pointer("/spec/nodeSelector").and_then(Value::as_object);
    let by_selector =
        selector.is_none_or(|selector| selector.iter().all(|(key, value)| label(key) == value.as_str()));
    let required =
        "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";
    let terms = array(pod, required);
    let by_affinity = terms.is_empty()
        || terms.iter().any(|term| {
            array(term, "/matchExpressions").iter().all(|expression| {
                let value = label(text(expression, "/key"));
                let listed =
                    array(expression, "/values").iter().any(|one| one.as_str() == value && value.is_some());
                match text(expression, "/operator") {
                    "In" => listed,
                    "NotIn" => !listed,
                    "Exists" => value.is_some(),
                    "DoesNotExist" => value.is_none(),
                    _ => false,
                }
            })
        });
    by_selector && by_affinity
}

/// The first resource of which the pod asks more than the whole node has, and how much in billionths.
pub(crate) fn insufficient(pod: &Value, node: &Value) -> Option<(String, i128)> {
    let mut sums: Vec<(String, i128)> = Vec::new();
    for container in array(pod, "/spec/containers") {
        let requests = container.pointer("/resources/requests").and_then(Value::as_object);
        for (resource, amount) in requests.into_iter().flatten() {
            let amount = amount.as_str().and_then(quantity::parse).unwrap_or(0);
            match sums.iter_mut().find(|sum| sum.0 == *resource) {
                Some(sum) => sum.1 += amount,
                None => sums.push((resource.clone(), amount)),
            }
        }
    }
    let available = |resource: &str| {
        let amount =
            node.pointer("/status/allocatable").and_then(|all| all.get(resource)).and_then(Value::as_str);
        amount.and_then(quantity::parse).unwrap_or(0)
    };
    sums.into_iter().find(|(resource, sum)| *sum > available(resource))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decision(spec: Value) -> Decision {
        let node = json!({"metadata": {"labels": {"disk": "ssd"}}, "status": {"allocatable": {"cpu": "4", "memory": "8Gi"}}});
        decide(&json!({"spec": spec}), &node)
    }

    #[test]
    fn a_pod_is_bound_unless_something_forbids_it() {
        for spec in [
            json!({}),
            json!({"nodeSelector": {"disk": "ssd"}}),
            json!({"containers": [{"resources": {"requests": {"cpu": "3900m"}}}]}),
        ] {
            assert_eq!(decision(spec), Decision::Bind);
        }
        for spec in [
            json!({"nodeName": "x"}),
            json!({"schedulingGates": [{"name": "a/b"}]}),
            json!({"schedulerName": "other"}),
        ] {
            assert_eq!(decision(spec), Decision::Leave);
        }
    }

    #[test]
    fn the_reasons_are_the_recorded_ones() {
        // pods/36-unschedulable-nodeselector, 39-unschedulable-affinity, 17-volume-pvc-missing
        let affinity = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector. no new claims to \
                        deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        let required = json!({"nodeSelectorTerms": [{"matchExpressions": [{"key": "disk", "operator": "In", "values": ["hdd"]}]}]});
        let cpu = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are \
                   available: 1 Preemption is not helpful for scheduling.";
        for (spec, message) in [
            (json!({"nodeSelector": {"disk": "no-such"}}), affinity),
            (
                json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}}),
                affinity,
            ),
            (
                json!({"volumes": [{"name": "s", "persistentVolumeClaim": {"claimName": "no-such-pvc"}}]}),
                "0/1 nodes are available: persistentvolumeclaim \"no-such-pvc\" not found. not found",
            ),
            (json!({"containers": [{"resources": {"requests": {"cpu": "500"}}}]}), cpu),
        ] {
            assert_eq!(decision(spec), Decision::Unschedulable(message.into()));
        }
    }
}
