//! Watches: what comes, in which order, and how they begin and end.

use crate::client::{Rig, pod};
use http::{Method, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/fxh/pods";

/// The lines of a watch as they come.
pub struct Lines {
    body: Incoming,
    rest: Vec<u8>,
}

impl Lines {
    pub async fn open(rig: &Rig, query: &str) -> Lines {
        let answer: Response<Incoming> =
            rig.open(Method::GET, &format!("{PODS}?watch=true&{query}"), &[], None).await;
        assert_eq!(answer.status(), 200);
        Lines { body: answer.into_body(), rest: Vec::new() }
    }

    /// The next event; `None` when the server has ended the stream.
    pub async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let frame = self.body.frame().await?.unwrap();
            self.rest.extend_from_slice(frame.data_ref().unwrap());
        }
    }

    /// Type, name and value of label `x` of the next event.
    async fn event(&mut self) -> (String, String, String) {
        let event = self.next().await.expect("another event");
        let word =
            |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        (word("/type"), word("/object/metadata/name"), word("/object/metadata/labels/x"))
    }
}

fn event(kind: &str, name: &str, x: &str) -> (String, String, String) {
    (kind.into(), name.into(), x.into())
}

async fn labelled(rig: &Rig, name: &str, x: &str) {
    let mut body = pod(name, json!({"schedulingGates": [{"name": "a.b/c"}]}));
    body["metadata"]["labels"] = json!({"x": x});
    assert_eq!(rig.post(PODS, &body).await.status, 201);
}

async fn relabel(rig: &Rig, name: &str, x: &str) {
    let answer =
        rig.patch(&format!("{PODS}/{name}"), "merge-patch", &json!({"metadata": {"labels": {"x": x}}})).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn a_watch_tells_every_change_from_its_version_on() {
    // http/40-watch
    let rig = Rig::start().await;
    let version = rig.get(PODS).await.json()["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    labelled(&rig, "w1", "1").await;
    let mut watch = Lines::open(&rig, &format!("resourceVersion={version}")).await;
    assert_eq!(watch.event().await, event("ADDED", "w1", "1"));
    relabel(&rig, "w1", "2").await;
    assert_eq!(watch.event().await, event("MODIFIED", "w1", "2"));
    rig.delete(&format!("{PODS}/w1"), None).await;
    let terminating = watch.next().await.unwrap();
    assert_eq!(terminating["type"], "MODIFIED");
    assert!(terminating["object"]["metadata"]["deletionTimestamp"].is_string());
    let deleted = watch.next().await.unwrap();
    assert_eq!(deleted["type"], "DELETED");
    let version = |event: &Value| {
        event["object"]["metadata"]["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap()
    };
    assert!(version(&deleted) > version(&terminating));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn leaving_the_selection_is_a_deletion_with_the_old_labels() {
    // http/40-watch
    let rig = Rig::start().await;
    let mut watch = Lines::open(&rig, "labelSelector=x%3D1").await;
    labelled(&rig, "other", "2").await;
    labelled(&rig, "w1", "1").await;
    assert_eq!(watch.event().await, event("ADDED", "w1", "1"));
    relabel(&rig, "w1", "2").await;
    assert_eq!(watch.event().await, event("DELETED", "w1", "1"));
    relabel(&rig, "w1", "1").await;
    assert_eq!(watch.event().await, event("ADDED", "w1", "1"));
    rig.delete(&format!("{PODS}/w1"), None).await;
    assert_eq!(watch.event().await, event("MODIFIED", "w1", "1"));
    assert_eq!(watch.event().await, event("DELETED", "w1", "1"));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn without_a_version_a_watch_begins_with_what_is_there() {
    // http/40-watch, 42-watch-bookmarks
    let rig = Rig::start().await;
    labelled(&rig, "w0", "1").await;
    for query in ["", "resourceVersion=0&"] {
        let mut watch = Lines::open(&rig, &format!("{query}timeoutSeconds=1")).await;
        assert_eq!(watch.event().await, event("ADDED", "w0", "1"));
        assert_eq!(watch.next().await, None);
    }
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut watch = Lines::open(&rig, query).await;
    assert_eq!(watch.event().await, event("ADDED", "w0", "1"));
    let bookmark = watch.next().await.unwrap();
    let version = rig.get(PODS).await.json()["metadata"]["resourceVersion"].clone();
    let metadata = json!({"resourceVersion": version, "annotations": {"k8s.io/initial-events-end": "true"}});
    assert_eq!(
        bookmark,
        json!({"type": "BOOKMARK", "object": {"kind": "Pod", "apiVersion": "v1", "metadata": metadata,
               "spec": {"containers": null}, "status": {}}})
    );
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_bookmark_comes_shortly_before_the_end() {
    // http/42-watch-bookmarks
    let rig = Rig::start().await;
    let version = rig.store.version();
    let mut watch =
        Lines::open(&rig, &format!("resourceVersion={version}&allowWatchBookmarks=true&timeoutSeconds=3"))
            .await;
    let bookmark = watch.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], version.to_string());
    assert_eq!(watch.next().await, None);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_version_that_was_compacted_is_410_inside_the_stream() {
    // http/41-watch-gone
    let rig = Rig::start().await;
    labelled(&rig, "w0", "1").await;
    rig.store.compact();
    let mut watch = Lines::open(&rig, "resourceVersion=1").await;
    let error = watch.next().await.unwrap();
    assert_eq!(error["type"], "ERROR");
    let oldest = rig.store.version();
    assert_eq!(
        error["object"],
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
               "message": format!("too old resource version: 1 ({oldest})"), "reason": "Expired", "code": 410})
    );
    assert_eq!(watch.next().await, None);
    let mut ahead = Lines::open(&rig, "resourceVersion=999999999&timeoutSeconds=1").await;
    assert_eq!(ahead.next().await, None);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_watch_that_cannot_begin_is_refused_as_recorded() {
    // http/41-watch-gone, 42-watch-bookmarks
    let rig = Rig::start().await;
    for (query, code, message) in [
        (
            "resourceVersion=abc",
            500,
            "resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        ),
        ("timeoutSeconds=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        ("fieldSelector=spec.foo%3D1", 400, "field label not supported: spec.foo"),
        (
            "sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
    ] {
        let refusal = rig.get(&format!("{PODS}?watch=true&{query}")).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_str()), (code, message));
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_watched_table_describes_its_columns_once() {
    // http/43-watch-table
    let rig = Rig::start().await;
    labelled(&rig, "w0", "1").await;
    labelled(&rig, "w1", "1").await;
    let accept = [("accept", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json")];
    let path = format!("{PODS}?watch=true&timeoutSeconds=1");
    let text = rig.request(Method::GET, &path, &accept, None).await.text;
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.len(), 2);
    assert!(events[0]["object"]["columnDefinitions"].is_array());
    assert!(events[1]["object"]["columnDefinitions"].is_null());
    assert_eq!(events[1]["object"]["rows"][0]["cells"][2], "SchedulingGated");
    rig.cluster.shutdown().await;
}
