//! A client over TLS that keeps its connection.

use crate::Outcome;
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Where a cluster answers.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Address {
    /// `https://host:port`.
    pub url: String,
    /// The administrator's token.
    pub token: String,
    /// The authority, PEM.
    pub authority: String,
}

/// One connection.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    token: String,
}

/// A body that comes piece by piece.
pub struct Pieces {
    body: Incoming,
    _client: SendRequest<Full<Bytes>>,
}

impl Pieces {
    /// The next piece.
    pub async fn next(&mut self) -> Option<Bytes> {
        self.body.frame().await?.ok()?.into_data().ok()
    }
}

impl Client {
    /// Connect.
    pub async fn connect(address: &Address) -> Outcome<Client> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(address.authority.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let host = address.url.strip_prefix("https://").ok_or("no https")?;
        let stream = TcpStream::connect(host).await?;
        stream.set_nodelay(true)?;
        let stream =
            TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost")?, stream).await?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Client { sender, token: address.token.clone() })
    }

    /// Whether the server has not closed it.
    pub fn is_open(&self) -> bool {
        !self.sender.is_closed()
    }

    async fn request(
        &mut self,
        method: &str,
        path: &str,
        content_type: &str,
        body: &str,
    ) -> Outcome<Incoming> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", content_type)
            .body(Full::new(Bytes::from(body.to_owned())))?;
        self.sender.ready().await?;
        let answer = self.sender.send_request(request).await?;
        if answer.status().is_success() {
            return Ok(answer.into_body());
        }
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        Err(format!("{method} {path}: {status} {}", String::from_utf8_lossy(&body)).into())
    }

    /// A request whose answer is of no interest.
    pub async fn send(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> Outcome<()> {
        self.request(method, path, content_type, body).await?.collect().await?;
        Ok(())
    }

    /// A whole answer.
    pub async fn get(&mut self, path: &str) -> Outcome<Value> {
        let body = self.request("GET", path, "application/json", "").await?.collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }

    /// An answer that goes on.
    pub async fn open(mut self, path: &str) -> Outcome<Pieces> {
        let body = self.request("GET", path, "application/json", "").await?;
        Ok(Pieces { body, _client: self.sender })
    }
}
