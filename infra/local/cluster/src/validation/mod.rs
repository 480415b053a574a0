//! What upstream fills in and what it refuses, for pods as Longshore builds them and as people write them.

pub mod admission;
mod container;
pub mod defaults;
pub mod duplicates;
mod metadata;
mod pod;
pub mod quantity;
pub mod shape;
pub mod support;
pub mod update;
mod volume;
mod words;

use crate::api::status::Cause;
use crate::store::Kind;
use serde_json::Value;

/// Everything that is wrong with an object; what is only odd goes to `warnings`.
pub fn check(kind: Kind, object: &Value, warnings: &mut Vec<String>) -> Vec<Cause> {
    let mut problems = Problems::default();
    metadata::check(kind, object, &mut problems);
    if kind == Kind::Pod {
        pod::check(object, &mut problems, warnings);
    }
    problems.causes
}

/// The problems found so far.
#[derive(Default)]
struct Problems {
    causes: Vec<Cause>,
}

impl Problems {
    fn add(&mut self, field: impl Into<String>, reason: &'static str, message: impl Into<String>) {
        self.causes.push(Cause { reason, message: message.into(), field: field.into() });
    }

    fn required(&mut self, field: impl Into<String>, why: &str) {
        let message =
            if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        self.add(field, "FieldValueRequired", message);
    }

    /// `value` as JSON, so that text is quoted and numbers are not.
    fn invalid(&mut self, field: impl Into<String>, value: &Value, why: &str) {
        self.add(field, "FieldValueInvalid", format!("Invalid value: {value}: {why}"));
    }

    fn forbidden(&mut self, field: impl Into<String>, why: &str) {
        self.add(field, "FieldValueForbidden", format!("Forbidden: {why}"));
    }

    fn duplicate(&mut self, field: impl Into<String>, value: &str) {
        self.add(field, "FieldValueDuplicate", format!("Duplicate value: \"{value}\""));
    }

    fn unsupported(&mut self, field: impl Into<String>, value: &str, supported: &[&str]) {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let message = format!("Unsupported value: \"{value}\": supported values: {}", supported.join(", "));
        self.add(field, "FieldValueNotSupported", message);
    }
}

/// The list at a JSON pointer; empty when there is none.
fn array<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
