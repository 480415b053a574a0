//! A small HTTPS client: one connection per request.

use crate::node::PlayedNode;
use bytes::Bytes;
use cluster::container::StageCommand;
use cluster::store::Store;
use cluster::{Cluster, ClusterConfig, StaticToken};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;

/// A cluster over a played node, and how to talk to it.
pub struct Rig {
    pub cluster: Cluster,
    pub store: Store,
    tls: TlsConnector,
    _directory: Option<TempDir>,
}

/// An answer that has been read to its end.
#[derive(Debug)]
pub struct Response {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Response {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// Status, reason and message of a refusal.
    pub fn refusal(&self) -> (u16, String, String) {
        let body = self.json();
        let word = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        (self.status.as_u16(), word("reason"), word("message"))
    }
}

/// The token of `system:serviceaccount:fxh:runner`, whose Role is that of the recordings.
pub const RUNNER: &str = "runner-token";
/// The token of `system:serviceaccount:fxh:runner2`, who may exec.
pub const RUNNER2: &str = "runner2-token";

pub fn role(name: &str, rules: Value) -> [Value; 3] {
    let metadata = json!({"name": name, "namespace": "fxh"});
    let group = "rbac.authorization.k8s.io";
    [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": metadata, "rules": rules}),
        json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": metadata,
               "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
               "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": "fxh"}]}),
    ]
}

impl Rig {
    pub async fn start() -> Rig {
        Rig::start_with(|_| ()).await
    }

    pub async fn start_with(change: impl FnOnce(&mut ClusterConfig)) -> Rig {
        let mut config = ClusterConfig::new("/nonexistent", StageCommand::new("/bin/false"));
        let rule = |resource: &str, verbs: &[&str]| json!({"apiGroups": [""], "resources": [resource], "verbs": verbs});
        config.manifests.extend(role(
            "runner",
            json!([
                rule("pods", &["get", "create", "delete", "watch", "list"]),
                rule("pods/log", &["get", "watch"]),
                rule("pods/exec", &["get", "watch"]),
            ]),
        ));
        config.manifests.extend(role("runner2", json!([rule("pods/exec", &["get", "create"])])));
        for (name, token) in [("runner", RUNNER), ("runner2", RUNNER2)] {
            config.tokens.push(StaticToken {
                token: token.into(),
                user: format!("system:serviceaccount:fxh:{name}"),
                groups: vec![],
            });
        }
        change(&mut config);
        let store = Store::new();
        let cluster = Cluster::start_with_node(config, store.clone(), Arc::new(PlayedNode)).await.unwrap();
        Rig::of(cluster, store, None)
    }

    /// A cluster whose pods are processes, with the namespace `fxh`.
    pub async fn with_processes() -> Rig {
        let directory = tempfile::tempdir().unwrap();
        let stage = StageCommand::new(env!("CARGO_BIN_EXE_longshore-container"));
        let mut config = ClusterConfig::new(directory.path(), stage);
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fxh"}});
        config.manifests.push(namespace);
        let cluster = Cluster::start(config).await.unwrap();
        let store = cluster.store().clone();
        Rig::of(cluster, store, Some(directory))
    }

    fn of(cluster: Cluster, store: Store, directory: Option<TempDir>) -> Rig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(cluster.ca_pem().as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Rig { cluster, store, tls: TlsConnector::from(Arc::new(tls)), _directory: directory }
    }

    async fn connect(&self) -> TlsStream<TcpStream> {
        let address = self.cluster.url().strip_prefix("https://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        self.tls.connect(ServerName::try_from("localhost").unwrap(), stream).await.unwrap()
    }

    /// Send a request and give back the answer with its body still to be read.
    pub async fn open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> http::Response<Incoming> {
        self.try_open(method, path, headers, body).await.unwrap()
    }

    /// The same, where the server may hang up instead.
    pub async fn try_open(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> hyper::Result<http::Response<Incoming>> {
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(self.connect().await)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::builder().method(method).uri(path).header("host", "localhost");
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {}", self.cluster.admin_token()));
        }
        for (name, value) in headers.iter().filter(|(_, value)| !value.is_empty()) {
            request = request.header(*name, *value);
        }
        let body = Full::new(Bytes::from(body.unwrap_or_default().to_owned()));
        sender.send_request(request.body(body).unwrap()).await
    }

    pub async fn request(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Response {
        let answer = self.open(method, path, headers, body).await;
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Response {
            status: parts.status,
            headers: parts.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path, &[], None).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Response {
        let bearer = if token.is_empty() { String::new() } else { format!("Bearer {token}") };
        self.request(Method::GET, path, &[("authorization", &bearer)], None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Response {
        let headers = [("content-type", "application/json")];
        self.request(Method::POST, path, &headers, Some(&body.to_string())).await
    }

    pub async fn patch(&self, path: &str, kind: &str, body: &Value) -> Response {
        let content_type = format!("application/{kind}+json");
        self.request(Method::PATCH, path, &[("content-type", &content_type)], Some(&body.to_string())).await
    }

    pub async fn delete(&self, path: &str, body: Option<&Value>) -> Response {
        let body = body.map(Value::to_string);
        self.request(Method::DELETE, path, &[("content-type", "application/json")], body.as_deref()).await
    }

    /// Create a pod in namespace `fxh`.
    pub async fn pod(&self, name: &str, changes: Value) -> Value {
        let answer = self.post("/api/v1/namespaces/fxh/pods", &pod(name, changes)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// Open a WebSocket.
    pub async fn socket(
        &self,
        path: &str,
        protocol: &str,
    ) -> (WebSocketStream<TlsStream<TcpStream>>, String) {
        let mut request = Request::builder()
            .uri(format!("wss://localhost{path}"))
            .header("host", "localhost")
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "Zml4dHVyZS1yZWNvcmRlcg==")
            .header("authorization", format!("Bearer {}", self.cluster.admin_token()));
        if !protocol.is_empty() {
            request = request.header("sec-websocket-protocol", protocol);
        }
        let stream = self.connect().await;
        let (socket, answer) =
            tokio_tungstenite::client_async(request.body(()).unwrap(), stream).await.unwrap();
        let chosen =
            answer.headers().get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned());
        (socket, chosen.unwrap_or_default())
    }
}

/// The pod of the recordings, with other fields in its spec.
pub fn pod(name: &str, changes: Value) -> Value {
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {
        "restartPolicy": "Never", "terminationGracePeriodSeconds": 8,
        "containers": [{"name": "main", "image": "busybox:1.36", "command": ["sh", "-c", "sleep 600"]}]}});
    if let (Value::Object(spec), Value::Object(changes)) = (&mut pod["spec"], changes) {
        spec.extend(changes);
    }
    pod
}

/// Ask until the answer is there; a minute at most.
pub async fn eventually<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), asking)
        .await
        .expect("it should have happened within a minute")
}
