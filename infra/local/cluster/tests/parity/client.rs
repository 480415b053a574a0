//! HTTPS to the cluster: one connection per request.

use bytes::Bytes;
use cluster::Cluster;
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{Error, Message};

/// What came back.
pub struct Reply {
    pub code: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

pub struct Client {
    address: String,
    tls: TlsConnector,
}

impl Client {
    pub fn new(cluster: &Cluster) -> Client {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(cluster.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let address = cluster.url().strip_prefix("https://").unwrap().to_owned();
        Client { address, tls: TlsConnector::from(Arc::new(tls)) }
    }

    /// Send a request and read the answer to its end; of a switch of protocols only the head.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Reply {
        let stream = self.connect().await;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        let connection = tokio::spawn(connection);
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let code = head.status.as_u16();
        let body = if code == 101 { Bytes::new() } else { body.collect().await.unwrap().to_bytes() };
        connection.abort();
        Reply { code, headers: head.headers, body: body.into() }
    }

    /// Send a request and give back the lines of its answer as they come, read as JSON.
    pub async fn lines(&self, request: Request<Full<Bytes>>) -> UnboundedReceiver<Value> {
        let stream = self.connect().await;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut body = sender.send_request(request).await.unwrap().into_body();
        let (lines, receiver) = unbounded_channel();
        tokio::spawn(async move {
            let mut rest = Vec::new();
            while let Some(Ok(frame)) = body.frame().await {
                rest.extend_from_slice(&frame.into_data().unwrap_or_default());
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = rest.drain(..=end).collect();
                    if lines.send(serde_json::from_slice(&line).unwrap()).is_err() {
                        return;
                    }
                }
            }
        });
        receiver
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(&self.address).await.unwrap();
        self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    /// Open a WebSocket, send frames, and collect what comes on every channel until the server closes;
    /// the answer when it refuses.
    pub async fn exec(&self, mut request: Request<()>, sends: &[Vec<u8>]) -> Result<Channels, Reply> {
        *request.uri_mut() = format!("wss://localhost{}", request.uri()).parse().unwrap();
        let stream = self.connect().await;
        let (mut socket, answer) = match tokio_tungstenite::client_async(request, stream).await {
            Err(Error::Http(refusal)) => {
                let (head, body) = refusal.into_parts();
                let code = head.status.as_u16();
                return Err(Reply { code, headers: head.headers, body: body.unwrap_or_default() });
            }
            other => other.unwrap(),
        };
        let mut channels = Channels { headers: answer.headers().clone(), ..Channels::default() };
        for frame in sends {
            socket.send(Message::Binary(frame.clone().into())).await.unwrap();
        }
        let listen = async {
            while let Some(Ok(message)) = socket.next().await {
                if let Message::Binary(data) = message {
                    let (channel, text) = data.split_first().unwrap();
                    channels.texts.entry(*channel).or_default().push_str(&String::from_utf8_lossy(text));
                }
            }
        };
        tokio::time::timeout(Duration::from_secs(20), listen).await.expect("the server closes");
        Ok(channels)
    }
}

/// What came over a WebSocket, by channel: 1 standard output, 2 standard error, 3 the status.
#[derive(Default)]
pub struct Channels {
    pub headers: HeaderMap,
    pub texts: BTreeMap<u8, String>,
}
