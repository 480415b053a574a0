//! One container: name, image, environment, mounts, resources.

use super::{Problems, array, quantity, words};
use crate::store::text;
use serde_json::{Value, json};

const PULL_POLICIES: [&str; 3] = ["Always", "IfNotPresent", "Never"];
const STANDARD: [&str; 3] = ["cpu", "memory", "ephemeral-storage"];
/// What `valueFrom.fieldRef` can name, besides labels and annotations.
const FIELDS: [&str; 9] = [
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

pub(super) fn check(
    pod: &Value,
    container: &Value,
    path: &str,
    is_init: bool,
    volumes: &[&str],
    problems: &mut Problems,
    warnings: &mut Vec<String>,
) {
    let name = text(container, "/name");
    if name.is_empty() {
        problems.required(format!("{path}.name"), "");
    } else if let Some(complaint) = words::label(name) {
        problems.invalid(format!("{path}.name"), &json!(name), &complaint);
    }
    let image = text(container, "/image");
    if image.is_empty() {
        problems.required(format!("{path}.image"), "");
    } else if image != image.trim() {
        problems.invalid(
            format!("{path}.image"),
            &json!(image),
            "must not have leading or trailing whitespace",
        );
    }
    let pull = text(container, "/imagePullPolicy");
    if !pull.is_empty() && !PULL_POLICIES.contains(&pull) {
        problems.unsupported(format!("{path}.imagePullPolicy"), pull, &PULL_POLICIES);
    }
    let restart = text(container, "/restartPolicy");
    if !matches!(restart, "" | "Always" | "Never" | "OnFailure") {
        problems.unsupported(format!("{path}.restartPolicy"), restart, &["Always", "Never", "OnFailure"]);
    }
    if is_init && restart != "Always" {
        let probes = ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"];
        for field in probes.into_iter().filter(|field| container.get(*field).is_some()) {
            let complaint = "may not be set for init containers without restartPolicy=Always";
            problems.forbidden(format!("{path}.{field}"), complaint);
        }
    }
    let policy = text(container, "/terminationMessagePolicy");
    if !matches!(policy, "" | "File" | "FallbackToLogsOnError") {
        problems.unsupported(
            format!("{path}.terminationMessagePolicy"),
            policy,
            &["FallbackToLogsOnError", "File"],
        );
    }
    ports(pod, container, path, problems);
    environment(container, path, problems, warnings);
    mounts(container, path, volumes, problems);
    resources(container, path, problems);
}

fn ports(pod: &Value, container: &Value, path: &str, problems: &mut Problems) {
    let host_network = pod.pointer("/spec/hostNetwork") == Some(&json!(true));
    for (index, port) in array(container, "/ports").iter().enumerate() {
        let number = |field: &str| port.get(field).and_then(Value::as_i64).unwrap_or(0);
        let (inside, outside) = (number("containerPort"), number("hostPort"));
        for (field, value) in [("containerPort", inside), ("hostPort", outside)] {
            let absent = field == "hostPort" && value == 0;
            if !absent && !(1..=65535).contains(&value) {
                let complaint = "must be between 1 and 65535, inclusive";
                problems.invalid(format!("{path}.ports[{index}].{field}"), &json!(value), complaint);
            }
        }
        if host_network && outside != 0 && outside != inside {
            let complaint = "must match `containerPort` when `hostNetwork` is true";
            problems.invalid(format!("{path}.ports[{index}].hostPort"), &json!(outside), complaint);
        }
    }
}

fn environment(container: &Value, path: &str, problems: &mut Problems, warnings: &mut Vec<String>) {
    let mut names: Vec<&str> = Vec::new();
    for (index, variable) in array(container, "/env").iter().enumerate() {
        let path = format!("{path}.env[{index}]");
        let name = text(variable, "/name");
        if name.is_empty() {
            problems.required(format!("{path}.name"), "");
        } else if !name.chars().all(|letter| (' '..='~').contains(&letter) && letter != '=') {
            let complaint = "a valid environment variable name must consist only of printable ASCII characters other than '='";
            problems.invalid(format!("{path}.name"), &json!(name), complaint);
        }
        if names.contains(&name) {
            warnings.push(format!(
                "{path}: hides previous definition of \"{name}\", which may be dropped when using apply"
            ));
        }
        names.push(name);
        let Some(source) = variable.get("valueFrom") else { continue };
        let path = format!("{path}.valueFrom");
        if !text(variable, "/value").is_empty() {
            problems.invalid(path.clone(), &json!(""), "may not be specified when `value` is not empty");
        }
        let sources = source.as_object().map_or(0, serde_json::Map::len);
        if sources != 1 {
            let complaint = if sources == 0 {
                "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
            } else {
                "may not have more than one field specified at a time"
            };
            problems.invalid(path.clone(), &json!(""), complaint);
        }
        for kind in ["secretKeyRef", "configMapKeyRef"].into_iter().filter(|kind| source.get(*kind).is_some())
        {
            if text(source, &format!("/{kind}/key")).is_empty() {
                problems.required(format!("{path}.{kind}.key"), "");
            }
        }
        field_reference(source, &path, problems);
    }
}

fn field_reference(source: &Value, path: &str, problems: &mut Problems) {
    let Some(reference) = source.get("fieldRef") else { return };
    let field = text(reference, "/fieldPath");
    let path = format!("{path}.fieldRef.fieldPath");
    let keyed =
        ["metadata.labels['", "metadata.annotations['"].iter().any(|prefix| field.starts_with(prefix))
            && field.ends_with("']");
    if field.is_empty() {
        problems.required(path, "");
    } else if !keyed && !FIELDS.contains(&field) {
        let complaint = format!("error converting fieldPath: field label not supported: {field}");
        problems.invalid(path, &json!(field), &complaint);
    }
}

fn mounts(container: &Value, path: &str, volumes: &[&str], problems: &mut Problems) {
    let mut targets: Vec<&str> = Vec::new();
    for (index, mount) in array(container, "/volumeMounts").iter().enumerate() {
        let path = format!("{path}.volumeMounts[{index}]");
        let (name, target) = (text(mount, "/name"), text(mount, "/mountPath"));
        if name.is_empty() {
            problems.required(format!("{path}.name"), "");
        } else if !volumes.contains(&name) {
            problems.add(format!("{path}.name"), "FieldValueNotFound", format!("Not found: \"{name}\""));
        }
        if target.is_empty() {
            problems.required(format!("{path}.mountPath"), "");
        } else if targets.contains(&target) {
            problems.invalid(format!("{path}.mountPath"), &json!(target), "must be unique");
        }
        targets.push(target);
        let below = text(mount, "/subPath");
        if below.starts_with('/') {
            problems.invalid(format!("{path}.subPath"), &json!(below), "must be a relative path");
        } else if below.split('/').any(|part| part == "..") {
            problems.invalid(format!("{path}.subPath"), &json!(below), "must not contain '..'");
        }
    }
}

fn resources(container: &Value, path: &str, problems: &mut Problems) {
    let amounts = |kind: &str| container.pointer(&format!("/resources/{kind}")).and_then(Value::as_object);
    for kind in ["limits", "requests"] {
        for (resource, amount) in amounts(kind).into_iter().flatten() {
            let field = format!("{path}.resources.{kind}[{resource}]");
            let extended = !STANDARD.contains(&resource.as_str()) && !resource.starts_with("hugepages-");
            if extended && !resource.contains('/') {
                let name = json!(resource);
                problems.invalid(field.clone(), &name, "must be a standard resource type or fully qualified");
                problems.invalid(field, &name, "must be a standard resource for containers");
                continue;
            }
            let value = amount.as_str().and_then(quantity::parse).unwrap_or(0);
            if value < 0 {
                problems.invalid(field, amount, "must be greater than or equal to 0");
            } else if extended && value % 1_000_000_000 != 0 {
                problems.invalid(field, amount, "must be an integer");
            }
        }
    }
    for (resource, request) in amounts("requests").into_iter().flatten() {
        let limit = amounts("limits").and_then(|limits| limits.get(resource)).and_then(Value::as_str);
        let value = |text: Option<&str>| text.and_then(quantity::parse);
        match (value(request.as_str()), limit) {
            (Some(request_value), Some(limit))
                if value(Some(limit)).is_some_and(|limit| request_value > limit) =>
            {
                let complaint = format!("must be less than or equal to {resource} limit of {limit}");
                problems.invalid(format!("{path}.resources.requests"), request, &complaint);
            }
            (_, None) if resource.contains('/') => {
                let complaint = "Limit must be set for non overcommitable resources";
                problems.required(format!("{path}.resources.limits"), complaint);
            }
            _ => {}
        }
    }
}
