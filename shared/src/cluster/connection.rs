//! From a connection to kube's client settings.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::AuthInfo;
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use secrecy::SecretString;

use super::eks::Endpoint;
use super::error::ClusterError;
use crate::spec::connection::Connection;

/// Where Kestra looks when a connection names no server.
const DEFAULT_URL: &str = "https://kubernetes.default.svc";

/// Time to connect; the answer may take longer.
const CONNECT_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(10);

/// Settings for an EKS cluster.
///
/// # Errors
/// When the endpoint or the CA cannot be read.
pub fn for_eks(endpoint: &Endpoint, token: SecretString) -> Result<kube::Config, ClusterError> {
    let mut config = at(&endpoint.url)?;
    config.root_cert = Some(certificates(&endpoint.ca_pem)?);
    config.auth_info = AuthInfo { token: Some(token), ..AuthInfo::default() };
    Ok(config)
}

/// Settings for a connection written in a task. Nothing of the environment is mixed in.
///
/// # Errors
/// When a URL, certificate or key cannot be read; the message names the property and never its value.
pub fn for_explicit(connection: &Connection) -> Result<kube::Config, ClusterError> {
    let mut config = at(connection.master_url.as_deref().unwrap_or(DEFAULT_URL))?;
    if let Some(data) = &connection.ca_cert_data {
        config.root_cert = Some(certificates(&decode("caCertData", data)?)?);
    }
    config.accept_invalid_certs = connection.trust_certs == Some(true);
    if connection.disable_hostname_verification == Some(true) {
        return Err(wrong("`disableHostnameVerification` is not supported; name the server in `masterUrl` as its certificate does, or set `trustCerts`".to_owned()));
    }
    let squeeze = |text: &String| text.split_whitespace().collect::<String>();
    config.auth_info = AuthInfo {
        username: connection.password.as_ref().and(connection.username.clone()),
        password: connection.password.clone().map(SecretString::from),
        token: connection.oauth_token.clone().map(SecretString::from),
        client_certificate_data: connection.client_cert_data.as_ref().map(squeeze),
        client_key_data: connection.client_key_data.as_ref().map(|key| SecretString::from(squeeze(key))),
        ..AuthInfo::default()
    };
    Ok(config)
}

fn at(url: &str) -> Result<kube::Config, ClusterError> {
    let uri = url
        .parse()
        .map_err(|_| wrong(format!("`{url}` is not a URL of an API server; write `https://host:port`")))?;
    let mut config = kube::Config::new(uri);
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    // Retries are Longshore's own: a refused POST becomes a waiting run, not a busy function.
    config.default_retry = false;
    Ok(config)
}

fn certificates(pem: &[u8]) -> Result<Vec<Vec<u8>>, ClusterError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = read.map_err(|_| wrong("the CA certificate is not PEM".to_owned()))?;
    if found.is_empty() {
        return Err(wrong("the CA holds no certificate".to_owned()));
    }
    Ok(found.into_iter().map(|certificate| certificate.to_vec()).collect())
}

fn decode(property: &str, data: &str) -> Result<Vec<u8>, ClusterError> {
    let squeezed: String = data.split_whitespace().collect();
    STANDARD.decode(squeezed).map_err(|_| wrong(format!("`{property}` is not base64")))
}

fn wrong(message: String) -> ClusterError {
    ClusterError::Connection { message, source: None }
}
