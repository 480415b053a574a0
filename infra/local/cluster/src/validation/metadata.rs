//! Names, labels, annotations and finalizers.

use super::{Problems, array, words};
use crate::store::{Kind, text};
use serde_json::{Value, json};

/// The total size of keys and values; upstream's constant.
const ANNOTATIONS_LIMIT_BYTES: usize = 256 * 1024;

pub(super) fn check(kind: Kind, object: &Value, problems: &mut Problems) {
    let name = text(object, "/metadata/name");
    if name.is_empty() {
        problems.required("metadata.name", "name or generateName is required");
    } else if let Some(complaint) = name_problem(kind, name) {
        problems.invalid("metadata.name", &json!(name), &complaint);
    }
    labels(object.pointer("/metadata/labels"), "metadata.labels", problems);
    let annotations = object.pointer("/metadata/annotations").and_then(Value::as_object);
    let mut size = 0;
    for (key, value) in annotations.into_iter().flatten() {
        if let Some(complaint) = words::qualified_name(&key.to_lowercase()) {
            problems.invalid("metadata.annotations", &json!(key), &complaint);
        }
        size += key.len() + value.as_str().map_or(0, str::len);
    }
    if size > ANNOTATIONS_LIMIT_BYTES {
        let message = format!("Too long: may not be more than {ANNOTATIONS_LIMIT_BYTES} bytes");
        problems.add("metadata.annotations", "FieldValueTooLong", message);
    }
    for (index, finalizer) in array(object, "/metadata/finalizers").iter().enumerate() {
        let word = finalizer.as_str().unwrap_or_default();
        let field = format!("metadata.finalizers[{index}]");
        if let Some(complaint) = words::qualified_name(word) {
            problems.invalid(field, finalizer, &complaint);
        } else if !word.contains('/') && !matches!(word, "foregroundDeletion" | "orphan" | "kubernetes") {
            let complaint = "name is neither a standard finalizer name nor is it fully qualified";
            problems.invalid(field, finalizer, complaint);
        }
    }
}

fn name_problem(kind: Kind, name: &str) -> Option<String> {
    match kind {
        Kind::Namespace => words::label(name),
        // RBAC allows any path segment.
        Kind::Role | Kind::RoleBinding => name.contains(['/', '%']).then(|| "may not contain '/'".to_owned()),
        _ => words::subdomain(name),
    }
}

/// Keys and values of a map of labels (also of a node selector).
pub(super) fn labels(labels: Option<&Value>, field: &str, problems: &mut Problems) {
    for (key, value) in labels.and_then(Value::as_object).into_iter().flatten() {
        if let Some(complaint) = words::qualified_name(key) {
            problems.invalid(field, &json!(key), &complaint);
        }
        if let Some(complaint) = words::label_value(value.as_str().unwrap_or_default()) {
            problems.invalid(field, value, &complaint);
        }
    }
}
