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
use tower::ServiceBuilder;

use super::connection::{Authorization, Settings};
use super::error::ClusterError;

/// Time to connect, TLS included; the answer may take longer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Time for a write to make progress, as kube has it.
const WRITE_TIMEOUT: Duration = Duration::from_secs(295);

/// A client for an API server; nothing is sent yet. It retries nothing: a refused POST becomes a waiting run, not a busy function.
///
/// # Errors
/// When the URL or the TLS settings make no sense.
pub fn client(settings: Settings) -> Result<kube::Client, ClusterError> {
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
    let https = HttpsConnector::from((http, Arc::new(settings.tls.into_config()?)));
    let mut connector = TimeoutConnector::new(https);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_write_timeout(Some(WRITE_TIMEOUT));
    let credentials = config
        .auth_layer()
        .map_err(|error| ClusterError::because("the credentials of the connection cannot be used", error))?;
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(credentials)
        .map_err(tower::BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build::<_, Body>(connector));
    Ok(kube::Client::new(service, config.default_namespace))
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
