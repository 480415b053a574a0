//! Creating: read, default, admit, validate, store.

use super::Api;
use super::answer::{Answer, json_answer};
use super::attend::{Asked, accept};
use super::list::shaped;
use super::protobuf;
use super::status::Status;
use super::table::shape;
use crate::random;
use crate::store::{Kind, Store, set, stamp, text};
use crate::validation;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde_json::{Value, json};
use std::sync::Arc;

/// The largest object that etcd takes, about.
const OBJECT_LIMIT_BYTES: usize = 1_572_864;

/// What a create is about besides the object.
pub(crate) struct CreateOptions<'a> {
    /// What is created.
    pub kind: Kind,
    /// The namespace of the path; empty for the cluster scope.
    pub namespace: &'a str,
    /// Answer as if, and store nothing.
    pub dry_run: bool,
    /// What was sent, when it was JSON.
    pub text: &'a [u8],
    /// `Strict`, `Warn` (also when empty) or `Ignore`.
    pub field_validation: &'a str,
}

/// An object that was created (or would be), and what to warn about.
pub(crate) struct Created {
    pub object: Arc<Value>,
    pub warnings: Vec<String>,
}

/// `POST` to a collection.
pub(super) fn created(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let shape = shape(accept(&asked.headers))?;
    if asked.kind == Kind::Node {
        return Err(Status::method_not_allowed());
    }
    if asked.body.len() > OBJECT_LIMIT_BYTES {
        return Err(Status::internal("etcdserver: request is too large"));
    }
    let dry_run = asked.query.dry_run("CreateOptions")?;
    let body = read(&asked.headers, &asked.body, asked.kind.name())?;
    let options = CreateOptions {
        kind: asked.kind,
        namespace: &asked.target.namespace,
        dry_run,
        text: &asked.body,
        field_validation: asked.query.text("fieldValidation"),
    };
    let created = create(&api.store, &options, body)?;
    let mut answer = json_answer(StatusCode::CREATED, &shaped(asked, shape, &created.object));
    warn(answer.headers_mut(), &created.warnings);
    Ok(answer)
}

/// One `Warning` header per warning, quoted as RFC 7234 asks.
pub(super) fn warn(headers: &mut HeaderMap, warnings: &[String]) {
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            headers.append(header::WARNING, value);
        }
    }
}

/// Read a body by its content type; none means JSON.
pub(super) fn read(headers: &HeaderMap, body: &[u8], kind: &str) -> Result<Value, Status> {
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match content_type.split(';').next().unwrap_or_default().trim() {
        "" | "application/json" => parse(body, kind),
        protobuf::CONTENT_TYPE => protobuf::parse(body, kind),
        "application/yaml" => Err(Status::unsupported("bodies of type `application/yaml`")),
        _ => {
            let message = format!(
                "the body of the request was in an unknown format - accepted media types include: application/json, {}",
                protobuf::CONTENT_TYPE
            );
            Err(Status::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType", message))
        }
    }
}

/// Read a body as JSON; `null` is an empty object, as upstream has it.
fn parse(body: &[u8], kind: &str) -> Result<Value, Status> {
    let refused = |why: &str| {
        let start: String = String::from_utf8_lossy(body).chars().take(30).collect();
        let start = if start.is_empty() { "<empty>".to_owned() } else { format!("{start} ...") };
        let message = format!(
            "the object provided is unrecognized (must be of type {kind}): couldn't get version/kind; json parse error: {why} ({start})"
        );
        Status::bad_request(message)
    };
    match serde_json::from_slice(body) {
        Ok(Value::Null) => Ok(json!({})),
        Ok(value @ Value::Object(_)) => Ok(value),
        Ok(other) => {
            let what = if other.is_array() { "array" } else { "value" };
            Err(refused(&format!("json: cannot unmarshal {what} into Go value of type {kind}")))
        }
        Err(error) if error.is_eof() => Err(refused("unexpected end of JSON input")),
        Err(error) => Err(refused(&error.to_string())),
    }
}

/// Create an object in the store.
///
/// # Errors
///
/// 400 for another kind or namespace, 403 from admission, 404 without the namespace, 409 when the name is taken,
/// 422 when it is not valid.
pub(crate) fn create(
    store: &Store,
    options: &CreateOptions<'_>,
    mut object: Value,
) -> Result<Created, Status> {
    let kind = options.kind;
    let mut warnings = Vec::new();
    check_kind(kind, &object)?;
    validation::shape::check(kind, &mut object, options.text, options.field_validation, &mut warnings)?;
    set(&mut object, "kind", json!(kind.name()));
    set(&mut object, "apiVersion", json!(kind.api_version()));
    if !object.get("metadata").is_some_and(Value::is_object) {
        set(&mut object, "metadata", json!({}));
    }
    if !matches!(text(&object, "/metadata/resourceVersion"), "" | "0") {
        return Err(Status::internal("resourceVersion should not be set on objects to be created"));
    }
    if kind.is_namespaced() {
        let given = text(&object, "/metadata/namespace");
        if !given.is_empty() && given != options.namespace {
            let message =
                "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Status::bad_request(message));
        }
        if options.namespace.is_empty() {
            return Err(Status::method_not_allowed());
        }
        if store.get(Kind::Namespace, "", options.namespace).is_none() {
            return Err(Status::not_found(Kind::Namespace, options.namespace));
        }
    }
    name(kind, &mut object, options.namespace);
    let name = text(&object, "/metadata/name").to_owned();
    if kind == Kind::Pod {
        validation::admission::admit(store, options.namespace, &mut object)?;
        validation::defaults::pod(&mut object);
    } else {
        validation::defaults::other(kind, &mut object);
    }
    let causes = validation::check(kind, &object, &mut warnings);
    if !causes.is_empty() {
        return Err(Status::invalid(kind.group(), kind.name(), &name, &causes));
    }
    if kind == Kind::Pod {
        validation::support::check(&object)?;
    }
    let there = if kind.is_namespaced() { options.namespace } else { "" };
    if let Some(existing) = store.get(kind, there, &name) {
        let terminating = existing.pointer("/metadata/deletionTimestamp").is_some();
        return Err(Status::already_exists(kind, &name, terminating));
    }
    if options.dry_run {
        let mut object = stamp(kind, object);
        if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
            metadata.shift_remove("resourceVersion");
        }
        return Ok(Created { object: Arc::new(object), warnings });
    }
    let object = store.create(kind, object)?;
    if kind == Kind::Namespace {
        furnish(store, &name);
    }
    Ok(Created { object, warnings })
}

fn check_kind(kind: Kind, object: &Value) -> Result<(), Status> {
    let (given, version) = (text(object, "/kind"), text(object, "/apiVersion"));
    let refused = |why: String| {
        Err(Status::bad_request(format!(
            "{given} in version \"{version}\" cannot be handled as a {}: {why}",
            kind.name()
        )))
    };
    if !given.is_empty() && given != kind.name() {
        return refused(format!("converting (v1.{given}) to (core.{}): unknown conversion", kind.name()));
    }
    if !version.is_empty() && version != kind.api_version() {
        return refused(format!(
            "no kind \"{given}\" is registered for version \"{version}\" in scheme \"k8s.io/kubernetes/pkg/api/legacyscheme/scheme.go:30\""
        ));
    }
    Ok(())
}

/// Set the namespace, generate the name if asked to, and drop what only the server sets.
fn name(kind: Kind, object: &mut Value, namespace: &str) {
    let Some(Value::Object(metadata)) = object.get_mut("metadata") else { return };
    let set_by_server = [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
    ];
    for field in set_by_server {
        metadata.shift_remove(field);
    }
    if kind.is_namespaced() {
        metadata.insert("namespace".into(), json!(namespace));
    }
    let named = metadata.get("name").and_then(Value::as_str).is_some_and(|name| !name.is_empty());
    if let Some(prefix) = metadata.get("generateName").and_then(Value::as_str).filter(|_| !named) {
        let name = format!("{}{}", prefix.chars().take(58).collect::<String>(), random::suffix());
        metadata.insert("name".into(), json!(name));
    }
}

/// What the controllers of a real cluster put into a new namespace.
fn furnish(store: &Store, namespace: &str) {
    let account = json!({"metadata": {"name": "default", "namespace": namespace}});
    if let Err(error) = store.create(Kind::ServiceAccount, account) {
        tracing::debug!(error = %error, "the namespace has its service account already");
    }
    let source = store.get(Kind::ConfigMap, "default", validation::admission::ROOT_CERTIFICATE);
    if let Some(source) = source.filter(|_| namespace != "default") {
        let map = json!({
            "metadata": {"name": validation::admission::ROOT_CERTIFICATE, "namespace": namespace},
            "data": source.get("data"),
        });
        if let Err(error) = store.create(Kind::ConfigMap, map) {
            tracing::debug!(error = %error, "the namespace has the root certificate already");
        }
    }
}
