//! Reading: one object, a list, its pages and its shapes.

use super::Api;
use super::answer::{Answer, answer, json_answer, whole};
use super::attend::{Asked, accept};
use super::selector::Selector;
use super::status::{Cause, Status};
use super::table::{Shape, Table, partial, shape};
use crate::store::{Key, Kind, Object, Store, set, text};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;

/// `GET` of one object.
pub(super) fn get(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let namespace = storage_namespace(asked);
    if let Some(version) = version(asked)?.filter(|version| *version > api.store.version()) {
        return Err(Status::version_too_large(version, api.store.version()));
    }
    let shape = shape(accept(&asked.headers))?;
    let found = api.store.get(asked.kind, namespace, &asked.target.name);
    let object = found.ok_or_else(|| Status::not_found(asked.kind, &asked.target.name))?;
    Ok(json_answer(StatusCode::OK, &shaped(asked, shape, &object)))
}

/// One object in the shape that the client accepts.
pub(super) fn shaped(asked: &Asked, shape: Shape, object: &Arc<Value>) -> Value {
    match shape {
        Shape::Object => Value::clone(object),
        Shape::Partial => partial(object),
        Shape::Table => {
            let mut table = Table::new(asked.kind, asked.query.text("includeObject"));
            let version = text(object, "/metadata/resourceVersion").to_owned();
            table.whole(std::slice::from_ref(object), json!({"resourceVersion": version}))
        }
    }
}

/// The namespace under which the store holds the object: empty for Namespace objects, whose path repeats the name.
pub(super) fn storage_namespace(asked: &Asked) -> &str {
    if asked.kind.is_namespaced() { &asked.target.namespace } else { "" }
}

/// The selectors of a request.
pub(super) fn selector(asked: &Asked) -> Result<Selector, Status> {
    Selector::parse(asked.kind, asked.query.text("labelSelector"), asked.query.text("fieldSelector"))
}

fn version(asked: &Asked) -> Result<Option<u64>, Status> {
    match asked.query.text("resourceVersion") {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            Status::bad_request(format!(
                "invalid resource version: resourceVersion: Invalid value: \"{text}\": \
                 strconv.ParseUint: parsing \"{text}\": invalid syntax"
            ))
        }),
    }
}

/// Where the next page begins: the version of the first page and the last key of this one.
struct Continue {
    /// `None`: whatever is there now (after an expired token).
    version: Option<u64>,
    after: (String, String),
}

impl Continue {
    fn parse(token: &str) -> Result<Continue, Status> {
        let refused = |why: &str| {
            Status::bad_request(format!("invalid continue token: continue key is not valid: {why}"))
        };
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|error| refused(&error.to_string()))?;
        let parsed: Value = serde_json::from_slice(&bytes).map_err(|_| {
            let first = String::from_utf8_lossy(&bytes).chars().next().unwrap_or(' ');
            refused(&format!("invalid character '{first}' looking for beginning of value"))
        })?;
        let start = parsed.get("start").and_then(Value::as_str).ok_or_else(|| refused("no start key"))?;
        let key = start.trim_start_matches('/').trim_end_matches('\0');
        let (namespace, name) = key.split_once('/').unwrap_or(("", key));
        let version =
            parsed.get("rv").and_then(Value::as_i64).and_then(|version| u64::try_from(version).ok());
        Ok(Continue { version, after: (namespace.into(), name.into()) })
    }

    /// The last key of this page as the store has it; a list of one namespace leaves that out of its tokens.
    fn key(&self, namespace: Option<&str>) -> Key {
        (namespace.map_or_else(|| self.after.0.clone(), str::to_owned), self.after.1.clone())
    }

    fn token(version: Option<u64>, namespace: &str, name: &str) -> String {
        let key = if namespace.is_empty() { format!("/{name}\0") } else { format!("/{namespace}/{name}\0") };
        let version = version.map_or(json!(-1), |version| json!(version));
        URL_SAFE_NO_PAD.encode(json!({"v": "meta.k8s.io/v1", "rv": version, "start": key}).to_string())
    }
}

struct Page {
    items: Vec<Arc<Object>>,
    metadata: Value,
}

fn check_options(asked: &Asked) -> Result<(), Status> {
    let mut causes = Vec::new();
    let forbidden = |field: &str, message: &str| Cause {
        reason: "FieldValueForbidden",
        message: format!("Forbidden: {message}"),
        field: field.into(),
    };
    if asked.query.get("resourceVersionMatch").is_some() && asked.query.text("resourceVersion").is_empty() {
        let message = "resourceVersionMatch is forbidden unless resourceVersion is provided";
        causes.push(forbidden("resourceVersionMatch", message));
    }
    if asked.query.get("sendInitialEvents").is_some() {
        causes.push(forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if causes.is_empty() { Ok(()) } else { Err(Status::invalid("meta.k8s.io", "ListOptions", "", &causes)) }
}

fn page(store: &Store, asked: &Asked) -> Result<Page, Status> {
    check_options(asked)?;
    let selector = selector(asked)?;
    let wanted = version(asked)?;
    let limit =
        asked.query.number("limit")?.and_then(|limit| usize::try_from(limit).ok()).filter(|limit| *limit > 0);
    // Upstream serves version 0 from its cache, whole.
    let limit = if wanted == Some(0) { None } else { limit };
    let namespaced = asked.kind.is_namespaced() && !asked.target.namespace.is_empty();
    let namespace = namespaced.then_some(asked.target.namespace.as_str());
    let go_on = match asked.query.text("continue") {
        "" => None,
        _ if wanted.is_some_and(|version| version > 0) => {
            return Err(Status::bad_request(
                "specifying resource version is not allowed when using continue",
            ));
        }
        token => Some(Continue::parse(token)?),
    };
    let exact = match &go_on {
        Some(go_on) => go_on.version,
        None => wanted.filter(|_| asked.query.text("resourceVersionMatch") == "Exact"),
    };
    let current = store.version();
    if let Some(wanted) = wanted.or(exact).filter(|wanted| *wanted > current) {
        return Err(Status::version_too_large(wanted, current));
    }
    let after = go_on.as_ref().map(|go_on| go_on.key(namespace));
    let (objects, version) = match exact {
        None => store.objects(asked.kind, namespace, after.as_ref()),
        Some(exact) => match store.objects_at(asked.kind, namespace, after.as_ref(), exact) {
            Ok(objects) => (objects, exact),
            Err(_) => return Err(expired(go_on.as_ref(), namespace)),
        },
    };
    let found = objects.len();
    let selected = objects.into_iter().filter(|object| selector.selects(object));
    // One more tells that there is another page.
    let mut items: Vec<Arc<Object>> =
        selected.take(limit.map_or(usize::MAX, |limit| limit.saturating_add(1))).collect();
    let mut metadata = json!({"resourceVersion": version.to_string()});
    if let Some(limit) = limit.filter(|limit| *limit < items.len()) {
        items.truncate(limit);
        if let Some(last) = items.last() {
            let outer = if namespace.is_some() { "" } else { last.namespace() };
            let token = Continue::token(Some(version), outer, last.name());
            set(&mut metadata, "continue", json!(token));
        }
        if selector.is_empty() {
            set(&mut metadata, "remainingItemCount", json!(found - limit));
        }
    }
    Ok(Page { items, metadata })
}

fn expired(go_on: Option<&Continue>, namespace: Option<&str>) -> Status {
    let Some(go_on) = go_on else {
        return Status::expired("The resourceVersion for the provided list is too old.");
    };
    let mut status = Status::expired(
        "The provided continue parameter is too old to display a consistent list result. You can start a new list \
         without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
         results. Continuing with the provided token results in an inconsistent list - objects that were created, \
         modified, or deleted between the time the first chunk was returned and now may show up in the list.",
    );
    let outer = if namespace.is_some() { "" } else { go_on.after.0.as_str() };
    status.go_on = Some(Continue::token(None, outer, &go_on.after.1));
    status
}

/// `GET` of a collection.
pub(super) fn list(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let shape = shape(accept(&asked.headers))?;
    let page = page(&api.store, asked)?;
    let values = || -> Vec<Arc<Value>> { page.items.iter().map(|item| item.value()).collect() };
    let body = match shape {
        Shape::Object => {
            let body = whole(written(asked.kind, &page.items, &page.metadata));
            return Ok(answer(StatusCode::OK, "application/json", body));
        }
        Shape::Partial => json!({
            "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": page.metadata,
            "items": values().iter().map(|item| partial(item)).collect::<Vec<_>>(),
        }),
        Shape::Table => {
            Table::new(asked.kind, asked.query.text("includeObject")).whole(&values(), page.metadata)
        }
    };
    Ok(json_answer(StatusCode::OK, &body))
}

/// A list as text, made of the texts of its items.
fn written(kind: Kind, items: &[Arc<Object>], metadata: &Value) -> String {
    let size: usize = items.iter().map(|item| item.json().len() + 1).sum();
    let mut text = String::with_capacity(size + 256);
    text.push_str(&format!(
        "{{\"kind\":\"{}List\",\"apiVersion\":\"{}\",\"metadata\":{metadata},\"items\":[",
        kind.name(),
        kind.api_version()
    ));
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        item.write_item(kind, &mut text);
    }
    text.push_str("]}\n");
    text
}

/// A list object; its items carry no kind and apiVersion, as upstream's.
pub(super) fn listing(kind: Kind, items: &[Arc<Value>], metadata: Value) -> Value {
    let items: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut item = Value::clone(item);
            if let Value::Object(fields) = &mut item {
                fields.shift_remove("kind");
                fields.shift_remove("apiVersion");
            }
            item
        })
        .collect();
    json!({"kind": format!("{}List", kind.name()), "apiVersion": kind.api_version(), "metadata": metadata, "items": items})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_continue_token_has_the_recorded_form() {
        // http/13-list-paging
        let token = Continue::token(Some(59027), "", "l1");
        assert_eq!(token, "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6NTkwMjcsInN0YXJ0IjoiL2wxXHUwMDAwIn0");
        let parsed = Continue::parse(&token).unwrap();
        assert_eq!((parsed.version, parsed.after.1.as_str()), (Some(59027), "l1"));
        let refused = Continue::parse("abc").err().unwrap();
        assert_eq!(
            refused.message,
            "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value"
        );
    }

    #[test]
    fn a_token_that_expired_goes_on_from_the_recorded_one() {
        let parsed =
            Continue::parse("eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6LTEsInN0YXJ0IjoibDFcdTAwMDAifQ").unwrap();
        assert_eq!((parsed.version, parsed.after.1.as_str()), (None, "l1"));
    }
}
