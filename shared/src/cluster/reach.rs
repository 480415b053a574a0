//! kube's client over TLS of our own making: kube can leave out the check of a certificate, but not of its name alone.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_rustls::HttpsConnector;
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::{Body, ConfigExt};
use kube::config::AuthInfo;
use tower::{BoxError, ServiceBuilder};

use super::connection::{Authorization, Settings};
use super::error::ClusterError;
use crate::clock::Clock;

/// Time to connect, TLS included; the answer may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time until an answer begins; what follows, a log or a watch, may take longer. A webhook of the cluster has ten seconds unless somebody gives it more, and
/// two answers that do not come fit into a minute, the time of a function that creates pods.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(25);

/// Time for a write to make progress, as kube has it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(295);

/// A connection on which nothing moves is asked whether it is still there after so long, so often and so many times: a NAT forgets one in silence,
/// and a watch, a log or an exec may be silent for long.
const KEEPALIVE: Duration = Duration::from_secs(30);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_RETRIES: u32 = 3;

/// A client for an API server; nothing is sent yet. It retries nothing: a refused POST becomes a waiting run, not a busy function.
///
/// # Errors
/// When the URL or the TLS settings make no sense.
pub fn client(settings: Settings, clock: &Arc<dyn Clock>) -> Result<kube::Client, ClusterError> {
    let url = settings.url;
    let uri: Uri = url.parse().map_err(|_| {
        ClusterError::settings(format!("`{url}` is not a URL of an API server; write `https://host:port`"))
    })?;
    if uri.host().is_none() || uri.scheme().is_none() {
        return Err(ClusterError::settings(format!("`{url}` names no server; write `https://host:port`")));
    }
    let mut config = kube::Config::new(uri);
    config.auth_info = authorization(settings.authorization);
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_keepalive(Some(KEEPALIVE));
    http.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    http.set_keepalive_retries(Some(KEEPALIVE_RETRIES));
    let https = HttpsConnector::from((http, Arc::new(settings.tls.into_config()?)));
    let mut connector = TimeoutConnector::new(https);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_write_timeout(Some(WRITE_TIMEOUT));
    let credentials = config
        .auth_layer()
        .map_err(|error| ClusterError::because("the credentials of the connection cannot be used", error))?;
    let clock = clock.clone();
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(credentials)
        .map_err(BoxError::from)
        .map_future(move |asked| in_time(clock.clone(), asked))
        .service(HttpClient::builder(TokioExecutor::new()).build::<_, Body>(connector));
    Ok(kube::Client::new(service, config.default_namespace))
}

/// An answer that has not begun by then comes no more: the server is stuck, or somebody between has forgotten the connection.
async fn in_time<T, E: Into<BoxError>>(
    clock: Arc<dyn Clock>,
    asked: impl Future<Output = Result<T, E>>,
) -> Result<T, BoxError> {
    tokio::select! {
        biased;
        answer = asked => answer.map_err(Into::into),
        () = clock.sleep(ANSWER_TIMEOUT) => {
            let words = format!("no answer came within {} s", ANSWER_TIMEOUT.as_secs());
            Err(std::io::Error::new(std::io::ErrorKind::TimedOut, words).into())
        }
    }
}

fn authorization(authorization: Authorization) -> AuthInfo {
    match authorization {
        Authorization::None => AuthInfo::default(),
        Authorization::Bearer(token) => AuthInfo { token: Some(token), ..AuthInfo::default() },
        Authorization::Basic(username, password) => {
            AuthInfo { username: Some(username), password: Some(password), ..AuthInfo::default() }
        }
    }
}
