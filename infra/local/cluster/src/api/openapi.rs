//! Just enough OpenAPI v3 for kubectl: which kinds take `fieldValidation`, so that it leaves validation to the server.

use super::answer::{Answer, json_answer, text_answer};
use crate::store::Kind;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Answer an OpenAPI path; `None` for any other.
pub(super) fn at(path: &str) -> Option<Answer> {
    let document = path.strip_prefix("/openapi/v3")?;
    match document {
        "" => {
            let url = |path: &str| json!({"serverRelativeURL": format!("/openapi/v3/{path}?hash=embedded")});
            let rbac = "apis/rbac.authorization.k8s.io/v1";
            Some(json_answer(StatusCode::OK, &json!({"paths": {"api/v1": url("api/v1"), rbac: url(rbac)}})))
        }
        "/api/v1" => Some(json_answer(StatusCode::OK, &api(""))),
        "/apis/rbac.authorization.k8s.io/v1" => {
            Some(json_answer(StatusCode::OK, &api("rbac.authorization.k8s.io")))
        }
        _ => Some(text_answer(StatusCode::NOT_FOUND, "404 page not found\n")),
    }
}

fn api(group: &str) -> Value {
    let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
    let mut paths = Map::new();
    for kind in Kind::ALL.into_iter().filter(|kind| kind.group() == group) {
        let scope = if kind.is_namespaced() { "/namespaces/{namespace}" } else { "" };
        let collection = format!("{root}{scope}/{}", kind.plural());
        let operation = |action: &str| {
            json!({
                "parameters": [{"name": "fieldValidation", "in": "query", "schema": {"type": "string", "uniqueItems": true}},
                               {"name": "dryRun", "in": "query", "schema": {"type": "string", "uniqueItems": true}}],
                "responses": {"200": {"description": "OK"}},
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": {"group": group, "version": "v1", "kind": kind.name()},
            })
        };
        paths.insert(
            format!("{collection}/{{name}}"),
            json!({"patch": operation("patch"), "put": operation("put")}),
        );
        paths.insert(collection, json!({"post": operation("post")}));
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": super::discovery::VERSION},
        "paths": paths, "components": {"schemas": {}},
    })
}
