//! Changing: PUT and the three kinds of patch, on what may change.

use super::Api;
use super::answer::{Answer, json_answer};
use super::attend::{Asked, accept};
use super::create::{read, warn};
use super::delete::is_over;
use super::list::{shaped, storage_namespace};
use super::status::Status;
use super::table::shape;
use crate::store::{Kind, set, text};
use crate::validation;
use http::{StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;

mod json_patch;
mod merge;

/// A change that a client asks for.
enum Change {
    Merge(Value),
    Strategic(Value),
    Json(Vec<json_patch::Operation>),
    Replace(Value),
}

/// `PATCH` of one object.
pub(super) fn patch(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let content_type =
        asked.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let body = || {
        serde_json::from_slice::<Value>(&asked.body)
            .map_err(|error| Status::bad_request(format!("error decoding patch: {error}")))
    };
    let change = match content_type.split(';').next().unwrap_or_default().trim() {
        "application/merge-patch+json" => Change::Merge(body()?),
        "application/strategic-merge-patch+json" => Change::Strategic(body()?),
        "application/json-patch+json" => Change::Json(json_patch::parse(&body()?)?),
        "application/apply-patch+yaml" | "application/apply-patch+cbor" => {
            return Err(Status::unsupported("server-side apply"));
        }
        _ => {
            let mut status = Status::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "UnsupportedMediaType",
                "415: Unsupported Media Type",
            );
            status.details = Some(Box::new(json!({})));
            return Err(status);
        }
    };
    apply(api, asked, &change, "PatchOptions")
}

/// `PUT` of one object.
pub(super) fn replace(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let body = read(&asked.headers, &asked.body, asked.kind.name())?;
    if text(&body, "/metadata/name") != asked.target.name {
        let message = format!(
            "the name of the object ({}) does not match the name on the URL ({})",
            text(&body, "/metadata/name"),
            asked.target.name
        );
        return Err(Status::bad_request(message));
    }
    apply(api, asked, &Change::Replace(body), "UpdateOptions")
}

fn apply(api: &Api, asked: &Asked, change: &Change, options: &str) -> Result<Answer, Status> {
    let shape = shape(accept(&asked.headers))?;
    let dry_run = asked.query.dry_run(options)?;
    if asked.kind == Kind::Node {
        return Err(Status::unsupported("changing its node"));
    }
    let (namespace, name) = (storage_namespace(asked), asked.target.name.as_str());
    let mut warnings = Vec::new();
    let object = if dry_run {
        let found = api.store.get(asked.kind, namespace, name);
        let mut object = Value::clone(&*found.ok_or_else(|| Status::not_found(asked.kind, name))?);
        changed(asked, change, &mut object, &mut warnings)?;
        Arc::new(object)
    } else {
        let (mut outcome, mut last) = (Ok(()), None);
        let object = api.store.update(asked.kind, namespace, name, None, |object| {
            let mut changed_object = object.clone();
            outcome = changed(asked, change, &mut changed_object, &mut warnings);
            if outcome.is_ok() && asked.kind == Kind::Pod && is_over(&changed_object) {
                // Its last finalizer goes with it: what is shown last still has it (recording 91).
                last = Some(Arc::new(changed_object));
            } else if outcome.is_ok() {
                *object = changed_object;
            }
        })?;
        outcome?;
        match last {
            None => object,
            Some(last) => {
                // Somebody else may have removed it already.
                let _ = api.store.remove(asked.kind, namespace, name, Some(text(&last, "/metadata/uid")));
                last
            }
        }
    };
    let mut answer = json_answer(StatusCode::OK, &shaped(asked, shape, &object));
    warn(answer.headers_mut(), &warnings);
    Ok(answer)
}

/// Carry out the change on the object, or say why not.
fn changed(
    asked: &Asked,
    change: &Change,
    object: &mut Value,
    warnings: &mut Vec<String>,
) -> Result<(), Status> {
    let old = object.clone();
    match change {
        Change::Merge(patch) => merge::merge(object, patch),
        Change::Strategic(patch) => merge::strategic(object, patch, ""),
        Change::Json(operations) => json_patch::apply(object, operations)?,
        Change::Replace(new) => *object = new.clone(),
    }
    let name = text(&old, "/metadata/name");
    let wanted = text(object, "/metadata/resourceVersion");
    if !wanted.is_empty() && wanted != text(&old, "/metadata/resourceVersion") {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Status::conflict(asked.kind, asked.kind.plural(), name, why));
    }
    let field_validation = asked.query.text("fieldValidation");
    validation::shape::check(asked.kind, object, &asked.body, field_validation, warnings)?;
    keep(&old, object);
    if asked.kind == Kind::Pod {
        validation::defaults::pod(object);
        if let Some(status) = old.get("status") {
            set(object, "status", status.clone());
        }
    } else {
        validation::defaults::other(asked.kind, object);
    }
    let mut causes = validation::update::check(asked.kind, &old, object);
    if causes.is_empty() {
        causes = validation::check(asked.kind, object, warnings);
    }
    if !causes.is_empty() {
        return Err(Status::invalid(asked.kind.group(), asked.kind.name(), name, &causes));
    }
    if asked.kind == Kind::Pod && old.get("spec") != object.get("spec") {
        let generation = old.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
        if let Some(metadata) = object.get_mut("metadata") {
            set(metadata, "generation", json!(generation + 1));
        }
    }
    Ok(())
}

/// Put back what only the server sets, in the old order.
fn keep(old: &Value, object: &mut Value) {
    let kept = [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
    ];
    let Some(Value::Object(new)) = object.get_mut("metadata").map(Value::take) else {
        set(object, "metadata", old.get("metadata").cloned().unwrap_or(Value::Null));
        return;
    };
    let mut metadata = serde_json::Map::new();
    for field in kept {
        if let Some(value) = old.pointer(&format!("/metadata/{field}")) {
            metadata.insert(field.into(), value.clone());
        }
    }
    for (field, value) in new {
        let empty = value.as_object().is_some_and(serde_json::Map::is_empty)
            || value.as_array().is_some_and(Vec::is_empty);
        if !kept.contains(&field.as_str()) && !empty {
            metadata.insert(field, value);
        }
    }
    set(object, "metadata", Value::Object(metadata));
    for field in ["kind", "apiVersion"] {
        set(object, field, old.get(field).cloned().unwrap_or(Value::Null));
    }
}
