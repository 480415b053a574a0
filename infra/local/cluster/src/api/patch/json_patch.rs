//! JSON Patch, RFC 6902.

use crate::api::status::Status;
use http::StatusCode;
use serde_json::{Value, json};

/// One operation.
pub(super) struct Operation {
    verb: String,
    path: String,
    from: String,
    value: Value,
}

fn refused() -> Status {
    let message = "the server rejected our request due to an error in our request";
    let mut status = Status::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
    status.details = Some(Box::new(json!({})));
    status
}

/// Read the operations of a body.
pub(super) fn parse(body: &Value) -> Result<Vec<Operation>, Status> {
    let operations =
        body.as_array().ok_or_else(|| Status::bad_request("error decoding patch: a JSON patch is a list"))?;
    let word = |operation: &Value, field: &str| {
        operation.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    Ok(operations
        .iter()
        .map(|operation| Operation {
            verb: word(operation, "op"),
            path: word(operation, "path"),
            from: word(operation, "from"),
            value: operation.get("value").cloned().unwrap_or(Value::Null),
        })
        .collect())
}

/// Carry out every operation.
///
/// # Errors
///
/// 422 in upstream's words when a test fails or a path is not there.
pub(super) fn apply(object: &mut Value, operations: &[Operation]) -> Result<(), Status> {
    for operation in operations {
        step(object, operation).ok_or_else(refused)?;
    }
    Ok(())
}

fn step(object: &mut Value, operation: &Operation) -> Option<()> {
    match operation.verb.as_str() {
        "add" => add(object, &operation.path, operation.value.clone()),
        "remove" => remove(object, &operation.path).map(drop),
        "replace" => {
            *object.pointer_mut(&operation.path)? = operation.value.clone();
            Some(())
        }
        "move" => {
            let value = remove(object, &operation.from)?;
            add(object, &operation.path, value)
        }
        "copy" => {
            let value = object.pointer(&operation.from)?.clone();
            add(object, &operation.path, value)
        }
        "test" => (object.pointer(&operation.path)? == &operation.value).then_some(()),
        _ => None,
    }
}

/// The value that holds the last segment of a path, and that segment.
fn parent<'a>(object: &'a mut Value, path: &str) -> Option<(&'a mut Value, String)> {
    let (parent, last) = path.rsplit_once('/')?;
    Some((object.pointer_mut(parent)?, last.replace("~1", "/").replace("~0", "~")))
}

fn add(object: &mut Value, path: &str, value: Value) -> Option<()> {
    match parent(object, path)? {
        (Value::Object(fields), field) => {
            fields.insert(field, value);
        }
        (Value::Array(items), end) if end == "-" => items.push(value),
        (Value::Array(items), index) => {
            let index: usize = index.parse().ok().filter(|index| *index <= items.len())?;
            items.insert(index, value);
        }
        _ => return None,
    }
    Some(())
}

fn remove(object: &mut Value, path: &str) -> Option<Value> {
    match parent(object, path)? {
        (Value::Object(fields), field) => fields.shift_remove(&field),
        (Value::Array(items), index) => {
            let index: usize = index.parse().ok().filter(|index| *index < items.len())?;
            Some(items.remove(index))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patched(body: Value) -> Result<Value, Status> {
        let mut object = json!({"metadata": {"labels": {"a/b": "1"}, "finalizers": ["x", "y"]}});
        apply(&mut object, &parse(&body).unwrap())?;
        Ok(object)
    }

    #[test]
    fn operations_change_the_object_in_order() {
        let object = patched(json!([
            {"op": "test", "path": "/metadata/labels/a~1b", "value": "1"},
            {"op": "replace", "path": "/metadata/labels/a~1b", "value": "2"},
            {"op": "add", "path": "/metadata/finalizers/-", "value": "z"},
            {"op": "remove", "path": "/metadata/finalizers/0"},
            {"op": "copy", "from": "/metadata/finalizers/0", "path": "/metadata/name"},
        ]));
        assert_eq!(
            object.unwrap(),
            json!({"metadata": {"labels": {"a/b": "2"}, "finalizers": ["y", "z"], "name": "y"}})
        );
    }

    #[test]
    fn a_test_that_fails_is_422_without_a_cause() {
        // http/11-patch
        let refused = patched(json!([{"op": "test", "path": "/metadata/name", "value": "zzz"}])).unwrap_err();
        assert_eq!(refused.code, 422);
        assert_eq!(refused.message, "the server rejected our request due to an error in our request");
    }
}
