//! Events about pods, in the two shapes that a cluster shows: the scheduler's (events.k8s.io, with `eventTime`)
//! and the kubelet's (with `count`, `firstTimestamp` and `lastTimestamp`).

use super::{Kind, Store, set, text};
use crate::clock;
use serde_json::{Map, Value, json};

/// What is said about a pod.
#[derive(Clone, Debug)]
pub struct EventRecord {
    /// `Normal` or `Warning`.
    pub kind: &'static str,
    /// The short reason, for example `Started`.
    pub reason: String,
    /// The sentence.
    pub message: String,
    /// The part of the pod it is about, for example `spec.containers{main}`.
    pub field_path: Option<String>,
    /// Who says it: `kubelet` or `default-scheduler`.
    pub component: &'static str,
}

/// The reporter whose events have the shape of events.k8s.io.
pub const SCHEDULER: &str = "default-scheduler";

pub(super) fn record(store: &Store, pod: &Value, event: EventRecord) {
    let namespace = text(pod, "/metadata/namespace");
    let now = clock::now();
    if event.component != SCHEDULER
        && let Some(name) = same_event(store, pod, &event)
    {
        // It may have been deleted meanwhile; then it is simply not counted.
        let _ = store.update(Kind::Event, namespace, &name, None, |object| {
            let count = object.get("count").and_then(Value::as_u64).unwrap_or(1);
            set(object, "count", json!(count + 1));
            set(object, "lastTimestamp", json!(clock::seconds(now)));
        });
        return;
    }
    let mut nanosecond = now.as_nanosecond();
    loop {
        let name = format!("{}.{nanosecond:x}", text(pod, "/metadata/name"));
        if store.create(Kind::Event, new_event(pod, &event, &name, now)).is_ok() {
            return;
        }
        nanosecond += 1;
    }
}

fn same_event(store: &Store, pod: &Value, event: &EventRecord) -> Option<String> {
    let uid = text(pod, "/metadata/uid");
    // Its events are named after the pod, so that they follow each other.
    let (namespace, prefix) = (text(pod, "/metadata/namespace"), format!("{}.", text(pod, "/metadata/name")));
    let events = store.named(Kind::Event, namespace, &prefix);
    let same = events.iter().map(|event| event.value()).find(|other| {
        text(other, "/involvedObject/uid") == uid
            && text(other, "/reason") == event.reason
            && text(other, "/message") == event.message
            && text(other, "/type") == event.kind
            && text(other, "/involvedObject/fieldPath") == event.field_path.as_deref().unwrap_or_default()
    })?;
    Some(text(&same, "/metadata/name").to_owned())
}

fn new_event(pod: &Value, event: &EventRecord, name: &str, now: jiff::Timestamp) -> Value {
    let metadata = json!({"name": name, "namespace": text(pod, "/metadata/namespace")});
    let mut involved = Map::new();
    involved.insert("kind".into(), json!("Pod"));
    for field in ["namespace", "name", "uid"] {
        involved.insert(field.into(), json!(text(pod, &format!("/metadata/{field}"))));
    }
    involved.insert("apiVersion".into(), json!("v1"));
    involved.insert("resourceVersion".into(), json!(text(pod, "/metadata/resourceVersion")));
    if let Some(path) = &event.field_path {
        involved.insert("fieldPath".into(), json!(path));
    }
    if event.component == SCHEDULER {
        let action = match event.reason.as_str() {
            "Scheduled" => "Binding",
            "Preempted" => "Preempting",
            _ => "Scheduling",
        };
        return json!({
            "metadata": metadata, "involvedObject": involved, "reason": event.reason, "message": event.message,
            "source": {}, "firstTimestamp": null, "lastTimestamp": null, "type": event.kind,
            "eventTime": clock::micros(now), "action": action,
            "reportingComponent": SCHEDULER, "reportingInstance": "default-scheduler-longshore",
        });
    }
    let node = text(pod, "/spec/nodeName");
    let time = clock::seconds(now);
    json!({
        "metadata": metadata, "involvedObject": involved, "reason": event.reason, "message": event.message,
        "source": {"component": event.component, "host": node}, "firstTimestamp": time, "lastTimestamp": time,
        "count": 1, "type": event.kind, "eventTime": null,
        "reportingComponent": event.component, "reportingInstance": node,
    })
}
