//! The plan over HTTP.

use crate::client::Rig;
use bytes::Bytes;
use cluster::faults::{Endpoint, NAMES};
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

async fn ask(url: &str, method: Method, body: &str) -> (u16, Value) {
    let (address, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder().method(method).uri(format!("/{path}")).header("host", address);
    let body = Full::new(Bytes::from(body.to_owned()));
    let (parts, body) = sender.send_request(request.body(body).unwrap()).await.unwrap().into_parts();
    (parts.status.as_u16(), serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap())
}

#[tokio::test]
async fn a_plan_is_put_read_and_lifted() {
    let rig = Rig::start().await;
    let endpoint = Endpoint::start(rig.cluster.faults().clone()).await.unwrap();
    let nothing = json!({"plan": null, "faults": []});
    assert_eq!(ask(endpoint.url(), Method::GET, "").await, (200, nothing.clone()));
    let plan = json!({"faults": [{"kind": "Unauthorized", "when": {"count": 1}}]});
    let counted = |matched: u64, struck: u64| {
        let fault =
            json!({"name": "Unauthorized-0", "kind": "Unauthorized", "matched": matched, "struck": struck});
        json!({"plan": plan, "faults": [fault]})
    };
    assert_eq!(ask(endpoint.url(), Method::PUT, &plan.to_string()).await, (200, counted(0, 0)));
    assert_eq!(rig.get(super::PODS).await.status, 401);
    assert_eq!(rig.get(super::PODS).await.status, 200);
    assert_eq!(ask(endpoint.url(), Method::GET, "").await, (200, counted(2, 1)));
    assert_eq!(ask(endpoint.url(), Method::DELETE, "").await, (200, nothing));
}

#[tokio::test]
async fn a_bad_plan_is_refused_with_every_problem() {
    let endpoint = Endpoint::start(Rig::start().await.cluster.faults().clone()).await.unwrap();
    let plan = json!({"faults": [{"kind": "Flood"}, {"kind": "Latency", "when": {"every": 0}}]}).to_string();
    let (status, answer) = ask(endpoint.url(), Method::PUT, &plan).await;
    let pointers: Vec<&str> =
        answer["problems"].as_array().unwrap().iter().map(|one| one["pointer"].as_str().unwrap()).collect();
    assert_eq!(status, 422);
    assert_eq!(pointers, ["/faults/0/kind", "/faults/1/with/milliseconds", "/faults/1/when/every"]);
    assert_eq!(ask(endpoint.url(), Method::PUT, "{").await.0, 422);
    assert_eq!(ask(endpoint.url(), Method::POST, "").await.0, 405);
}

#[tokio::test]
async fn who_does_not_know_the_secret_finds_nothing() {
    let rig = Rig::start().await;
    let endpoint = Endpoint::start(rig.cluster.faults().clone()).await.unwrap();
    let root = endpoint.url().rsplitn(3, '/').last().unwrap();
    for path in ["/", "/faults", "/00000000000000000000000000000000/faults"] {
        assert_eq!(ask(&format!("{root}{path}"), Method::GET, "").await.0, 404, "{path}");
    }
    assert_eq!(rig.get("/faults").await.status, 404, "and the API server knows nothing of it");
}

#[test]
fn every_kind_is_described() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../docs/FAULTS.md")).unwrap();
    let missing: Vec<&str> =
        NAMES.into_iter().filter(|name| !page.contains(&format!("| `{name}` |"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
