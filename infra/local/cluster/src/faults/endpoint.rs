//! The plan over HTTP, on a listener of its own.
//!
//! It is not part of the API server: a plan that cuts every connection there must not lock out who lifts it, and no
//! role of the cluster reaches it. It listens on loopback only. Since pods share the network of the machine, the path
//! holds a secret, so that a task cannot change what goes wrong; whoever knows the URL may.

use super::Faults;
use crate::random;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// The longest plan that is read.
const BODY_LIMIT_BYTES: usize = 1024 * 1024;

/// A listener on loopback through which the plan is read, put and lifted; ends when dropped.
#[derive(Debug)]
pub struct Endpoint {
    url: String,
    serving: JoinHandle<()>,
}

impl Endpoint {
    /// Listen on a free port.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub async fn start(faults: Faults) -> io::Result<Endpoint> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let path = format!("/{}/faults", random::hex(&random::bytes::<16>()));
        let url = format!("http://{}{path}", listener.local_addr()?);
        Ok(Endpoint { url, serving: tokio::spawn(serve(listener, faults, path.into())) })
    }

    /// Where `GET`, `PUT` and `DELETE` are answered.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, faults: Faults, path: Arc<str>) {
    loop {
        // A failed accept concerns one connection only.
        let Ok((stream, _)) = listener.accept().await else { continue };
        let (faults, path) = (faults.clone(), path.clone());
        tokio::spawn(async move {
            let service = service_fn(|request| async {
                Ok::<_, Infallible>(respond(answer(&faults, &path, request).await))
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection to the endpoint of faults broke");
            }
        });
    }
}

async fn answer(faults: &Faults, path: &str, request: Request<Incoming>) -> (StatusCode, Value) {
    if request.uri().path() != path {
        return (StatusCode::NOT_FOUND, json!({"message": "there is nothing here; the path holds a secret"}));
    }
    match *request.method() {
        Method::GET => {}
        Method::DELETE => faults.clear(),
        Method::PUT => {
            let body = Limited::new(request.into_body(), BODY_LIMIT_BYTES).collect().await;
            let plan = body.map_err(|error| error.to_string()).and_then(|body| {
                serde_json::from_slice::<Value>(&body.to_bytes()).map_err(|error| error.to_string())
            });
            let problems = match plan {
                Ok(plan) => faults.put(&plan).map_err(|problems| json!(problems)),
                Err(error) => Err(json!([{"pointer": "", "message": format!("this is no JSON: {error}")}])),
            };
            if let Err(problems) = problems {
                return (StatusCode::UNPROCESSABLE_ENTITY, json!({"problems": problems}));
            }
        }
        _ => return (StatusCode::METHOD_NOT_ALLOWED, json!({"message": "it answers GET, PUT and DELETE"})),
    }
    (StatusCode::OK, faults.report())
}

fn respond((status, body): (StatusCode, Value)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(format!("{body:#}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
