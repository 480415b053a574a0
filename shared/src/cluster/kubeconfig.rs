//! A kubeconfig as a connection, so that a run can take a cluster along that only its author's machine knows.

use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, Kubeconfig};
use secrecy::ExposeSecret;

use super::error::ClusterError;
use crate::spec::connection::Connection;

/// The connection of a kubeconfig's context (its current one unless named). Files it points to are read; exec plugins are off.
///
/// # Errors
/// When the file, the context or what it names cannot be read, or it needs a plugin; the message says which and what to do.
pub fn connection(file: &Path, context: Option<&str>) -> Result<Connection, ClusterError> {
    let config = Kubeconfig::read_from(file).map_err(|error| ClusterError::Connection {
        message: format!("could not read kubeconfig `{}`", file.display()),
        source: Some(Box::new(error)),
    })?;
    let name =
        context.or(config.current_context.as_deref()).ok_or_else(|| missing("a current context", file))?;
    let context =
        config.contexts.iter().find(|named| named.name == name).and_then(|named| named.context.as_ref());
    let context = context.ok_or_else(|| missing(&format!("context `{name}`"), file))?;
    let cluster = config
        .clusters
        .iter()
        .find(|named| named.name == context.cluster)
        .and_then(|named| named.cluster.as_ref());
    let cluster = cluster.ok_or_else(|| missing(&format!("cluster `{}`", context.cluster), file))?;
    let user = config
        .auth_infos
        .iter()
        .find(|named| Some(&named.name) == context.user.as_ref())
        .and_then(|named| named.auth_info.as_ref());
    assemble(cluster, user.unwrap_or(&AuthInfo::default()), context.namespace.clone(), file)
}

fn assemble(
    cluster: &Cluster,
    user: &AuthInfo,
    namespace: Option<String>,
    file: &Path,
) -> Result<Connection, ClusterError> {
    if user.exec.is_some() || user.auth_provider.is_some() {
        return Err(ClusterError::Connection {
            message: format!(
                "kubeconfig `{}` gets its credentials from a plugin, which functions do not run; use a context with a token or a client certificate, or `--cluster NAME` for EKS",
                file.display()
            ),
            source: None,
        });
    }
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.expose_secret().to_owned()),
        (None, Some(path)) => Some(String::from_utf8_lossy(&read(Path::new(path))?).trim().to_owned()),
        (None, None) => None,
    };
    Ok(Connection {
        master_url: cluster.server.clone(),
        ca_cert_data: data(
            cluster.certificate_authority_data.clone(),
            cluster.certificate_authority.as_deref(),
        )?,
        client_cert_data: data(user.client_certificate_data.clone(), user.client_certificate.as_deref())?,
        client_key_data: data(
            user.client_key_data.as_ref().map(|key| key.expose_secret().to_owned()),
            user.client_key.as_deref(),
        )?,
        oauth_token: token,
        username: user.username.clone(),
        password: user.password.as_ref().map(|password| password.expose_secret().to_owned()),
        trust_certs: cluster.insecure_skip_tls_verify,
        namespace,
        ..Connection::default()
    })
}

fn data(inline: Option<String>, path: Option<&str>) -> Result<Option<String>, ClusterError> {
    match (inline, path) {
        (Some(inline), _) => Ok(Some(inline)),
        (None, Some(path)) => read(Path::new(path)).map(|bytes| Some(STANDARD.encode(bytes))),
        (None, None) => Ok(None),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ClusterError> {
    std::fs::read(path).map_err(|error| ClusterError::Connection {
        message: format!("could not read `{}`, which the kubeconfig names", path.display()),
        source: Some(Box::new(error)),
    })
}

fn missing(what: &str, file: &Path) -> ClusterError {
    ClusterError::Connection {
        message: format!("kubeconfig `{}` has no {what}", file.display()),
        source: None,
    }
}
