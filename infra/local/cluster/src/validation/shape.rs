//! The shape of an object: the fields there are and the type of each, as Go decodes them.
//!
//! `schema.txt` has a line per type, `Name field:type …`, for Kubernetes 1.36 (made from the OpenAPI of 1.33 and the
//! fields that came since).

use super::{duplicates, quantity};
use crate::api::status::{Cause, Status};
use crate::store::Kind;
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::LazyLock;

type Fields = HashMap<&'static str, &'static str>;

static SCHEMA: LazyLock<HashMap<&'static str, Fields>> = LazyLock::new(|| {
    let lines = include_str!("schema.txt").lines();
    lines
        .filter_map(|line| {
            let (name, fields) = line.split_once(' ')?;
            Some((name, fields.split(' ').filter_map(|field| field.split_once(':')).collect()))
        })
        .collect()
});

struct Walk {
    unknown: Vec<String>,
}

/// Check types and unknown fields; unknown fields and nulls are dropped, as decoding into Go does. `text` is what was
/// sent as JSON: fields that are written twice are seen only there.
///
/// # Errors
///
/// 400 for a wrong type, and for an unknown field or one written twice under `fieldValidation=Strict`; 422 for another word there.
pub fn check(
    kind: Kind,
    object: &mut Value,
    text: &[u8],
    field_validation: &str,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    if !matches!(field_validation, "" | "Ignore" | "Strict" | "Warn") {
        let cause = Cause {
            reason: "FieldValueNotSupported",
            message: format!(
                "Unsupported value: \"{field_validation}\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\""
            ),
            field: "fieldValidation".into(),
        };
        return Err(Status::invalid("meta.k8s.io", "CreateOptions", "", &[cause]));
    }
    let name = kind.name();
    let refused = |why: String| {
        Status::bad_request(format!("{name} in version \"v1\" cannot be handled as a {name}: {why}"))
    };
    let mut walk = Walk { unknown: Vec::new() };
    if SCHEMA.contains_key(name) {
        walk.value(object, name, name, "", "").map_err(refused)?;
    }
    let twice = if field_validation == "Ignore" { Vec::new() } else { duplicates::of(text) };
    let twice = twice.iter().map(|field| format!("duplicate field \"{field}\""));
    let unknown = walk.unknown.iter().map(|field| format!("unknown field \"{field}\""));
    let complaints: Vec<String> = twice.chain(unknown).collect();
    match field_validation {
        "Strict" if !complaints.is_empty() => {
            Err(refused(format!("strict decoding error: {}", complaints.join(", "))))
        }
        "" | "Warn" => {
            warnings.extend(complaints);
            Ok(())
        }
        _ => Ok(()),
    }
}

/// The type as Go's error names it.
fn go_type(wanted: &str) -> String {
    if let Some(item) = wanted.strip_prefix("[]") {
        return format!("[]{}", go_type(item));
    }
    if let Some(item) = wanted.strip_prefix("map-") {
        return format!("map[string]{}", go_type(item));
    }
    if SCHEMA.contains_key(wanted) { format!("v1.{wanted}") } else { wanted.to_owned() }
}

fn json_type(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) => "bool".into(),
        Value::Number(number) if number.is_f64() => format!("number {number}"),
        Value::Number(_) => "number".into(),
        Value::String(_) => "string".into(),
        Value::Array(_) => "array".into(),
        Value::Object(_) => "object".into(),
    }
}

impl Walk {
    /// `owner` is the Go struct, `go` the path without indices, `path` the one with.
    fn value(
        &mut self,
        value: &mut Value,
        wanted: &str,
        owner: &str,
        go: &str,
        path: &str,
    ) -> Result<(), String> {
        let mismatch = |value: &Value| {
            Err(format!(
                "json: cannot unmarshal {} into Go struct field {owner}.{go} of type {}",
                json_type(value),
                go_type(wanted)
            ))
        };
        if value.is_null() || wanted == "any" {
            return Ok(());
        }
        if let Some(item) = wanted.strip_prefix("[]") {
            let Value::Array(items) = value else { return mismatch(value) };
            for (index, entry) in items.iter_mut().enumerate() {
                self.value(entry, item, owner, go, &format!("{path}[{index}]"))?;
            }
            return Ok(());
        }
        if let Some(item) = wanted.strip_prefix("map-") {
            let Value::Object(fields) = value else { return mismatch(value) };
            for (key, entry) in fields.iter_mut() {
                self.value(entry, item, owner, go, &format!("{path}.{key}"))?;
            }
            return Ok(());
        }
        if let Some(fields) = SCHEMA.get(wanted) {
            let Value::Object(given) = value else { return mismatch(value) };
            return self.fields(given, fields, wanted, go, path);
        }
        let fits = match wanted {
            "string" => value.is_string(),
            "bool" => value.is_boolean(),
            "int32" => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            "int64" => value.is_i64(),
            "intstr" => value.is_i64() || value.is_string(),
            "quantity" => {
                if value.is_number() {
                    *value = json!(value.to_string());
                }
                let text = value.as_str().unwrap_or_default();
                return quantity::parse(text).map(drop).ok_or_else(|| quantity::COMPLAINT.to_owned());
            }
            _ => true,
        };
        if fits { Ok(()) } else { mismatch(value) }
    }

    fn fields(
        &mut self,
        given: &mut Map<String, Value>,
        known: &Fields,
        owner: &str,
        go: &str,
        path: &str,
    ) -> Result<(), String> {
        let join = |path: &str, field: &str| {
            if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
        };
        let mut dropped = Vec::new();
        for (field, value) in given.iter_mut() {
            match known.get(field.as_str()) {
                Some(wanted) => self.value(value, wanted, owner, &join(go, field), &join(path, field))?,
                None => {
                    self.unknown.push(join(path, field));
                    dropped.push(field.clone());
                }
            }
        }
        for field in dropped {
            given.shift_remove(&field);
        }
        given.retain(|_, value| !value.is_null());
        Ok(())
    }
}
