//! `pods/exec` and `pods/attach` over WebSocket: the upgrade, the channels, the status at the end.
//!
//! Protocols: `v5.channel.k8s.io` (a frame `ff 00` closes standard input), `v4.channel.k8s.io`, and the older
//! `channel.k8s.io`, whose status is plain text.

use super::Api;
use super::answer::{Answer, text_answer, whole};
use super::attend::authorize;
use super::log::{container, container_ref};
use super::query::Query;
use super::route::Target;
use super::status::Status;
use crate::access::User;
use crate::faults::ExecCut;
use crate::node::{ExecOptions, ExecSession, Exit, NodeError, Output};
use crate::store::{Kind, text};
use bytes::Bytes;
use futures::future::{Either, select};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role};
use tokio_util::sync::CancellationToken;

/// How long a client may take to answer the close frame.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Protocol {
    V1,
    V4,
    V5,
}

/// Upgrade a request for `pods/exec` or `pods/attach`.
pub(super) async fn upgrade(
    api: &Arc<Api>,
    user: &User,
    target: &Target,
    query: &Query,
    request: Request<Incoming>,
    stop: CancellationToken,
) -> Result<Answer, Status> {
    if !matches!(*request.method(), Method::GET | Method::POST) {
        return Err(Status::method_not_allowed());
    }
    // Kubernetes 1.35: a WebSocket is a GET, but it changes things. The refusal has no text, as recorded.
    if api.exec_needs_create && authorize(api, user, target, "create", query).is_err() {
        return Err(Status::forbidden("", "pods", &target.name, ""));
    }
    let name = target.name.as_str();
    let pod = api
        .store
        .get(Kind::Pod, &target.namespace, name)
        .ok_or_else(|| Status::not_found(Kind::Pod, name))?;
    let container = container(&pod, query.text("container"))?;
    if text(&pod, "/spec/nodeName").is_empty() {
        return Err(Status::bad_request(format!("pod {name} does not have a host assigned")));
    }
    let word = |name: header::HeaderName| {
        request.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    let upgrade = word(header::UPGRADE).to_lowercase();
    if upgrade.starts_with("spdy") {
        return Err(Status::unsupported("SPDY streams (WebSocket with `v5.channel.k8s.io` it does)"));
    }
    if upgrade != "websocket" || !word(header::CONNECTION).to_lowercase().contains("upgrade") {
        return Err(Status::bad_request("Upgrade request required"));
    }
    let options = ExecOptions {
        command: query.all("command"),
        stdin: query.is_set("stdin"),
        stdout: query.is_set("stdout"),
        stderr: query.is_set("stderr") && !query.is_set("tty"),
        tty: query.is_set("tty"),
    };
    if !(options.stdin || options.stdout || options.stderr) {
        let message = "you must specify at least 1 of stdin, stdout, stderr";
        return Ok(text_answer(StatusCode::BAD_REQUEST, message));
    }
    let Some((protocol, chosen)) = negotiate(request.headers()) else {
        let mut refused = Response::new(whole(""));
        *refused.status_mut() = StatusCode::FORBIDDEN;
        return Ok(refused);
    };
    let reference = container_ref(&pod, &container);
    let (command, is_attach) = (options.command.clone(), target.subresource == "attach");
    let session = if is_attach {
        api.node.attach(reference, options).await
    } else {
        api.node.exec(reference, options).await
    };
    let session = match session {
        Ok(session) => session,
        Err(NodeError::NotRunning(_) | NodeError::Waiting { .. }) => {
            let message = format!("container not found (\"{container}\")");
            return Ok(text_answer(StatusCode::INTERNAL_SERVER_ERROR, message));
        }
        Err(NodeError::Unreachable) => {
            let message = "error dialing backend: dial tcp 127.0.0.1:10250: connect: connection refused";
            return Err(Status::internal(message));
        }
        Err(NodeError::Unsupported(what)) => return Err(Status::unsupported(&what)),
        Err(other) => return Err(Status::internal(other.to_string())),
    };
    let key = request.headers().get(header::SEC_WEBSOCKET_KEY).map(|key| derive_accept_key(key.as_bytes()));
    let key = key.ok_or_else(|| Status::bad_request("missing Sec-WebSocket-Key header"))?;
    let (session, stop) = match request.extensions().get::<ExecCut>() {
        Some(cut) => cut.of(session, &stop),
        None => (session, stop),
    };
    let conversation = Conversation { protocol, command, is_attach };
    tokio::spawn(async move {
        let carried = async {
            match hyper::upgrade::on(request).await {
                Ok(upgraded) => {
                    let socket =
                        WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
                    conversation.carry(socket, session).await;
                }
                Err(error) => tracing::debug!(error = %error, "an exec could not be upgraded"),
            }
        };
        tokio::select! {
            () = carried => {}
            () = stop.cancelled() => {}
        }
    });
    let mut answer = Response::new(whole(""));
    *answer.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = answer.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(chosen));
    if let Ok(key) = HeaderValue::from_str(&key) {
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
    }
    Ok(answer)
}

/// The newest protocol that the client offers; without an offer the oldest.
fn negotiate(headers: &HeaderMap) -> Option<(Protocol, &'static str)> {
    let offers =
        headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    let offered: Vec<&str> = offers.flat_map(|value| value.split(',')).map(str::trim).collect();
    if offered.is_empty() {
        return Some((Protocol::V1, ""));
    }
    let known = [
        (Protocol::V5, "v5.channel.k8s.io"),
        (Protocol::V4, "v4.channel.k8s.io"),
        (Protocol::V1, "channel.k8s.io"),
    ];
    known.into_iter().find(|(_, name)| offered.contains(name))
}

struct Conversation {
    protocol: Protocol,
    command: Vec<String>,
    is_attach: bool,
}

type Socket = WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>;

fn frame(channel: u8, data: &[u8]) -> Message {
    let mut bytes = Vec::with_capacity(data.len() + 1);
    bytes.push(channel);
    bytes.extend_from_slice(data);
    Message::Binary(bytes.into())
}

impl Conversation {
    async fn carry(self, socket: Socket, session: ExecSession) {
        let ExecSession { stdin, output, exit } = session;
        let (mut sender, mut receiver) = socket.split();
        let (hung_up_sender, hung_up) = oneshot::channel();
        {
            // Reading goes on beside writing: a command that does not read must not stop its own output.
            let reading = pin!(self.read(&mut receiver, stdin, hung_up_sender));
            let writing = pin!(self.write(&mut sender, output, exit, hung_up));
            match select(reading, writing).await {
                Either::Left(((), writing)) => drop(writing.await),
                // Reading also carries the close frames; a client that does not answer its own is cut.
                Either::Right((_, reading)) => {
                    if tokio::time::timeout(CLOSE_PATIENCE, reading).await.is_err() {
                        tracing::debug!("a client did not answer the close of its exec");
                    }
                }
            }
        }
        if let Ok(socket) = sender.reunite(receiver)
            && let Err(error) = socket.into_inner().shutdown().await
        {
            tracing::debug!(error = %error, "an exec's connection was gone before it was closed");
        }
    }

    /// Take what the client sends, until it closes or is gone; then tell the writer.
    async fn read(
        &self,
        receiver: &mut SplitStream<Socket>,
        mut stdin: Option<mpsc::Sender<Bytes>>,
        hung_up: oneshot::Sender<()>,
    ) {
        let mut hung_up = Some(hung_up);
        while let Some(Ok(message)) = receiver.next().await {
            let data: Bytes = match message {
                Message::Binary(data) => data,
                Message::Text(text) => text.into(),
                Message::Close(_) => {
                    stdin = None;
                    hung_up = None;
                    continue;
                }
                _ => continue,
            };
            match data.split_first() {
                Some((0, rest)) if !rest.is_empty() => {
                    if let Some(input) = &stdin
                        && input.send(data.slice(1..)).await.is_err()
                    {
                        stdin = None;
                    }
                }
                Some((255, [0])) if self.protocol == Protocol::V5 => stdin = None,
                // Sizes of terminals (4) and unknown channels are dropped.
                _ => {}
            }
        }
        drop(hung_up);
    }

    /// Send what the command writes and how it ended; `None` when the client is gone before.
    async fn write(
        &self,
        sender: &mut SplitSink<Socket, Message>,
        mut output: mpsc::Receiver<Output>,
        exit: oneshot::Receiver<Exit>,
        mut hung_up: oneshot::Receiver<()>,
    ) -> Option<()> {
        // Upstream opens with an empty frame on channel 1.
        send(sender, 1, b"").await?;
        loop {
            tokio::select! {
                piece = output.recv() => match piece {
                    Some(Output::Stdout(bytes)) => send(sender, 1, &bytes).await?,
                    Some(Output::Stderr(bytes)) => send(sender, 2, &bytes).await?,
                    None => break,
                },
                _ = &mut hung_up => return None,
            }
        }
        let exit = tokio::select! {
            exit = exit => exit.unwrap_or_else(|_| Exit::Failed("the node gave up the command".into())),
            _ = &mut hung_up => return None,
        };
        if let Some(status) = self.status(&exit) {
            send(sender, 3, status.as_bytes()).await?;
        }
        let close = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        sender.send(Message::Close(Some(close))).await.ok()
    }

    /// The frame on channel 3: how the command ended.
    fn status(&self, exit: &Exit) -> Option<String> {
        let v5 = self.protocol == Protocol::V5;
        let (message, reason, details) = match exit {
            // Attach says nothing about the container's own end.
            Exit::Code(0) => return self.success(),
            Exit::Code(_) if self.is_attach => return self.success(),
            Exit::Code(code) => {
                let how = if v5 {
                    format!("command terminated with exit code {code}")
                } else {
                    format!("error executing command [{}], exit code {code}", self.command.join(" "))
                };
                let message = format!("command terminated with non-zero exit code: {how}");
                let details = json!({"causes": [{"reason": "ExitCode", "message": code.to_string()}]});
                (message, "NonZeroExitCode", Some(details))
            }
            Exit::Failed(why) => {
                let inner = format!("Internal error occurred: error executing command in container: {why}");
                if v5 {
                    let details = json!({"causes": [{"message": inner}]});
                    (format!("Internal error occurred: {inner}"), "InternalError", Some(details))
                } else {
                    (inner, "InternalError", None)
                }
            }
        };
        if self.protocol == Protocol::V1 {
            return Some(message);
        }
        let mut status = if v5 { json!({"metadata": {}}) } else { json!({}) };
        let code = (reason == "InternalError").then(|| json!(500));
        let fields = [
            ("status", Some(json!("Failure"))),
            ("message", Some(json!(message))),
            ("reason", Some(json!(reason))),
            ("details", details),
            ("code", code),
        ];
        for (field, value) in fields {
            if let Some(value) = value {
                crate::store::set(&mut status, field, value);
            }
        }
        Some(status.to_string())
    }

    fn success(&self) -> Option<String> {
        let status: Value = match self.protocol {
            Protocol::V1 => return None,
            Protocol::V4 => json!({"status": "Success"}),
            Protocol::V5 => json!({"metadata": {}, "status": "Success"}),
        };
        Some(status.to_string())
    }
}

async fn send(sender: &mut SplitSink<Socket, Message>, channel: u8, bytes: &[u8]) -> Option<()> {
    sender.send(frame(channel, bytes)).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(protocol: Protocol, exit: &Exit, is_attach: bool) -> Option<String> {
        let command = ["sh", "-c", "exit 7"].map(str::to_owned).to_vec();
        Conversation { protocol, command, is_attach }.status(exit)
    }

    #[test]
    fn the_status_frame_is_the_recorded_one() {
        // http/30-exec-v5, 31-exec-v4, 32-exec-errors, 35-attach
        let seven = Exit::Code(7);
        assert_eq!(
            status(Protocol::V5, &seven, false).unwrap(),
            r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code: command terminated with exit code 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
        );
        assert_eq!(
            status(Protocol::V4, &seven, false).unwrap(),
            r#"{"status":"Failure","message":"command terminated with non-zero exit code: error executing command [sh -c exit 7], exit code 7","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#
        );
        assert_eq!(
            status(Protocol::V1, &seven, false).unwrap(),
            "command terminated with non-zero exit code: error executing command [sh -c exit 7], exit code 7"
        );
        assert_eq!(
            status(Protocol::V5, &Exit::Code(0), false).unwrap(),
            r#"{"metadata":{},"status":"Success"}"#
        );
        assert_eq!(status(Protocol::V4, &Exit::Code(0), false).unwrap(), r#"{"status":"Success"}"#);
        assert_eq!(status(Protocol::V1, &Exit::Code(0), false), None);
        assert_eq!(status(Protocol::V5, &seven, true).unwrap(), r#"{"metadata":{},"status":"Success"}"#);
    }

    #[test]
    fn the_newest_protocol_wins_and_an_unknown_one_is_refused() {
        let chosen = |offer: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer));
            negotiate(&headers).map(|(protocol, _)| protocol)
        };
        assert_eq!(chosen("v4.channel.k8s.io, v5.channel.k8s.io"), Some(Protocol::V5));
        assert_eq!(chosen("v9.channel.k8s.io"), None);
        assert_eq!(negotiate(&HeaderMap::new()), Some((Protocol::V1, "")));
    }
}
