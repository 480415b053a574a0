//! The reviews by which a client asks about itself.

use super::{Authorizer, Question, User};
use crate::api::status::{Cause, Status};
use crate::clock;
use crate::store::{set, text};
use serde_json::{Value, json};

/// Answer a SelfSubjectAccessReview, SelfSubjectRulesReview or SelfSubjectReview.
///
/// # Errors
///
/// 422 without attributes, 400 without a namespace, 404 for another review.
pub fn review(authorizer: &Authorizer, user: &User, resource: &str, body: &Value) -> Result<Value, Status> {
    match resource {
        "selfsubjectaccessreviews" => access(authorizer, user, body),
        "selfsubjectrulesreviews" => rules(authorizer, user, body),
        "selfsubjectreviews" => Ok(json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"creationTimestamp": clock::seconds(clock::now())},
            "status": {"userInfo": {"username": user.name, "groups": user.groups}},
        })),
        "subjectaccessreviews" | "localsubjectaccessreviews" | "tokenreviews" => {
            Err(Status::unsupported(resource))
        }
        _ => Err(Status::no_such_resource()),
    }
}

fn access(authorizer: &Authorizer, user: &User, body: &Value) -> Result<Value, Status> {
    let resource = body.pointer("/spec/resourceAttributes");
    let path = body.pointer("/spec/nonResourceAttributes");
    let reason = match (resource, path) {
        (Some(attributes), None) => {
            let word = |field: &str| text(attributes, field).to_owned();
            let resource = match word("/subresource") {
                subresource if subresource.is_empty() => word("/resource"),
                subresource => format!("{}/{subresource}", word("/resource")),
            };
            let question = Question {
                verb: word("/verb"),
                group: word("/group"),
                resource,
                namespace: word("/namespace"),
                name: word("/name"),
            };
            authorizer.allows(user, &question)
        }
        (None, Some(attributes)) if text(attributes, "/verb") == "get" => {
            authorizer.path(user, text(attributes, "/path"))
        }
        (None, Some(_)) => user.is_administrator().then(String::new),
        _ => {
            let message = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified";
            let cause = Cause {
                reason: "FieldValueInvalid",
                message: message.into(),
                field: "spec.resourceAttributes".into(),
            };
            return Err(Status::invalid("authorization.k8s.io", "", "", &[cause]));
        }
    };
    let mut status = json!({"allowed": reason.is_some()});
    if let Some(reason) = reason.filter(|reason| !reason.is_empty()) {
        set(&mut status, "reason", json!(reason));
    }
    Ok(json!({
        "kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {},
        "spec": body.get("spec"), "status": status,
    }))
}

fn rules(authorizer: &Authorizer, user: &User, body: &Value) -> Result<Value, Status> {
    let namespace = text(body, "/spec/namespace");
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    Ok(json!({
        "kind": "SelfSubjectRulesReview", "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": {},
        "status": {
            "resourceRules": authorizer.rules(user, namespace),
            "nonResourceRules": authorizer.path_rules(user),
            "incomplete": false,
        },
    }))
}
