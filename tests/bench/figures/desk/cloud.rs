//! The AWS that functions see: objects, queues and EKS on one loopback port, with every request counted.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::objects::{self, Objects};
use super::queue::Message;

/// What is answered.
pub type Answer = Response<Full<Bytes>>;

/// Requests by operation, and their bodies' bytes.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// By operation: `PutObject`, `SendMessage`.
    pub operations: BTreeMap<&'static str, u64>,
    /// Of bodies.
    pub bytes: u64,
}

impl Requests {
    /// How many of an operation.
    pub fn of(&self, operation: &str) -> u64 {
        self.operations.get(operation).copied().unwrap_or(0)
    }

    /// What has come since an earlier moment.
    pub fn since(&self, earlier: &Requests) -> Requests {
        let operations = self.operations.iter().map(|(name, count)| (*name, count - earlier.of(name)));
        Requests {
            operations: operations.filter(|(_, count)| *count > 0).collect(),
            bytes: self.bytes - earlier.bytes,
        }
    }
}

/// A small AWS.
pub struct Cloud {
    address: SocketAddr,
    state: Arc<State>,
    serving: JoinHandle<()>,
}

pub(super) struct State {
    pub objects: Objects,
    requests: Mutex<Requests>,
    /// Every answer waits so long: the way to a service that is not on this machine.
    distance: Mutex<Duration>,
    messages: mpsc::UnboundedSender<Message>,
    /// Ids of messages that count once; five minutes are longer than any benchmark.
    deduplication: Mutex<BTreeSet<String>>,
    /// Answer of DescribeCluster.
    described: Value,
}

impl Cloud {
    /// Serve; messages come out of the receiver.
    pub async fn start(cluster: Value) -> Result<(Cloud, mpsc::UnboundedReceiver<Message>)> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (messages, receiver) = mpsc::unbounded_channel();
        let state = Arc::new(State {
            objects: Objects::default(),
            requests: Mutex::default(),
            distance: Mutex::default(),
            messages,
            deduplication: Mutex::default(),
            described: json!({"cluster": cluster}),
        });
        let serving = tokio::spawn(serve(listener, state.clone()));
        Ok((Cloud { address, state, serving }, receiver))
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The bucket.
    pub fn objects(&self) -> &Objects {
        &self.state.objects
    }

    /// What was asked so far.
    pub fn requests(&self) -> Requests {
        self.state.requests().clone()
    }

    /// From now on every answer takes at least so long.
    pub fn set_distance(&self, distance: Duration) {
        *self.state.distance.lock().unwrap_or_else(PoisonError::into_inner) = distance;
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl State {
    fn requests(&self) -> MutexGuard<'_, Requests> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A message on its way; nobody listens at the end of a benchmark.
    pub fn send(&self, message: Message) {
        let _ = self.messages.send(message);
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    loop {
        // A failed accept concerns one connection only.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let state = state.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&state, request));
            // A client that goes away is none of the benchmark's business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(state: &Arc<State>, request: Request<Incoming>) -> Result<Answer, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let bytes = body.len() as u64;
    let target = head.headers.get("x-amz-target").and_then(|target| target.to_str().ok());
    let (operation, answer) = match target {
        Some(target) if target.starts_with("AmazonSQS.") => send(state, &body),
        Some(_) => ("Other", Response::new(Full::default())),
        None if head.uri.path().starts_with("/clusters/") => {
            ("DescribeCluster", json_answer(&state.described))
        }
        None => objects::answer(state, &head, body),
    };
    {
        let mut requests = state.requests();
        *requests.operations.entry(operation).or_default() += 1;
        requests.bytes += bytes;
    }
    let distance = *state.distance.lock().unwrap_or_else(PoisonError::into_inner);
    if !distance.is_zero() {
        tokio::time::sleep(distance).await;
    }
    Ok(answer)
}

/// Sending to `wake.fifo`.
pub const WAKE: &str = "SendMessage to wake.fifo";
/// Sending to any other queue.
pub const SEND: &str = "SendMessage";

/// SQS SendMessage, which is told apart by queue since FIFO queues cost more.
fn send(state: &State, body: &[u8]) -> (&'static str, Answer) {
    let Ok(asked) = serde_json::from_slice::<Value>(body) else {
        return (SEND, status(StatusCode::BAD_REQUEST));
    };
    let text = |name: &str| asked.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let queue = text("QueueUrl").rsplit('/').next().unwrap_or_default().to_owned();
    let delay = Duration::from_secs(asked.get("DelaySeconds").and_then(Value::as_u64).unwrap_or(0));
    let operation = if queue == "wake.fifo" { WAKE } else { SEND };
    let id = format!("{:032x}", state.requests().of(operation));
    let answer = json_answer(&json!({"MessageId": id}));
    let deduplication = text("MessageDeduplicationId");
    let is_new = deduplication.is_empty()
        || state.deduplication.lock().unwrap_or_else(PoisonError::into_inner).insert(deduplication);
    if !is_new {
        return (operation, answer);
    }
    state.send(Message { queue, id, body: text("MessageBody"), delay });
    (operation, answer)
}

fn json_answer(value: &Value) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from(value.to_string())));
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, json);
    answer
}

/// An answer without a body.
pub(super) fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}
