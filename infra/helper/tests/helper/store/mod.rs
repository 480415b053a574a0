//! A store on loopback: objects in memory, GET with ranges and versions, POST of forms whose policy is kept to.

mod form;

pub use self::form::policy;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

type Answer = Response<BoxBody<Bytes, std::io::Error>>;

/// What goes wrong.
#[derive(Clone, Default)]
pub struct Trouble {
    /// So many large answers to GETs break off after half of their bytes.
    pub broken_gets: u32,
    /// So many POSTs are answered with 503.
    pub refused_posts: u32,
    /// Every POST takes so long.
    pub slow_posts: Duration,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<String, Bytes>,
    /// Keys of POSTs that were stored, in order.
    stored: Vec<String>,
    gets: u32,
    trouble: Trouble,
}

/// A store that runs for as long as the test does.
#[derive(Clone)]
pub struct Store {
    state: Arc<Mutex<State>>,
    /// `http://127.0.0.1:PORT`
    pub url: String,
}

impl Store {
    /// Start one.
    pub async fn start() -> Store {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let store = Store { state: Arc::default(), url };
        let serving = store.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let store = serving.clone();
                let service = service_fn(move |request| {
                    let store = store.clone();
                    async move { Ok::<_, Infallible>(store.answer(request).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        store
    }

    /// What is to go wrong from now on.
    pub fn trouble(&self, trouble: Trouble) {
        self.state.lock().unwrap().trouble = trouble;
    }

    /// Put an object there; its link.
    pub fn put(&self, key: &str, bytes: impl Into<Bytes>) -> String {
        self.state.lock().unwrap().objects.insert(key.to_owned(), bytes.into());
        format!("{}/b/{key}?signed=1", self.url)
    }

    /// An object.
    pub fn object(&self, key: &str) -> Option<Bytes> {
        self.state.lock().unwrap().objects.get(key).cloned()
    }

    /// Keys of what was posted, in order.
    pub fn posted(&self) -> Vec<String> {
        self.state.lock().unwrap().stored.clone()
    }

    /// How many GETs came.
    pub fn gets(&self) -> u32 {
        self.state.lock().unwrap().gets
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        if request.method() == Method::GET { self.get(&request) } else { self.post(request).await }
    }

    fn get(&self, request: &Request<Incoming>) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.gets += 1;
        let key = request.uri().path().trim_start_matches("/b/");
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        if request.uri().query() != Some("signed=1") {
            return refusal(StatusCode::FORBIDDEN, "AccessDenied");
        }
        let Some(object) = state.objects.get(key).cloned() else {
            return refusal(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        let version = format!("\"{}-{:?}\"", object.len(), object.first());
        if header("if-match").is_some_and(|wanted| wanted != version) {
            return refusal(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let size = object.len();
        let range = header("range").map(|range| {
            let (from, to) = range.trim_start_matches("bytes=").split_once('-').unwrap();
            (from.parse::<usize>().unwrap(), to.parse::<usize>().unwrap())
        });
        let (from, to) = range.unwrap_or((0, size.saturating_sub(1)));
        if range.is_some() && from >= size {
            return refusal(StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange");
        }
        let part = if size == 0 { Bytes::new() } else { object.slice(from..=to.min(size - 1)) };
        let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
        let mut answer = Response::builder().status(status).header("etag", version);
        answer = answer.header("content-length", part.len());
        if range.is_some() {
            answer = answer.header("content-range", format!("bytes {from}-{to}/{size}"));
        }
        let body = if state.trouble.broken_gets > 0 && part.len() > 1024 * 1024 {
            state.trouble.broken_gets -= 1;
            let half = part.slice(..part.len() / 2);
            let cut = std::io::Error::other("cut");
            BodyExt::boxed(StreamBody::new(futures::stream::iter([Ok(Frame::data(half)), Err(cut)])))
        } else {
            full(part)
        };
        answer.body(body).unwrap()
    }

    async fn post(&self, request: Request<Incoming>) -> Answer {
        let kind = request.headers()["content-type"].to_str().unwrap().to_owned();
        let body = request.into_body().collect().await.unwrap().to_bytes();
        let pause = self.state.lock().unwrap().trouble.slow_posts;
        tokio::time::sleep(pause).await;
        let mut state = self.state.lock().unwrap();
        if state.trouble.refused_posts > 0 {
            state.trouble.refused_posts -= 1;
            return refusal(StatusCode::SERVICE_UNAVAILABLE, "SlowDown");
        }
        match form::judge(&kind, &body) {
            Ok((key, content)) => {
                state.stored.push(key.clone());
                state.objects.insert(key, content);
                Response::builder().status(StatusCode::NO_CONTENT).body(full(Bytes::new())).unwrap()
            }
            Err(code) => refusal(StatusCode::FORBIDDEN, &code),
        }
    }
}

fn full(bytes: Bytes) -> BoxBody<Bytes, std::io::Error> {
    Full::new(bytes).map_err(|never| match never {}).boxed()
}

fn refusal(status: StatusCode, code: &str) -> Answer {
    let text = format!("<Error><Code>{code}</Code><Message>no</Message></Error>");
    Response::builder().status(status).body(full(Bytes::from(text))).unwrap()
}
