//! A kubeconfig as a connection, so that a run can take a cluster along that only its author's machine knows.

use std::io::Read;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kube::config::{AuthInfo, Cluster, Kubeconfig};
use secrecy::ExposeSecret;

use super::error::ClusterError;
use crate::spec::connection::Connection;
use crate::spec::secret::Secret;

/// Longest kubeconfig, and longest file that one names, in bytes. Those of clouds have a few kilobytes.
pub const MAX_BYTES: u64 = 1024 * 1024;

/// The connection of a kubeconfig's context (its current one unless named). Files it points to are read; exec plugins are off.
///
/// # Errors
/// When the file, the context or what it names cannot be read, or it needs a plugin; the message says which and what to do.
pub fn connection(file: &Path, context: Option<&str>) -> Result<Connection, ClusterError> {
    let unreadable = |error: Box<dyn std::error::Error + Send + Sync>| {
        ClusterError::because(format!("could not read kubeconfig `{}`", file.display()), error)
    };
    let bytes = bounded(file).map_err(|error| unreadable(error.into()))?;
    let text = String::from_utf8(bytes).map_err(|error| unreadable(error.into()))?;
    // a file in it is relative to it
    let folder = file.parent().unwrap_or(Path::new(""));
    of(&text, context, file, |named| bounded(&folder.join(named)))
}

/// The connection of a kubeconfig with this text; `file` is its name in messages, and `read` gets the files that it names.
///
/// # Errors
/// As [`connection`].
pub fn of(
    text: &str,
    context: Option<&str>,
    file: &Path,
    read: impl Fn(&Path) -> std::io::Result<Vec<u8>>,
) -> Result<Connection, ClusterError> {
    let config = Kubeconfig::from_yaml(text).map_err(|error| {
        ClusterError::because(format!("could not read kubeconfig `{}`", file.display()), error)
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
    assemble(
        cluster,
        user.unwrap_or(&AuthInfo::default()),
        context.namespace.clone(),
        &Files { kubeconfig: file, read: &read },
    )
}

/// Where Kubernetes puts what a pod needs to reach its own API server
/// (<https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/>).
pub const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The connection of a pod to its own cluster: the service account that is mounted at `folder`.
///
/// # Errors
/// When there is none.
pub fn in_cluster(folder: &Path) -> Result<Connection, ClusterError> {
    let file = |name: &str| {
        std::fs::read(folder.join(name)).map_err(|error| {
            let path = folder.join(name);
            ClusterError::because(
                format!("could not read `{}`; this is no pod with a service account", path.display()),
                error,
            )
        })
    };
    let text = |name: &str| file(name).map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    Ok(Connection {
        ca_cert_data: Some(STANDARD.encode(file("ca.crt")?)),
        oauth_token: Some(Secret::from(text("token")?)),
        namespace: Some(text("namespace")?),
        ..Connection::default()
    })
}

fn assemble(
    cluster: &Cluster,
    user: &AuthInfo,
    namespace: Option<String>,
    files: &Files<'_>,
) -> Result<Connection, ClusterError> {
    let file = files.kubeconfig;
    if user.exec.is_some() || user.auth_provider.is_some() {
        return Err(ClusterError::settings(format!(
            "kubeconfig `{}` gets its credentials from a plugin, which functions do not run; use a context with a token or a client certificate, or `--cluster NAME` for EKS",
            file.display()
        )));
    }
    let unknown = [
        (cluster.proxy_url.is_some(), "proxy-url"),
        (cluster.tls_server_name.is_some(), "tls-server-name"),
        (user.impersonate.is_some(), "as"),
    ];
    if let Some((_, name)) = unknown.into_iter().find(|(is_set, _)| *is_set) {
        return Err(ClusterError::settings(format!(
            "kubeconfig `{}` has `{name}`, which a connection cannot say; use a context without it",
            file.display()
        )));
    }
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(Secret::from(token.clone())),
        (None, Some(path)) => Some(Secret::from(String::from_utf8_lossy(&files.named(path)?).trim())),
        (None, None) => None,
    };
    Ok(Connection {
        master_url: cluster.server.clone(),
        ca_cert_data: files
            .data(cluster.certificate_authority_data.clone(), cluster.certificate_authority.as_deref())?,
        client_cert_data: files
            .data(user.client_certificate_data.clone(), user.client_certificate.as_deref())?,
        client_key_data: files
            .data(
                user.client_key_data.as_ref().map(|key| key.expose_secret().to_owned()),
                user.client_key.as_deref(),
            )?
            .map(Secret::from),
        oauth_token: token,
        username: user.username.clone(),
        password: user.password.clone().map(Secret::from),
        trust_certs: cluster.insecure_skip_tls_verify,
        namespace,
        ..Connection::default()
    })
}

/// A kubeconfig and the files that it names.
struct Files<'a> {
    kubeconfig: &'a Path,
    read: &'a dyn Fn(&Path) -> std::io::Result<Vec<u8>>,
}

impl Files<'_> {
    fn data(&self, inline: Option<String>, path: Option<&str>) -> Result<Option<String>, ClusterError> {
        match (inline, path) {
            (Some(inline), _) => Ok(Some(inline)),
            (None, Some(path)) => self.named(path).map(|bytes| Some(STANDARD.encode(bytes))),
            (None, None) => Ok(None),
        }
    }

    fn named(&self, path: &str) -> Result<Vec<u8>, ClusterError> {
        (self.read)(Path::new(path)).map_err(|error| {
            ClusterError::because(format!("could not read `{path}`, which the kubeconfig names"), error)
        })
    }
}

/// The bytes of a regular file of at most [`MAX_BYTES`]: a pipe or a device would never end.
fn bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(std::io::Error::other(format!("it is longer than {MAX_BYTES} bytes")));
    }
    Ok(bytes)
}

fn missing(what: &str, file: &Path) -> ClusterError {
    ClusterError::settings(format!("kubeconfig `{}` has no {what}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> String {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, text.as_bytes()).unwrap();
        connection(file.path(), None).unwrap_err().to_string()
    }

    #[test]
    fn what_a_connection_cannot_say_is_told_by_name() {
        let with = |cluster: &str, user: &str| {
            problem(&format!(
                "{{apiVersion: v1, kind: Config, current-context: c, contexts: [{{name: c, context: {{cluster: k, user: u}}}}], \
                 clusters: [{{name: k, cluster: {{server: 'https://k'{cluster}}}}}], users: [{{name: u, user: {{{user}}}}}]}}"
            ))
        };
        for (cluster, user, word) in [
            (", proxy-url: 'http://p'", "", "`proxy-url`"),
            (", tls-server-name: n", "", "`tls-server-name`"),
            ("", "as: somebody", "`as`"),
            ("", "exec: {apiVersion: client.authentication.k8s.io/v1, command: aws}", "from a plugin"),
        ] {
            let said = with(cluster, user);
            assert!(said.contains(word), "{word}: {said}");
        }
        assert!(problem("{apiVersion: v1, kind: Config}").contains("a current context"));
    }

    #[test]
    fn a_pod_reaches_its_own_cluster_by_its_service_account() {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in [("ca.crt", "PEM"), ("token", "t\n"), ("namespace", "team\n")] {
            std::fs::write(folder.path().join(name), content).unwrap();
        }
        let connection = in_cluster(folder.path()).unwrap();
        assert_eq!(connection.master_url, None, "the default is the pod's own cluster");
        assert_eq!(connection.oauth_token, Some(Secret::from("t")));
        assert_eq!(connection.namespace.as_deref(), Some("team"));
        assert!(in_cluster(Path::new("/does/not/exist")).unwrap_err().to_string().contains("no pod"));
    }
}
