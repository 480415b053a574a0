//! Deleting: grace, preconditions, finalizers.

use super::Api;
use super::answer::{Answer, json_answer};
use super::attend::{Asked, accept};
use super::list::{listing, selector, shaped, storage_namespace};
use super::status::{Cause, Status};
use super::table::shape;
use crate::clock;
use crate::store::{Kind, Store, set, text};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::sync::Arc;

/// `DeleteOptions`, from the query and the body; the body wins.
struct DeleteOptions {
    grace_seconds: Option<i64>,
    uid: Option<String>,
    version: Option<String>,
    dry_run: bool,
    is_foreground: bool,
}

impl DeleteOptions {
    fn read(asked: &Asked) -> Result<DeleteOptions, Status> {
        let body: Value = match asked.body.as_ref() {
            [] => json!({}),
            body => serde_json::from_slice(body).map_err(|error| {
                let why = if error.is_eof() {
                    "unexpected end of JSON input".to_owned()
                } else {
                    error.to_string()
                };
                Status::bad_request(format!("couldn't get version/kind; json parse error: {why}"))
            })?,
        };
        let policy = match text(&body, "/propagationPolicy") {
            "" => asked.query.text("propagationPolicy"),
            policy => policy,
        };
        if !matches!(policy, "" | "Foreground" | "Background" | "Orphan") {
            let supported = "supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"";
            let cause = Cause {
                reason: "FieldValueNotSupported",
                message: format!("Unsupported value: \"{policy}\": {supported}"),
                field: "propagationPolicy".into(),
            };
            return Err(Status::invalid("meta.k8s.io", "DeleteOptions", "", &[cause]));
        }
        let asked_seconds = asked.query.number("gracePeriodSeconds")?;
        let word = |pointer: &str| Some(text(&body, pointer).to_owned()).filter(|word| !word.is_empty());
        let dry_run = body.get("dryRun").and_then(Value::as_array).is_some_and(|values| !values.is_empty());
        Ok(DeleteOptions {
            grace_seconds: body.get("gracePeriodSeconds").and_then(Value::as_i64).or(asked_seconds),
            uid: word("/preconditions/uid"),
            version: word("/preconditions/resourceVersion"),
            dry_run: dry_run || asked.query.dry_run("DeleteOptions")?,
            is_foreground: policy == "Foreground",
        })
    }

    /// 409 when the object is not the one that was meant.
    fn check(&self, kind: Kind, object: &Value) -> Result<(), Status> {
        let name = text(object, "/metadata/name");
        let (uid, version) = (text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"));
        let why = match (&self.uid, &self.version) {
            (Some(wanted), _) if wanted != uid => format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). \
                 The object might have been deleted and then recreated"
            ),
            (_, Some(wanted)) if wanted != version => format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). \
                 The object might have been modified"
            ),
            _ => return Ok(()),
        };
        Err(Status::conflict(kind, kind.name(), name, &why))
    }
}

/// `DELETE` of one object: a pod answers with itself, anything else with a Status.
pub(super) fn delete(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let options = DeleteOptions::read(asked)?;
    let (kind, name) = (asked.kind, asked.target.name.as_str());
    let namespace = storage_namespace(asked);
    match kind {
        Kind::Pod => {
            let shape = shape(accept(&asked.headers))?;
            let pod = delete_pod(&api.store, namespace, name, &options)?;
            Ok(json_answer(StatusCode::OK, &shaped(asked, shape, &pod)))
        }
        Kind::Node => Err(Status::unsupported("deleting its only node")),
        Kind::Namespace => Err(Status::unsupported("deleting namespaces")),
        _ => {
            let object = api.store.get(kind, namespace, name).ok_or_else(|| Status::not_found(kind, name))?;
            options.check(kind, &object)?;
            if !options.dry_run {
                api.store.remove(kind, namespace, name, Some(text(&object, "/metadata/uid")))?;
            }
            let mut status = Status::new(StatusCode::OK, "", "");
            status.details = Some(Box::new(
                json!({"name": name, "kind": kind.plural(), "uid": text(&object, "/metadata/uid")}),
            ));
            let mut answer = status.object();
            if let Value::Object(fields) = &mut answer {
                fields.shift_remove("code");
            }
            Ok(json_answer(StatusCode::OK, &answer))
        }
    }
}

/// `DELETE` of a collection: answers with what it deleted.
pub(super) fn delete_collection(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let options = DeleteOptions::read(asked)?;
    let selector = selector(asked)?;
    if matches!(asked.kind, Kind::Node | Kind::Namespace) || asked.target.namespace.is_empty() {
        return Err(Status::method_not_allowed());
    }
    let (objects, version) = api.store.list(asked.kind, Some(&asked.target.namespace));
    let mut deleted = Vec::new();
    for object in objects.into_iter().filter(|object| selector.matches(object)) {
        let name = text(&object, "/metadata/name");
        if asked.kind == Kind::Pod {
            deleted.push(delete_pod(&api.store, &asked.target.namespace, name, &options)?);
        } else {
            if !options.dry_run {
                api.store.remove(asked.kind, &asked.target.namespace, name, None)?;
            }
            deleted.push(object);
        }
    }
    let metadata = json!({"resourceVersion": version.to_string()});
    Ok(json_answer(StatusCode::OK, &listing(asked.kind, &deleted, metadata)))
}

fn delete_pod(
    store: &Store,
    namespace: &str,
    name: &str,
    options: &DeleteOptions,
) -> Result<Arc<Value>, Status> {
    let now = clock::now();
    if options.dry_run {
        let found =
            store.get(Kind::Pod, namespace, name).ok_or_else(|| Status::not_found(Kind::Pod, name))?;
        options.check(Kind::Pod, &found)?;
        let mut pod = Value::clone(&found);
        mark(&mut pod, options.grace_seconds, now);
        return Ok(Arc::new(pod));
    }
    let mut refused = None;
    let pod = store.update(Kind::Pod, namespace, name, None, |pod| match options.check(Kind::Pod, pod) {
        Ok(()) => {
            mark(pod, options.grace_seconds, now);
            if options.is_foreground {
                hold(pod, true);
            }
        }
        Err(status) => refused = Some(status),
    })?;
    if let Some(status) = refused {
        return Err(status);
    }
    let answer = pod.clone();
    let uid = Some(text(&answer, "/metadata/uid"));
    let pod = if options.is_foreground {
        // The garbage collector finds nothing that depends on a pod (recording 85).
        store.update(Kind::Pod, namespace, name, uid, |pod| hold(pod, false))?
    } else {
        pod
    };
    if is_over(&pod) {
        // Somebody else may have been faster; gone is gone.
        let _ = store.remove(Kind::Pod, namespace, name, uid);
    }
    Ok(answer)
}

/// Set the finalizer of a foreground deletion, or take it away.
fn hold(pod: &mut Value, is_held: bool) {
    const FOREGROUND: &str = "foregroundDeletion";
    let Some(metadata) = pod.get_mut("metadata") else { return };
    let mut finalizers = metadata.get("finalizers").and_then(Value::as_array).cloned().unwrap_or_default();
    finalizers.retain(|finalizer| finalizer != FOREGROUND);
    if is_held {
        finalizers.push(json!(FOREGROUND));
    }
    if finalizers.is_empty() {
        if let Value::Object(metadata) = metadata {
            metadata.shift_remove("finalizers");
        }
    } else {
        set(metadata, "finalizers", json!(finalizers));
    }
}

/// Delete a pod as a controller or somebody else does; one that is gone or another one by now is left alone.
pub(crate) fn delete_from_outside(store: &Store, pod: &Value, grace_seconds: Option<i64>) {
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    let uid = Some(text(pod, "/metadata/uid").to_owned());
    let options = DeleteOptions { grace_seconds, uid, version: None, dry_run: false, is_foreground: false };
    if let Err(status) = delete_pod(store, namespace, name, &options) {
        tracing::debug!(pod.name = name, reason = status.message, "the pod was gone before it was deleted");
    }
}

/// Whether nothing has to end any more before a deleted pod can go.
pub(super) fn is_over(pod: &Value) -> bool {
    let finalizers = pod.pointer("/metadata/finalizers").and_then(Value::as_array);
    let grace = pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64);
    finalizers.is_none_or(Vec::is_empty)
        && pod.pointer("/metadata/deletionTimestamp").is_some()
        && (grace == Some(0) || is_idle(pod))
}

/// Whether the pod has no node or has ended: then its deletion needs no grace.
fn is_idle(pod: &Value) -> bool {
    text(pod, "/spec/nodeName").is_empty() || matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// Set (or shorten) the time of deletion, as upstream's `BeforeDelete`.
fn mark(pod: &mut Value, grace_seconds: Option<i64>, now: Timestamp) {
    let own = pod.pointer("/spec/terminationGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(30);
    let grace = match grace_seconds.unwrap_or(own) {
        _ if is_idle(pod) => 0,
        negative if negative < 0 => 1,
        grace => grace,
    };
    let before = text(pod, "/metadata/deletionTimestamp").parse::<Timestamp>().ok();
    let before_grace =
        pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let time = match before {
        None => now + SignedDuration::from_secs(grace),
        // A second delete shortens when it says so, and never lengthens.
        Some(_) if grace_seconds.is_none() || grace >= before_grace => return,
        Some(before) => (before - SignedDuration::from_secs(before_grace - grace)).max(now),
    };
    let generation = pod.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
    if let Some(metadata) = pod.get_mut("metadata") {
        if before.is_none() {
            set(metadata, "generation", json!(generation + 1));
        }
        set(metadata, "deletionTimestamp", json!(clock::seconds(time)));
        set(metadata, "deletionGracePeriodSeconds", json!(grace));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(node: &str, phase: &str) -> Value {
        json!({"metadata": {"name": "p", "generation": 1},
               "spec": {"nodeName": node, "terminationGracePeriodSeconds": 8}, "status": {"phase": phase}})
    }

    fn at(second: &str) -> Timestamp {
        format!("2026-11-21T02:28:{second}Z").parse().unwrap()
    }

    fn marked(pod: &Value) -> (&str, i64, i64) {
        let metadata = &pod["metadata"];
        (
            text(pod, "/metadata/deletionTimestamp"),
            metadata["deletionGracePeriodSeconds"].as_i64().unwrap(),
            metadata["generation"].as_i64().unwrap(),
        )
    }

    #[test]
    fn a_second_delete_shortens_the_grace_and_never_lengthens_it() {
        // http/12-delete
        let mut pod = pod("node-1", "Running");
        mark(&mut pod, None, at("46"));
        assert_eq!(marked(&pod), ("2026-11-21T02:28:54Z", 8, 2));
        mark(&mut pod, None, at("46"));
        assert_eq!(marked(&pod), ("2026-11-21T02:28:54Z", 8, 2));
        mark(&mut pod, Some(3), at("46"));
        assert_eq!(marked(&pod), ("2026-11-21T02:28:49Z", 3, 2));
        mark(&mut pod, Some(60), at("46"));
        assert_eq!(marked(&pod), ("2026-11-21T02:28:49Z", 3, 2));
        assert!(!is_over(&pod));
    }

    #[test]
    fn a_pod_that_does_not_run_goes_at_once() {
        for (node, phase) in [("", "Pending"), ("node-1", "Succeeded"), ("node-1", "Failed")] {
            let mut pod = pod(node, phase);
            mark(&mut pod, Some(30), at("46"));
            assert_eq!(marked(&pod), ("2026-11-21T02:28:46Z", 0, 2));
            assert!(is_over(&pod));
            pod["metadata"]["finalizers"] = json!(["example.com/hold"]);
            assert!(!is_over(&pod));
        }
    }
}
