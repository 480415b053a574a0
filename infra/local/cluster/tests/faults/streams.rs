//! Watches, logs and commands that break off.

use super::{PODS, put, struck};
use crate::client::{Rig, eventually};
use crate::watches::Lines;
use futures::StreamExt;
use http::Method;
use http_body_util::BodyExt;
use serde_json::json;

#[tokio::test]
async fn a_watch_ends_at_once_or_after_some_lines() {
    let rig = Rig::start().await;
    for name in ["a", "b", "c"] {
        rig.pod(name, json!({"schedulingGates": [{"name": "a.b/c"}]})).await;
    }
    put(&rig, json!({"kind": "WatchEnds"}));
    assert!(Lines::open(&rig, "").await.next().await.is_none());
    put(&rig, json!({"kind": "WatchEnds", "with": {"afterEvents": 2}}));
    let mut watch = Lines::open(&rig, "").await;
    assert_eq!(watch.next().await.unwrap()["object"]["metadata"]["name"], "a");
    assert_eq!(watch.next().await.unwrap()["object"]["metadata"]["name"], "b");
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn an_expired_watch_is_200_with_a_410_inside() {
    // http/41-watch-gone
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "WatchExpires", "when": {"count": 1}}));
    let mut watch = Lines::open(&rig, "resourceVersion=1").await;
    let line = watch.next().await.unwrap();
    let message = format!("too old resource version: 1 ({})", rig.store.version());
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": "Expired", "code": 410});
    assert_eq!(line, json!({"type": "ERROR", "object": status}));
    assert!(watch.next().await.is_none());
}

#[tokio::test]
async fn a_stuck_watch_says_nothing_and_does_not_end() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "WatchStuck", "with": {"afterEvents": 1}, "when": {"count": 1}}));
    let mut watch = Lines::open(&rig, "timeoutSeconds=1").await;
    let mut other = Lines::open(&rig, "timeoutSeconds=1").await;
    for name in ["a", "b"] {
        rig.pod(name, json!({"schedulingGates": [{"name": "a.b/c"}]})).await;
    }
    assert_eq!(watch.next().await.unwrap()["object"]["metadata"]["name"], "a");
    // The other one of the same age tells of both and is over.
    tokio::select! {
        line = watch.next() => panic!("{line:?}"),
        () = async { while other.next().await.is_some() {} } => {}
    }
}

#[tokio::test]
async fn a_log_breaks_off_in_the_middle() {
    let rig = Rig::start().await;
    rig.pod("p", json!({"nodeName": "longshore-node"})).await;
    let path = format!("{PODS}/p/log");
    let whole = rig.get(&path).await.text;
    put(&rig, json!({"kind": "LogCut", "with": {"afterBytes": 10}}));
    let mut body = rig.open(Method::GET, &path, &[], None).await.into_body();
    let mut seen = Vec::new();
    let error = loop {
        match body.frame().await.expect("no end") {
            Ok(frame) => seen.extend_from_slice(frame.data_ref().unwrap()),
            Err(error) => break error,
        }
    };
    assert_eq!(seen, &whole.as_bytes()[..10], "{error}");
}

#[tokio::test]
async fn an_exec_is_cut_in_the_middle_of_a_stream() {
    let rig = Rig::start().await;
    rig.pod("p", json!({"nodeName": "longshore-node"})).await;
    put(&rig, json!({"kind": "ExecCut", "with": {"afterBytes": 2}}));
    let path = format!("{PODS}/p/exec?command=sh&stdout=true&stderr=true");
    let (mut socket, _) = rig.socket(&path, "v5.channel.k8s.io").await;
    let mut bytes = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        assert!(message.is_binary(), "no close frame comes: {message:?}");
        bytes.extend_from_slice(&message.into_data()[1..]);
    }
    assert!(b"ou".starts_with(&bytes), "{bytes:?}");
    assert_eq!(struck(&rig), 1);
    rig.cluster.faults().clear();
    let (mut socket, _) = rig.socket(&path, "v5.channel.k8s.io").await;
    eventually(async || socket.next().await.unwrap().unwrap().is_close().then_some(())).await;
}
