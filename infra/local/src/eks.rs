//! EKS `DescribeCluster` for the embedded cluster. The emulator's EKS can only describe clusters that it started.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::HeaderValue;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::StackError;
use crate::emulator::{ACCESS_KEY_ID, REGION};

/// What DescribeCluster answers.
#[derive(Clone, Debug)]
pub(crate) struct Described {
    pub name: String,
    /// URL of the API server.
    pub endpoint: String,
    /// The certificate authority, PEM in base64.
    pub certificate_authority: String,
}

/// An EKS endpoint on loopback that knows one cluster; ends when dropped.
#[derive(Debug)]
pub(crate) struct Eks {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Eks {
    pub async fn start(cluster: Described) -> Result<Eks, StackError> {
        let failed = |source| StackError::Start { program: "the EKS endpoint".into(), source };
        let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Eks { address, serving: tokio::spawn(serve(listener, cluster)) })
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Eks {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, cluster: Described) {
    // A failed accept concerns one connection only.
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let cluster = cluster.clone();
        tokio::spawn(async move {
            let service = service_fn(|request: Request<Incoming>| {
                let response = respond(&answer(&cluster, request.method().as_str(), request.uri().path()));
                async { Ok::<_, Infallible>(response) }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                tracing::debug!(%error, "a connection to the EKS endpoint broke");
            }
        });
    }
}

fn answer(cluster: &Described, method: &str, path: &str) -> (u16, &'static str, Value) {
    match (method, path.strip_prefix("/clusters/")) {
        ("GET", Some(name)) if name == cluster.name => (
            200,
            "",
            json!({"cluster": {
                "name": cluster.name,
                "arn": format!("arn:aws:eks:{REGION}:{ACCESS_KEY_ID}:cluster/{}", cluster.name),
                "status": "ACTIVE",
                "endpoint": cluster.endpoint,
                "certificateAuthority": {"data": cluster.certificate_authority},
            }}),
        ),
        ("GET", Some(name)) if !name.contains('/') => (
            404,
            "ResourceNotFoundException",
            json!({"message": format!("No cluster found for name: {name}.")}),
        ),
        _ => (
            400,
            "InvalidRequestException",
            json!({"message": format!("the local stack's EKS only answers DescribeCluster, not {method} {path}")}),
        ),
    }
}

fn respond((status, error, body): &(u16, &'static str, Value)) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::from_u16(*status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    if !error.is_empty() {
        headers.insert("x-amzn-errortype", HeaderValue::from_static(error));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::{Described, Eks};

    #[tokio::test]
    async fn the_cluster_is_described_and_another_one_is_not_found() {
        let cluster = Described {
            name: "here".into(),
            endpoint: "https://127.0.0.1:6443".into(),
            certificate_authority: "Q0E=".into(),
        };
        let eks = Eks::start(cluster).await.unwrap();
        let get = async |path| {
            let method = hyper::Method::GET;
            crate::http::send(eks.address.port(), method, path, "application/json", "", "describe").await
        };
        let found = get("/clusters/here").await.unwrap().body;
        let found: serde_json::Value = serde_json::from_str(&found).unwrap();
        assert_eq!(found["cluster"]["endpoint"], "https://127.0.0.1:6443");
        assert_eq!(found["cluster"]["certificateAuthority"]["data"], "Q0E=");
        let missing = get("/clusters/there").await.unwrap_err().to_string();
        assert!(missing.contains("404") && missing.contains("there"), "{missing}");
    }
}
