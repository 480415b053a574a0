//! What upstream fills in, as the recorded pods show it.

use super::{array, quantity};
use crate::store::{Kind, set, text};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

fn default(object: &mut Value, field: &str, value: Value) {
    if object.get(field).is_none() {
        set(object, field, value);
    }
}

fn each(object: &mut Value, pointer: &str, change: impl FnMut(&mut Value)) {
    if let Some(Value::Array(items)) = object.pointer_mut(pointer) {
        items.iter_mut().for_each(change);
    }
}

/// Fill in a pod, and give it the status of one that nobody has looked at yet.
pub fn pod(pod: &mut Value) {
    default(pod, "spec", json!({}));
    each(pod, "/spec/volumes", volume);
    for pointer in ["/spec/initContainers", "/spec/containers"] {
        each(pod, pointer, container);
    }
    let Some(spec) = pod.get_mut("spec") else { return };
    default(spec, "containers", json!([]));
    for (field, value) in [
        ("restartPolicy", json!("Always")),
        ("terminationGracePeriodSeconds", json!(30)),
        ("dnsPolicy", json!("ClusterFirst")),
        ("serviceAccountName", json!("default")),
    ] {
        default(spec, field, value);
    }
    // A negative grace is accepted and means one second.
    if spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds < 0) {
        set(spec, "terminationGracePeriodSeconds", json!(1));
    }
    let account = spec.get("serviceAccountName").cloned().unwrap_or(Value::Null);
    set(spec, "serviceAccount", account);
    for (field, value) in [
        ("securityContext", json!({})),
        ("schedulerName", json!("default-scheduler")),
        ("priority", json!(0)),
        ("enableServiceLinks", json!(true)),
        ("preemptionPolicy", json!("PreemptLowerPriority")),
    ] {
        default(spec, field, value);
    }
    let mut status = json!({"phase": "Pending"});
    if !array(pod, "/spec/schedulingGates").is_empty() {
        let condition = json!({
            "type": "PodScheduled", "status": "False", "lastProbeTime": null,
            "lastTransitionTime": crate::clock::seconds(crate::clock::now()), "reason": "SchedulingGated",
            "message": "Scheduling is blocked due to non-empty scheduling gates",
        });
        set(&mut status, "conditions", json!([condition]));
    }
    set(&mut status, "qosClass", json!(quality(pod)));
    set(pod, "status", status);
}

fn container(container: &mut Value) {
    each(container, "/env", |variable| {
        if let Some(reference) = variable.pointer_mut("/valueFrom/fieldRef") {
            default(reference, "apiVersion", json!("v1"));
        }
    });
    each(container, "/ports", |port| default(port, "protocol", json!("TCP")));
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get_mut(probe) else { continue };
        for (field, value) in
            [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
        {
            default(probe, field, json!(value));
        }
    }
    default(container, "resources", json!({}));
    let limits = container.pointer("/resources/limits").cloned();
    if let Some(Value::Object(limits)) = limits
        && let Some(resources) = container.get_mut("resources")
    {
        default(resources, "requests", json!({}));
        if let Some(requests) = resources.get_mut("requests") {
            for (resource, limit) in limits {
                default(requests, &resource, limit);
            }
        }
    }
    default(container, "terminationMessagePath", json!("/dev/termination-log"));
    default(container, "terminationMessagePolicy", json!("File"));
    let image = text(container, "/image");
    let name = image.rsplit('/').next().unwrap_or_default();
    let latest = !image.contains('@') && (!name.contains(':') || name.ends_with(":latest"));
    default(container, "imagePullPolicy", json!(if latest { "Always" } else { "IfNotPresent" }));
}

fn volume(volume: &mut Value) {
    if volume.as_object().is_some_and(|fields| fields.keys().all(|field| field == "name")) {
        set(volume, "emptyDir", json!({}));
    }
    for kind in ["secret", "configMap", "projected", "downwardAPI"] {
        let Some(source) = volume.get_mut(kind) else { continue };
        default(source, "defaultMode", json!(420));
        each(source, "/items", field_reference);
        each(source, "/sources", |source| {
            each(source, "/downwardAPI/items", field_reference);
            if let Some(token) = source.get_mut("serviceAccountToken") {
                default(token, "expirationSeconds", json!(3600));
            }
        });
    }
    if let Some(path) = volume.get_mut("hostPath") {
        default(path, "type", json!(""));
    }
}

fn field_reference(item: &mut Value) {
    if let Some(reference) = item.get_mut("fieldRef") {
        default(reference, "apiVersion", json!("v1"));
    }
}

/// The quality of service class: what evictions would go by.
fn quality(pod: &Value) -> &'static str {
    let (mut any, mut all) = (false, true);
    for container in array(pod, "/spec/containers").iter().chain(array(pod, "/spec/initContainers")) {
        let amount = |kind: &str, resource: &str| {
            quantity::parse(text(container, &format!("/resources/{kind}/{resource}")))
        };
        for resource in ["cpu", "memory"] {
            let (request, limit) = (amount("requests", resource), amount("limits", resource));
            any |= request.or(limit).is_some_and(|amount| amount > 0);
            all &= limit.is_some() && request == limit;
        }
    }
    match (any, all) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// Fill in an object that is not a pod.
pub fn other(kind: Kind, object: &mut Value) {
    match kind {
        Kind::Namespace => {
            let name = text(object, "/metadata/name").to_owned();
            if let Some(metadata) = object.get_mut("metadata") {
                default(metadata, "labels", json!({}));
                if let Some(labels) = metadata.get_mut("labels") {
                    default(labels, "kubernetes.io/metadata.name", json!(name));
                }
            }
            set(object, "spec", json!({"finalizers": ["kubernetes"]}));
            set(object, "status", json!({"phase": "Active"}));
        }
        Kind::Secret => {
            let plain = object.get("stringData").cloned();
            if let Some(Value::Object(plain)) = plain {
                default(object, "data", json!({}));
                if let Some(data) = object.get_mut("data") {
                    for (key, value) in plain {
                        set(data, &key, json!(STANDARD.encode(value.as_str().unwrap_or_default())));
                    }
                }
            }
            if let Value::Object(fields) = object {
                fields.shift_remove("stringData");
            }
            default(object, "type", json!("Opaque"));
        }
        Kind::RoleBinding => {
            let group = |subject: &mut Value| {
                let group =
                    if text(subject, "/kind") == "ServiceAccount" { "" } else { "rbac.authorization.k8s.io" };
                if !group.is_empty() {
                    default(subject, "apiGroup", json!(group));
                }
            };
            each(object, "/subjects", group);
        }
        _ => {}
    }
}
