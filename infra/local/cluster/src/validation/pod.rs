//! A pod as a whole.

use super::{Problems, array, container, metadata, volume, words};
use crate::store::text;
use serde_json::{Value, json};

const POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];

pub(super) fn check(pod: &Value, problems: &mut Problems, warnings: &mut Vec<String>) {
    let name = text(pod, "/metadata/name");
    if name.len() > 63 {
        warnings.push(
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label \
             is recommended: [must be no more than 63 characters]"
                .into(),
        );
    }
    let volumes = volume::check(pod, problems);
    let containers = array(pod, "/spec/containers");
    if containers.is_empty() {
        problems.required("spec.containers", "");
    }
    let mut names = Vec::new();
    for (kind, pointer) in [("containers", "/spec/containers"), ("initContainers", "/spec/initContainers")] {
        for (index, each) in array(pod, pointer).iter().enumerate() {
            let path = format!("spec.{kind}[{index}]");
            container::check(pod, each, &path, kind == "initContainers", &volumes, problems, warnings);
            let name = text(each, "/name");
            if !name.is_empty() && names.contains(&name) {
                problems.duplicate(format!("{path}.name"), name);
            }
            names.push(name);
        }
    }
    spec(pod, problems);
}

fn spec(pod: &Value, problems: &mut Problems) {
    let policy = text(pod, "/spec/restartPolicy");
    if !POLICIES.contains(&policy) {
        problems.unsupported("spec.restartPolicy", policy, &POLICIES);
    }
    if text(pod, "/spec/dnsPolicy") == "None" && pod.pointer("/spec/dnsConfig/nameservers").is_none() {
        problems.required("spec.dnsConfig", "must provide `dnsConfig` when `dnsPolicy` is None");
    }
    if let Some(seconds) = pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_i64)
        && !(1..=i64::from(i32::MAX)).contains(&seconds)
    {
        let complaint = "must be between 1 and 2147483647, inclusive";
        problems.invalid("spec.activeDeadlineSeconds", &json!(seconds), complaint);
    }
    metadata::labels(pod.pointer("/spec/nodeSelector"), "spec.nodeSelector", problems);
    if !array(pod, "/spec/schedulingGates").is_empty() && !text(pod, "/spec/nodeName").is_empty() {
        problems.forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared");
    }
    for (index, toleration) in array(pod, "/spec/tolerations").iter().enumerate() {
        let path = format!("spec.tolerations[{index}]");
        let (key, operator, effect) =
            (text(toleration, "/key"), text(toleration, "/operator"), text(toleration, "/effect"));
        if let Some(complaint) = (!key.is_empty()).then(|| words::qualified_name(key)).flatten() {
            problems.invalid(format!("{path}.key"), &json!(key), &complaint);
        }
        if key.is_empty() && operator != "Exists" {
            let complaint =
                "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            problems.invalid(format!("{path}.operator"), &json!(operator), complaint);
        }
        if toleration.get("tolerationSeconds").is_some() && effect != "NoExecute" {
            let complaint = "effect must be 'NoExecute' when `tolerationSeconds` is set";
            problems.invalid(format!("{path}.effect"), &json!(effect), complaint);
        }
        match (operator, text(toleration, "/value")) {
            ("Exists", value) if !value.is_empty() => {
                let complaint = "value must be empty when `operator` is 'Exists'";
                problems.invalid(format!("{path}.operator"), &json!(value), complaint);
            }
            ("" | "Equal" | "Exists", _) => {}
            (other, _) => problems.unsupported(format!("{path}.operator"), other, &["Equal", "Exists"]),
        }
    }
    for (index, secret) in array(pod, "/spec/imagePullSecrets").iter().enumerate() {
        if text(secret, "/name").is_empty() {
            problems.required(format!("spec.imagePullSecrets[{index}].name"), "");
        }
    }
}
