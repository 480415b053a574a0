//! Logs and commands.

use crate::client::{RUNNER, RUNNER2, Rig, eventually};
use futures::{SinkExt, StreamExt};
use http::Method;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const SH: &str = "/api/v1/namespaces/fxh/pods/sh";
const V5_FAILURE: &str = r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
const UPGRADE: [(&str, &str); 5] = [
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "Zml4dHVyZS1yZWNvcmRlcg=="),
    ("sec-websocket-protocol", "v5.channel.k8s.io"),
];

/// A pod `sh` with containers `main` and `done`, on the node.
async fn rig() -> Rig {
    let rig = Rig::start().await;
    let container = |name: &str| json!({"name": name, "image": "busybox:1.36"});
    rig.pod("sh", json!({"containers": [container("main"), container("done"), container("waiting")]})).await;
    rig.pod("unsched", json!({"nodeSelector": {"disk": "no-such"}})).await;
    eventually(async || rig.get(SH).await.json()["spec"]["nodeName"].is_string().then_some(())).await;
    rig
}

/// Every frame of a command as channel and text, up to the close frame, which has code 1000.
async fn frames(rig: &Rig, query: &str, protocol: &str, send: &[&[u8]]) -> Vec<(u8, String)> {
    let (mut socket, chosen) = rig.socket(&format!("{SH}/exec?container=main&{query}"), protocol).await;
    assert_eq!(chosen, protocol);
    let mut frames = Vec::new();
    for data in send {
        socket.send(Message::Binary(data.to_vec().into())).await.unwrap();
    }
    while let Some(message) = socket.next().await {
        match message.unwrap() {
            Message::Binary(data) => frames.push((data[0], String::from_utf8(data[1..].to_vec()).unwrap())),
            Message::Close(close) => {
                assert_eq!(close.unwrap().code, CloseCode::Normal);
            }
            other => panic!("{other:?}"),
        }
    }
    frames
}

fn frame(channel: u8, text: &str) -> (u8, String) {
    (channel, text.into())
}

#[tokio::test]
async fn a_log_is_plain_text_as_it_comes() {
    // http/20-log
    let rig = rig().await;
    let log = rig.get(&format!("{SH}/log?container=main&tailLines=2&foo=1")).await;
    assert_eq!(log.headers["content-type"], "text/plain");
    assert_eq!(log.text, "line 1 tail=2\nline 2\nno newline at the end");
    let unscheduled = rig.get("/api/v1/namespaces/fxh/pods/unsched/log").await;
    assert_eq!((unscheduled.status.as_u16(), unscheduled.text.as_str()), (204, ""));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_log_that_cannot_be_had_is_refused_as_recorded() {
    // http/20-log
    let rig = rig().await;
    for (query, code, message) in [
        ("", 400, "a container name must be specified for pod sh, choose one of: [main done waiting]"),
        ("container=nope", 400, "container nope is not valid for pod sh"),
        (
            "container=main&previous=true",
            400,
            "previous terminated container \"main\" in pod \"sh\" not found",
        ),
        (
            "container=waiting",
            400,
            "container \"waiting\" in pod \"sh\" is waiting to start: trying and failing to pull image",
        ),
        (
            "container=main&tailLines=-1",
            422,
            "PodLogOptions \"sh\" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0",
        ),
        (
            "container=main&limitBytes=0",
            422,
            "PodLogOptions \"sh\" is invalid: limitBytes: Invalid value: 0: must be greater than 0",
        ),
        (
            "container=main&sinceSeconds=1&sinceTime=2026-11-21T02:28:47Z",
            422,
            "PodLogOptions \"sh\" is invalid: []: Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified",
        ),
        (
            "container=main&sinceTime=yesterday",
            400,
            "parsing time \"yesterday\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"yesterday\" as \"2006\"",
        ),
    ] {
        let refusal = rig.get(&format!("{SH}/log?{query}")).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_str()), (code, message));
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_command_speaks_v5_as_recorded() {
    // http/30-exec-v5
    let rig = rig().await;
    let sh = "command=sh&command=-c&command=x&stdout=true";
    assert_eq!(
        frames(&rig, &format!("{sh}&stderr=true"), "v5.channel.k8s.io", &[]).await,
        [frame(1, ""), frame(1, "out\n"), frame(2, "err\n"), frame(3, V5_FAILURE)]
    );
    assert_eq!(
        frames(&rig, sh, "v5.channel.k8s.io", &[]).await,
        [frame(1, ""), frame(1, "out\n"), frame(3, V5_FAILURE)]
    );
    assert_eq!(
        frames(&rig, "command=true&stdout=true", "v5.channel.k8s.io", &[]).await,
        [frame(1, ""), frame(3, r#"{"metadata":{},"status":"Success"}"#)]
    );
    let missing = frames(&rig, "command=no-such-tool&stdout=true", "v5.channel.k8s.io", &[]).await;
    let status: serde_json::Value = serde_json::from_str(&missing[1].1).unwrap();
    assert_eq!((&status["reason"], &status["code"]), (&json!("InternalError"), &json!(500)));
    assert!(
        status["message"]
            .as_str()
            .unwrap()
            .ends_with("exec: \"no-such-tool\": executable file not found in $PATH")
    );
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn standard_input_can_be_closed_in_v5_only() {
    // http/30-exec-v5, 31-exec-v4
    let rig = rig().await;
    let query = "command=cat&stdin=true&stdout=true";
    assert_eq!(
        frames(&rig, query, "v5.channel.k8s.io", &[b"\0hello\n", b"\xff\0"]).await,
        [frame(1, ""), frame(1, "hello\n"), frame(3, r#"{"metadata":{},"status":"Success"}"#)]
    );
    let (mut socket, _) = rig.socket(&format!("{SH}/exec?container=main&{query}"), "v4.channel.k8s.io").await;
    for data in [&b"\xff\0"[..], b"\x09unknown", b"\0still open\n"] {
        socket.send(Message::Binary(data.to_vec().into())).await.unwrap();
    }
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(b"\x01"[..].into()));
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(b"\x01still open\n"[..].into()));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_client_that_closes_gets_its_close_frame_back_and_no_status() {
    // http/30-exec-v5
    let rig = rig().await;
    let path = format!("{SH}/exec?container=main&command=sleep&stdout=true");
    let (mut socket, _) = rig.socket(&path, "v5.channel.k8s.io").await;
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(b"\x01"[..].into()));
    socket.close(None).await.unwrap();
    let answer = socket.next().await;
    assert!(matches!(answer, Some(Ok(Message::Close(_)))), "{answer:?}");
    assert!(socket.next().await.is_none());
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn attach_does_not_tell_how_the_container_ended() {
    // http/35-attach
    let rig = rig().await;
    let path = format!("{SH}/attach?container=main&stdout=true");
    let (mut socket, _) = rig.socket(&path, "v5.channel.k8s.io").await;
    let mut last = Vec::new();
    while let Some(Ok(Message::Binary(data))) = socket.next().await {
        last = data.to_vec();
    }
    assert_eq!(last, b"\x03{\"metadata\":{},\"status\":\"Success\"}");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_command_that_cannot_run_is_refused_before_the_upgrade() {
    // http/32-exec-errors
    let rig = rig().await;
    let exec = async |pod: &str, query: &str| {
        let path = format!("/api/v1/namespaces/fxh/pods/{pod}/exec?{query}");
        rig.request(Method::GET, &path, &UPGRADE, None).await
    };
    let status = async |pod: &str, query: &str| exec(pod, query).await.refusal();
    assert_eq!(status("nope", "command=x&stdout=true").await.2, "pods \"nope\" not found");
    assert_eq!(
        status("sh", "command=x&stdout=true&container=nope").await.2,
        "container nope is not valid for pod sh"
    );
    assert_eq!(
        status("unsched", "command=x&stdout=true").await.2,
        "pod unsched does not have a host assigned"
    );
    let ended = exec("sh", "command=x&stdout=true&container=done").await;
    assert_eq!((ended.status.as_u16(), ended.text.as_str()), (500, "container not found (\"done\")"));
    let silent = exec("sh", "command=x&container=main").await;
    assert_eq!(
        (silent.status.as_u16(), silent.text.as_str()),
        (400, "you must specify at least 1 of stdin, stdout, stderr")
    );
    let plain = rig.get(&format!("{SH}/exec?command=x&stdout=true&container=main")).await.refusal();
    assert_eq!(plain, (400, "BadRequest".into(), "Upgrade request required".into()));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_command_needs_get_and_create() {
    // http/32-exec-errors
    let rig = rig().await;
    let asked = async |token: &str, method: Method, pod: &str| {
        let bearer = format!("Bearer {token}");
        let mut headers = UPGRADE.to_vec();
        headers.push(("authorization", &bearer));
        let path = format!("/api/v1/namespaces/fxh/pods/{pod}/exec?command=x&stdout=true&container=done");
        rig.request(method, &path, &headers, None).await
    };
    for pod in ["sh", "nope"] {
        let refusal = asked(RUNNER, Method::GET, pod).await.refusal();
        assert_eq!(refusal, (403, "Forbidden".into(), format!("pods \"{pod}\" is forbidden: ")));
    }
    assert_eq!(
        asked(RUNNER, Method::POST, "sh").await.refusal().2,
        "pods \"sh\" is forbidden: User \"system:serviceaccount:fxh:runner\" cannot create resource \"pods/exec\" in \
         API group \"\" in the namespace \"fxh\""
    );
    // Allowed, and then the container does not run.
    assert_eq!(asked(RUNNER2, Method::GET, "sh").await.status, 500);
    rig.cluster.shutdown().await;
    let before = Rig::start_with(|config| config.exec_needs_create = false).await;
    let bearer = format!("Bearer {RUNNER}");
    let path = "/api/v1/namespaces/fxh/pods/nope/exec?command=x&stdout=true";
    let refusal = before.request(Method::GET, path, &[("authorization", &bearer)], None).await;
    assert_eq!(refusal.status, 404);
    before.cluster.shutdown().await;
}
