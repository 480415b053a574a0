//! Answers that are not an object: `metav1.Status` in upstream's words.

use super::answer::{Answer, json_answer};
use crate::store::{Kind, StoreError};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::{Map, Value, json};

/// One field that is wrong; becomes an entry of `details.causes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// For example `FieldValueInvalid`.
    pub reason: &'static str,
    /// What is wrong, for example `Required value`.
    pub message: String,
    /// Where, for example `spec.containers[0].image`.
    pub field: String,
}

/// A refusal (or a bare success) as the API server words it.
#[derive(Clone, Debug)]
pub struct Status {
    /// HTTP status code.
    pub code: StatusCode,
    /// Machine-readable reason; empty where upstream sends none.
    pub reason: &'static str,
    /// The sentence.
    pub message: String,
    /// `details`, where upstream sends it.
    pub details: Option<Box<Value>>,
    /// `metadata.continue` of an expired list.
    pub go_on: Option<String>,
    /// `Retry-After` in seconds.
    pub retry_after_seconds: Option<u32>,
}

impl Status {
    /// A refusal without details.
    pub fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Status {
        Status {
            code,
            reason,
            message: message.into(),
            details: None,
            go_on: None,
            retry_after_seconds: None,
        }
    }

    fn about(mut self, name: &str, group: &str, kind: &str) -> Status {
        let mut details = Map::new();
        for (field, text) in [("name", name), ("group", group), ("kind", kind)] {
            if !text.is_empty() {
                details.insert(field.into(), json!(text));
            }
        }
        self.details = Some(Box::new(Value::Object(details)));
        self
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Status {
        Status::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 401: credentials that are not known.
    pub fn unauthorized() -> Status {
        Status::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    /// 403 about a named object (or, with an empty name, about the resource).
    pub fn forbidden(group: &str, resource: &str, name: &str, why: &str) -> Status {
        let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
        let what = if name.is_empty() { qualified } else { format!("{qualified} \"{name}\"") };
        let message = format!("{what} is forbidden: {why}");
        Status::new(StatusCode::FORBIDDEN, "Forbidden", message).about(name, group, resource)
    }

    /// 404 of an object.
    pub fn not_found(kind: Kind, name: &str) -> Status {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Status::new(StatusCode::NOT_FOUND, "NotFound", message).about(name, kind.group(), kind.plural())
    }

    /// 404 of a path.
    pub fn no_such_resource() -> Status {
        let message = "the server could not find the requested resource";
        Status::new(StatusCode::NOT_FOUND, "NotFound", message).about("", "", "")
    }

    /// 405.
    pub fn method_not_allowed() -> Status {
        let message = "the server does not allow this method on the requested resource";
        Status::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message).about("", "", "")
    }

    /// 409 of a create.
    pub fn already_exists(kind: Kind, name: &str, terminating: bool) -> Status {
        let being = if terminating { "object is being deleted: " } else { "" };
        let message = format!("{being}{} \"{name}\" already exists", kind.qualified());
        Status::new(StatusCode::CONFLICT, "AlreadyExists", message).about(name, kind.group(), kind.plural())
    }

    /// 409 of a change to an object that has moved on; `resource` is `pods`, in preconditions `Pod`.
    pub fn conflict(kind: Kind, resource: &str, name: &str, why: &str) -> Status {
        let message = format!("Operation cannot be fulfilled on {resource} \"{name}\": {why}");
        Status::new(StatusCode::CONFLICT, "Conflict", message).about(name, kind.group(), resource)
    }

    /// 410 of a list.
    pub fn expired(message: impl Into<String>) -> Status {
        Status::new(StatusCode::GONE, "Expired", message)
    }

    /// 422 with one cause per problem.
    pub fn invalid(group: &str, kind: &str, name: &str, causes: &[Cause]) -> Status {
        let qualified = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
        let problems: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let list = match problems.as_slice() {
            [only] => only.clone(),
            _ => format!("[{}]", problems.join(", ")),
        };
        let message = format!("{qualified} \"{name}\" is invalid: {list}");
        let mut status =
            Status::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message).about(name, group, kind);
        let causes: Vec<Value> = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        if let Some(details) = status.details.as_mut() {
            crate::store::set(details, "causes", Value::Array(causes));
        }
        status
    }

    /// 500 without a reason, as upstream sends for what it did not foresee.
    pub fn internal(message: impl Into<String>) -> Status {
        Status::new(StatusCode::INTERNAL_SERVER_ERROR, "", message)
    }

    /// 501: something that a real cluster does and this one does not; `what` names it.
    pub fn unsupported(what: &str) -> Status {
        let message = format!("the embedded cluster does not support {what}; use a real cluster for it");
        Status::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    /// 504: a version that the server has not reached.
    pub fn version_too_large(wanted: u64, current: u64) -> Status {
        let message = format!("Timeout: Too large resource version: {wanted}, current: {current}");
        let mut status = Status::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message);
        let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
        status.details = Some(Box::new(json!({"causes": [cause], "retryAfterSeconds": 1})));
        status.retry_after_seconds = Some(1);
        status
    }

    /// The Status object.
    pub fn object(&self) -> Value {
        let mut metadata = Map::new();
        if let Some(token) = &self.go_on {
            metadata.insert("continue".into(), json!(token));
        }
        let outcome = if self.code.is_success() { "Success" } else { "Failure" };
        let mut object =
            json!({"kind": "Status", "apiVersion": "v1", "metadata": metadata, "status": outcome});
        if !self.message.is_empty() {
            crate::store::set(&mut object, "message", json!(self.message));
        }
        if !self.reason.is_empty() {
            crate::store::set(&mut object, "reason", json!(self.reason));
        }
        if let Some(details) = &self.details {
            crate::store::set(&mut object, "details", Value::clone(details));
        }
        crate::store::set(&mut object, "code", json!(self.code.as_u16()));
        object
    }

    /// The answer on the wire.
    pub fn answer(&self) -> Answer {
        let mut answer = json_answer(self.code, &self.object());
        if let Some(seconds) = self.retry_after_seconds {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        answer
    }
}

impl From<StoreError> for Status {
    fn from(error: StoreError) -> Status {
        match error {
            StoreError::AlreadyExists { kind, name } => Status::already_exists(kind, &name, false),
            StoreError::NotFound { kind, name } => Status::not_found(kind, &name),
            StoreError::UidMismatch { kind, name, wanted, actual } => {
                let why = format!(
                    "the UID in the precondition ({wanted}) does not match the UID in record ({actual}). \
                     The object might have been deleted and then recreated"
                );
                Status::conflict(kind, kind.name(), &name, &why)
            }
        }
    }
}
