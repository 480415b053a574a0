//! Connections: real handshakes on loopback, with certificates, keys and stores as tools write them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod handshakes;
mod identities;
mod references;
mod server;
mod stores;
mod vault;

use std::path::PathBuf;
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shared::clock::SystemClock;
use shared::cluster::client::Cluster;
use shared::cluster::error::ClusterError;
use shared::cluster::kube::{Credentials, KubeCluster};
use shared::cluster::sources::Deployment;
use shared::error::chain;
use shared::spec::connection::Connection;

/// Passphrase of every key and store of the fixtures; no message may tell it.
const PASSPHRASE: &str = "canary-passphrase";

/// A file of the fixtures.
fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The same in base64, as a connection has it inline.
fn inline(name: &str) -> String {
    STANDARD.encode(fixture(name))
}

/// A connection to a server that trusts the fixtures' authority.
fn to(url: &str) -> Connection {
    Connection {
        master_url: Some(url.to_owned()),
        ca_cert_data: Some(inline("ca.pem")),
        ..Connection::default()
    }
}

/// Ask the API server for a pod; `Ok` means that TLS came about and the answer was understood.
async fn ask(connection: Connection, deployment: Option<&Deployment>) -> Result<(), ClusterError> {
    let credentials = Credentials::Explicit {
        connection: Box::new(connection),
        deployment: deployment.map(|deployment| Box::new(deployment.clone())),
    };
    let cluster = KubeCluster::new(credentials, Arc::new(SystemClock));
    cluster.get("default", "none").await.map(|found| assert!(found.is_none()))
}

/// The whole message of a refusal. It tells nothing that is secret, neither here nor in its `Debug`.
async fn refusal(connection: Connection, deployment: Option<&Deployment>) -> String {
    let error = ask(connection, deployment).await.expect_err("the connection is refused");
    let words = chain(&error);
    for text in [words.as_str(), format!("{error:?}").as_str()] {
        assert!(!text.contains("canary") && !text.contains("PRIVATE KEY-----\\n"), "{text}");
    }
    words
}
