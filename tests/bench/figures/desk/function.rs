//! A function as Lambda runs it: its program in a process of its own, asked over the runtime API.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use shared::clock::{Clock as _, SystemClock, later};
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::task::JoinHandle;

use super::now;
use super::process::Process;

/// One instance.
pub struct Function {
    child: Child,
    jobs: mpsc::UnboundedSender<Job>,
    serving: JoinHandle<()>,
    billed_ms: AtomicU64,
    /// From the start of the process to its first question for work.
    pub ready_after: Duration,
}

/// One invocation.
struct Job {
    payload: String,
    deadline_ms: i64,
    done: oneshot::Sender<Result<Value>>,
}

/// What the runtime API has between two requests.
struct Desk {
    jobs: Mutex<mpsc::UnboundedReceiver<Job>>,
    under_way: Mutex<Option<oneshot::Sender<Result<Value>>>>,
    first: Mutex<Option<oneshot::Sender<Instant>>>,
}

impl Function {
    /// Start a program and wait until it asks for work.
    pub async fn start(program: &Path, variables: &[(String, String)], log: Stdio) -> Result<Function> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (jobs, receiver) = mpsc::unbounded_channel();
        let (first, ready) = oneshot::channel();
        let desk =
            Desk { jobs: Mutex::new(receiver), under_way: Mutex::default(), first: Mutex::new(Some(first)) };
        let serving = tokio::spawn(serve(listener, Arc::new(desk)));
        let begun = now();
        let child = spawn(program, variables, address, log)?;
        let is_asked = tokio::time::timeout(Duration::from_secs(20), ready).await;
        let asked_at = is_asked.with_context(|| format!("`{}` never asks for work", program.display()))??;
        Ok(Function {
            child,
            jobs,
            serving,
            billed_ms: AtomicU64::new(0),
            ready_after: asked_at.duration_since(begun),
        })
    }

    /// Invoke it and wait for the answer; `timeout` is what the function is told, and a little more is waited.
    pub async fn invoke(&self, payload: &Value, timeout: Duration) -> Result<Value> {
        let (done, answer) = oneshot::channel();
        let deadline_ms = later(SystemClock.now(), timeout).as_millisecond();
        let job = Job { payload: payload.to_string(), deadline_ms, done };
        let begun = now();
        self.jobs.send(job).map_err(|_| anyhow!("the function's desk is closed"))?;
        let answer = tokio::time::timeout(timeout + Duration::from_secs(10), answer).await;
        let answer = answer.context("the function does not answer in time")??;
        let begun_ms = begun.elapsed().as_millis() + 1;
        self.billed_ms.fetch_add(u64::try_from(begun_ms).unwrap_or(u64::MAX), Ordering::Relaxed);
        answer
    }

    /// Milliseconds that all invocations took, each rounded up as Lambda bills them.
    pub fn billed_ms(&self) -> f64 {
        self.billed_ms.load(Ordering::Relaxed) as f64
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.child.id())
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        self.serving.abort();
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(program: &Path, variables: &[(String, String)], api: SocketAddr, log: Stdio) -> Result<Child> {
    let name = program.file_name().context("a program without a name")?;
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .env("AWS_LAMBDA_RUNTIME_API", api.to_string())
        .env("AWS_LAMBDA_FUNCTION_NAME", name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "bench")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .stdout(log);
    command.spawn().with_context(|| format!("cannot start `{}`", program.display()))
}

async fn serve(listener: TcpListener, desk: Arc<Desk>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let _ = stream.set_nodelay(true);
        let desk = desk.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(&desk, request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(desk: &Desk, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let path = request.uri().path().to_owned();
    if path.ends_with("/invocation/next") {
        return Ok(next(desk).await);
    }
    let body = request.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    if let Some(done) = desk.under_way.lock().await.take() {
        // Whoever asked may have given up.
        let _ = done.send(outcome(&path, &body));
    }
    let mut accepted = Response::new(Full::new(Bytes::from_static(b"{}")));
    *accepted.status_mut() = http::StatusCode::ACCEPTED;
    Ok(accepted)
}

fn outcome(path: &str, body: &[u8]) -> Result<Value> {
    if !path.ends_with("/response") {
        bail!("the function failed: {}", String::from_utf8_lossy(body));
    }
    Ok(serde_json::from_slice(body)?)
}

async fn next(desk: &Desk) -> Response<Full<Bytes>> {
    if let Some(first) = desk.first.lock().await.take() {
        let _ = first.send(now());
    }
    // The benchmark is over: the process is about to be ended.
    let Some(job) = desk.jobs.lock().await.recv().await else { return std::future::pending().await };
    *desk.under_way.lock().await = Some(job.done);
    let answer = Response::builder()
        .header("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd")
        .header("lambda-runtime-deadline-ms", job.deadline_ms)
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:bench")
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700")
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from(job.payload)));
    answer.unwrap_or_default()
}
