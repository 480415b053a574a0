//! Requests that are late, refused, cut off or never answered.

use super::{PODS, put, struck};
use crate::client::{RUNNER2, Rig, eventually, pod};
use cluster::clock;
use cluster::store::Kind;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn the_same_seed_strikes_the_same_requests() {
    let strikes = async |seed: u64| -> Vec<u16> {
        let rig = Rig::start().await;
        let fault = json!({"kind": "ServerError", "with": {"code": 503}, "when": {"probability": 0.4}});
        rig.cluster.faults().put(&json!({"seed": seed, "faults": [fault]})).unwrap();
        let mut codes = Vec::new();
        for _ in 0..24 {
            codes.push(rig.get(PODS).await.status.as_u16());
        }
        codes
    };
    let first = strikes(11).await;
    assert!(first.contains(&200) && first.contains(&503), "{first:?}");
    assert_eq!(first, strikes(11).await);
    assert_ne!(first, strikes(12).await);
}

#[tokio::test]
async fn a_throttled_request_is_told_in_plain_text_when_to_come_back() {
    // http/62-too-many-requests
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "TooManyRequests", "match": {"verbs": ["create"]}, "when": {"count": 1}}));
    let body = pod("p", json!({}));
    let throttled = rig.post(PODS, &body).await;
    assert_eq!(
        (throttled.status.as_u16(), throttled.text.as_str()),
        (429, "Too many requests, please try again later.\n")
    );
    assert_eq!(throttled.headers["content-type"], "text/plain; charset=utf-8");
    assert_eq!(throttled.headers["retry-after"], "1");
    assert_eq!(rig.post(PODS, &body).await.status, 201);
    assert_eq!(
        rig.cluster.faults().report()["faults"],
        json!([
            {"name": "it", "kind": "TooManyRequests", "matched": 2, "struck": 1}
        ])
    );
}

#[tokio::test]
async fn a_storage_that_starts_throttles_with_a_status() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "TooManyRequests", "with": {"as": "Status", "retryAfterSeconds": 3}}));
    let answer = rig.get(PODS).await;
    assert_eq!(answer.refusal(), (429, "TooManyRequests".into(), "storage is (re)initializing".into()));
    assert_eq!(
        (answer.headers["retry-after"].as_bytes(), &answer.json()["details"]),
        (&b"3"[..], &json!({"retryAfterSeconds": 3}))
    );
}

#[tokio::test]
async fn a_server_in_trouble_answers_with_a_status() {
    let rig = Rig::start().await;
    for (code, reason, message) in [
        (500, "", "etcdserver: request timed out"),
        (503, "ServiceUnavailable", "the server is currently unable to handle the request"),
        (504, "Timeout", "Timeout: request did not complete within the allotted timeout"),
    ] {
        put(&rig, json!({"kind": "ServerError", "with": {"code": code}}));
        assert_eq!(rig.get(PODS).await.refusal(), (code, reason.to_owned(), message.to_owned()));
    }
}

#[tokio::test]
async fn a_valid_token_is_refused_for_a_while() {
    // http/50-unauthorized
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "Unauthorized", "when": {"count": 1}}));
    let recorded = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": "Unauthorized", "reason": "Unauthorized", "code": 401});
    assert_eq!(rig.get(PODS).await.json(), recorded);
    assert_eq!(rig.get(PODS).await.status, 200);
}

#[tokio::test]
async fn a_server_that_starts_knows_no_roles_yet() {
    // http/63-server-start-and-stop
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "StartingUp"}));
    let (code, reason, message) = rig.get_as(crate::client::RUNNER, PODS).await.refusal();
    assert_eq!((code, reason.as_str()), (403, "Forbidden"));
    assert!(
        message.starts_with(
            "pods is forbidden: User \"system:serviceaccount:fxh:runner\" cannot list resource \"pods\" in API group \
             \"\" in the namespace \"fxh\": RBAC: [clusterrole.rbac.authorization.k8s.io \"system:basic-user\" not found, "
        ),
        "{message}"
    );
}

#[tokio::test]
async fn who_may_not_ask_meets_no_fault() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "ServerError"}));
    assert_eq!(rig.get_as(RUNNER2, PODS).await.status, 403);
    assert_eq!(rig.get_as("nobody", PODS).await.status, 401);
    assert_eq!(struck(&rig), 0);
}

#[tokio::test]
async fn a_late_request_is_carried_out() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "Latency", "with": {"milliseconds": 120}}));
    let before = clock::instant();
    assert_eq!(rig.get(PODS).await.status, 200);
    assert!(before.elapsed() >= Duration::from_millis(120));
}

async fn create(rig: &Rig, name: &str) -> hyper::Result<u16> {
    let (body, headers) = (pod(name, json!({})).to_string(), [("content-type", "application/json")]);
    rig.try_open(Method::POST, PODS, &headers, Some(&body)).await.map(|answer| answer.status().as_u16())
}

/// Whether an error is a connection that was reset by the other side.
fn is_reset(error: &hyper::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<std::io::Error>()
            .is_some_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        {
            return true;
        }
        cause = error.source();
    }
    false
}

#[tokio::test]
async fn a_connection_is_reset_before_or_after_its_request_took_effect() {
    let rig = Rig::start().await;
    for (effect, is_there) in [("None", false), ("Done", true)] {
        put(&rig, json!({"kind": "ConnectionReset", "with": {"effect": effect}, "match": {"name": "p-*"}}));
        let name = format!("p-{}", effect.to_lowercase());
        let error = create(&rig, &name).await.unwrap_err();
        assert!(is_reset(&error), "{error:?}");
        assert_eq!(rig.store.get(Kind::Pod, "fxh", &name).is_some(), is_there, "{effect}");
        assert_eq!(create(&rig, &format!("other-{name}")).await.unwrap(), 201, "another request goes on");
    }
}

#[tokio::test]
async fn a_half_open_connection_takes_a_request_and_never_answers() {
    let rig = Rig::start().await;
    for (effect, is_there) in [("None", false), ("Done", true)] {
        let name = format!("p-{}", effect.to_lowercase());
        put(&rig, json!({"kind": "NoAnswer", "with": {"effect": effect}}));
        tokio::select! {
            answer = create(&rig, &name) => panic!("{answer:?}"),
            () = eventually(async || (struck(&rig) == 1 && (!is_there || rig.store.get(Kind::Pod, "fxh", &name).is_some())).then_some(())) => {}
        }
        assert_eq!(rig.store.get(Kind::Pod, "fxh", &name).is_some(), is_there, "{effect}");
    }
}

#[tokio::test]
async fn a_plan_that_is_not_understood_leaves_the_one_before_in_force() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "Unauthorized"}));
    let problems = rig.cluster.faults().put(&json!({"faults": [{"kind": "Flood"}]})).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert_eq!(rig.get(PODS).await.status, 401);
    rig.cluster.faults().clear();
    assert_eq!(rig.get(PODS).await.status, 200);
    assert_eq!(rig.cluster.faults().report(), json!({"plan": Value::Null, "faults": []}));
}

#[tokio::test]
async fn of_several_faults_the_first_that_strikes_counts_and_delays_add_up() {
    let rig = Rig::start().await;
    rig.cluster
        .faults()
        .put(&json!({"faults": [
            {"kind": "Latency", "with": {"milliseconds": 20}, "name": "one"},
            {"kind": "Latency", "with": {"milliseconds": 20}, "name": "two"},
            {"kind": "ServerError", "with": {"code": 503}, "when": {"count": 1}, "name": "three"},
            {"kind": "Unauthorized", "name": "four"},
        ]}))
        .unwrap();
    assert_eq!(rig.get(PODS).await.status, 503);
    assert_eq!(rig.get(PODS).await.status, 401);
    let struck = ["one", "two", "three", "four"].map(|name| rig.cluster.faults().struck(name));
    assert_eq!(struck, [2, 2, 1, 1]);
}
