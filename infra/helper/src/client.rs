//! HTTP to the store: one pool of connections, silence is an error, and what may pass is tried again.

use std::future::Future;
use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::{ClientConfig, RootCertStore};

use crate::names::Names;

/// What is sent.
pub type Body = UnsyncBoxBody<Bytes, io::Error>;

/// Exchanges with the store at the same time.
pub const AT_ONCE: usize = 8;

/// How often something is tried that brings nothing on.
const TRIES: u32 = 6;

/// Before the second try; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_millis(300);

/// Until a connection stands.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);

/// Longest silence in the middle of an answer, and longest wait for one after all was sent.
pub const SILENCE_AT_MOST: Duration = Duration::from_secs(60);

/// Most that is read of an answer that refuses.
const MAX_REFUSAL_BYTES: usize = 8 * 1024;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The address makes no sense.
    #[error("the link is no URL")]
    Address,
    /// No connection, or it broke.
    #[error("the store cannot be reached")]
    Connection(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nothing came for [`SILENCE_AT_MOST`].
    #[error("the store was silent for {} s", SILENCE_AT_MOST.as_secs())]
    Silence,
    /// The store said no.
    #[error("the store said {status}{}{said}", if said.is_empty() { "" } else { ": " })]
    Status {
        /// How.
        status: StatusCode,
        /// `Code` and `Message` of its answer.
        said: String,
    },
    /// The answer was no answer to the question.
    #[error("the store answered {0}")]
    Answer(String),
}

impl RequestError {
    /// It may be different next time.
    pub fn is_passing(&self) -> bool {
        match self {
            RequestError::Connection(_) | RequestError::Silence => true,
            RequestError::Status { status, said } => {
                status.is_server_error()
                    || matches!(*status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
                    || said.starts_with("RequestTimeout")
                    || said.starts_with("SlowDown")
            }
            RequestError::Address | RequestError::Answer(_) => false,
        }
    }

    /// The grant is of no use (any more).
    pub fn is_refusal(&self) -> bool {
        matches!(self, RequestError::Status { status, .. } if *status == StatusCode::FORBIDDEN)
    }
}

/// Connections to the store.
#[derive(Clone)]
pub struct Client(Pool<HttpsConnector<HttpConnector<Names>>, Body>);

impl Client {
    /// Nothing is sent yet. The roots are built in, since the image holds nothing else.
    pub fn new() -> Self {
        let mut roots = RootCertStore::empty();
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
        let mut plain = HttpConnector::new_with_resolver(Names::of_system());
        plain.enforce_http(false);
        plain.set_nodelay(true);
        plain.set_connect_timeout(Some(CONNECT_WITHIN));
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map(|versions| versions.with_root_certificates(roots).with_no_client_auth());
        let builder = hyper_rustls::HttpsConnectorBuilder::new();
        let connector = match tls {
            Ok(tls) => builder.with_tls_config(tls).https_or_http().enable_http1().wrap_connector(plain),
            // ring has the safe default versions: the provider's features are fixed when this is compiled.
            Err(error) => unreachable!("{error}"),
        };
        Client(Pool::builder(TokioExecutor::new()).pool_max_idle_per_host(AT_ONCE).build(connector))
    }

    /// One exchange; an answer that is no success is an error.
    ///
    /// # Errors
    /// See [`RequestError`]; nothing is tried again.
    pub async fn send(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<Response<Incoming>, RequestError> {
        let answer = tokio::time::timeout(within, self.0.request(request)).await;
        let answer = answer.map_err(|_| RequestError::Silence)?;
        let answer = answer.map_err(|error| RequestError::Connection(error.into()))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        Err(RequestError::Status { status, said: said(answer.into_body()).await })
    }

    /// The beginning of a GET.
    ///
    /// # Errors
    /// When the link is none.
    pub fn get(url: &str) -> Result<http::request::Builder, RequestError> {
        let uri: http::Uri = url.parse().map_err(|_| RequestError::Address)?;
        Ok(Request::get(uri).header(header::USER_AGENT, "longshore-helper"))
    }

    /// A whole small object.
    ///
    /// # Errors
    /// After the last try.
    pub async fn read(&self, url: &str, max_bytes: usize) -> Result<Bytes, RequestError> {
        retried(|| async {
            let request = Client::get(url)?.body(empty()).map_err(|_| RequestError::Address)?;
            let mut body = self.send(request, SILENCE_AT_MOST).await?.into_body();
            let mut bytes = BytesMut::new();
            while let Some(chunk) = next(&mut body).await? {
                if bytes.len().saturating_add(chunk.len()) > max_bytes {
                    return Err(RequestError::Answer(format!("more than {max_bytes} bytes")));
                }
                bytes.extend_from_slice(&chunk);
            }
            Ok(bytes.freeze())
        })
        .await
    }
}

impl Default for Client {
    fn default() -> Self {
        Client::new()
    }
}

/// The next bytes of an answer; `None` at its end.
///
/// # Errors
/// When it breaks off or falls silent.
pub async fn next(body: &mut Incoming) -> Result<Option<Bytes>, RequestError> {
    loop {
        let frame = tokio::time::timeout(SILENCE_AT_MOST, body.frame()).await;
        match frame.map_err(|_| RequestError::Silence)? {
            // One that breaks off before its announced length is an error of the connection.
            None => return Ok(None),
            Some(Err(error)) => return Err(RequestError::Connection(error.into())),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data()
                    && !data.is_empty()
                {
                    return Ok(Some(data));
                }
            }
        }
    }
}

/// Nothing to send.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Try until it succeeds, fails for good, or has failed [`TRIES`] times.
///
/// # Errors
/// The last.
pub async fn retried<T, F: Future<Output = Result<T, RequestError>>>(
    mut attempt: impl FnMut() -> F,
) -> Result<T, RequestError> {
    let mut tries = 1;
    loop {
        match attempt().await {
            Err(error) if error.is_passing() && tries < TRIES => {
                pause(tries).await;
                tries += 1;
            }
            other => return other,
        }
    }
}

/// Wait before the next try; false when there is none.
pub async fn pause_before_next(tries: u32) -> bool {
    if tries >= TRIES {
        return false;
    }
    pause(tries).await;
    true
}

async fn pause(tries: u32) {
    tokio::time::sleep(FIRST_PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(6))).await;
}

/// `Code: Message` of an error document, else its beginning.
async fn said(mut body: Incoming) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < MAX_REFUSAL_BYTES
        && let Ok(Some(chunk)) = next(&mut body).await
    {
        bytes.extend_from_slice(&chunk);
    }
    let text = String::from_utf8_lossy(&bytes);
    let element = |name: &str| {
        let rest = text.split_once(&format!("<{name}>"))?.1;
        Some(rest.split_once(&format!("</{name}>"))?.0.to_owned())
    };
    match (element("Code"), element("Message")) {
        (Some(code), Some(message)) => format!("{code}: {message}"),
        (Some(code), None) => code,
        _ => text.chars().take(200).collect(),
    }
}
