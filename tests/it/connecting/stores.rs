//! Key stores and trust stores made by `keytool` and `openssl`: those that lie here, and fresh ones where the tools are.

use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use shared::spec::connection::Connection;

use super::server::{Clients, Server};
use super::vault::{Vault, object};
use super::{PASSPHRASE, ask, fixture, refusal};

const KEY_STORES: [&str; 4] = ["openssl.p12", "openssl-old.p12", "keytool.p12", "keytool.jks"];
const TRUST_STORES: [&str; 3] = ["openssl-trust.p12", "keytool-trust.p12", "keytool-trust.jks"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls")
}

/// Store files in a bucket, as a connection names them.
async fn vault_of(folder: &Path) -> Vault {
    let vault = Vault::start().await;
    for name in KEY_STORES.iter().chain(&TRUST_STORES) {
        vault.put(&format!("/bucket/config/{name}"), &std::fs::read(folder.join(name)).unwrap());
    }
    vault
}

fn by_stores(url: &str, key_store: &str, trust_store: &str, passphrase: &str) -> Connection {
    Connection {
        master_url: Some(url.to_owned()),
        key_store_file: Some(object(key_store)),
        key_store_passphrase: Some(passphrase.into()),
        trust_store_file: Some(object(trust_store)),
        trust_store_passphrase: Some(PASSPHRASE.into()),
        ..Connection::default()
    }
}

async fn opens_every_store(folder: &Path, server: impl AsyncFn() -> Server, certificate: &[u8]) {
    let vault = vault_of(folder).await;
    let expected = CertificateDer::from_pem_slice(certificate).unwrap();
    for (key_store, trust_store) in KEY_STORES.iter().zip(TRUST_STORES.iter().cycle()) {
        let server = server().await;
        let connection = by_stores(&server.url, key_store, trust_store, PASSPHRASE);
        ask(connection, Some(&vault.deployment()))
            .await
            .unwrap_or_else(|error| panic!("{key_store}, {trust_store}: {error:?}"));
        assert_eq!(server.only().certificate.as_deref(), Some(expected.as_ref()), "{key_store}");
    }
}

#[tokio::test]
async fn stores_of_both_tools_are_opened() {
    let server = async || Server::start(Clients::OfTheAuthority).await;
    opens_every_store(&folder(), server, &fixture("client-rsa.pem")).await;
}

#[tokio::test]
async fn fresh_stores_are_opened_where_the_tools_are() {
    let has = |tool: &str, argument: &str| Command::new(tool).arg(argument).output().is_ok();
    if !has("openssl", "version") || !has("keytool", "-help") {
        println!("openssl or keytool is not here; the stores of the fixtures are tested in any case");
        return;
    }
    let fresh = tempfile::tempdir().unwrap();
    let made = Command::new("sh").arg(folder().join("make.sh")).arg(fresh.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let read = |name: &str| std::fs::read(fresh.path().join(name)).unwrap();
    let server = async || {
        let certificate = super::server::Certificate::of(&read("server.pem"), &read("server.key"));
        Server::trusting(certificate, &read("ca.pem")).await
    };
    opens_every_store(fresh.path(), server, &read("client-rsa.pem")).await;
}

#[tokio::test]
async fn a_store_that_does_not_open_is_told_with_the_property_to_look_at() {
    let vault = vault_of(&folder()).await;
    vault.put("/bucket/config/none", b"-----BEGIN CERTIFICATE-----");
    vault.put("/bucket/config/jceks", &[0xce, 0xce, 0xce, 0xce, 0, 0, 0, 2]);
    vault.put("/bucket/config/cut", &fixture("keytool.jks")[..900]);
    let url = "https://127.0.0.1:1";
    let trust = "keytool-trust.p12";
    for (connection, words) in [
        (
            by_stores(url, "openssl.p12", trust, "canary-wrong"),
            "`keyStoreFile` cannot be opened; look at `keyStorePassphrase`",
        ),
        (
            by_stores(url, "keytool.jks", trust, "canary-wrong"),
            "`keyStoreFile` cannot be opened; look at `keyStorePassphrase`",
        ),
        (by_stores(url, "cut", trust, PASSPHRASE), "or the store is broken"),
        (by_stores(url, "none", trust, PASSPHRASE), "`keyStoreFile` is neither a PKCS12 nor a JKS store"),
        (by_stores(url, "jceks", trust, PASSPHRASE), "convert it with `keytool -importkeystore"),
        (by_stores(url, trust, trust, PASSPHRASE), "`keyStoreFile` holds no key with a certificate"),
        (by_stores(url, "keytool.p12", "none", PASSPHRASE), "`trustStoreFile` is neither"),
    ] {
        let said = refusal(connection, Some(&vault.deployment())).await;
        assert!(said.contains(words), "{words}: {said}");
    }
}

/// What a store or a key asks for that nobody needs, kept for the fuzz target too.
fn greedy(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/stores");
    std::fs::read(folder.join(name)).unwrap()
}

#[tokio::test]
async fn what_would_cost_too_much_to_open_is_refused_with_its_limit() {
    let vault = vault_of(&folder()).await;
    let url = "https://127.0.0.1:1";
    let by_key = Connection {
        master_url: Some(url.to_owned()),
        client_cert_data: Some(super::inline("client-ec.pem")),
        client_key_passphrase: Some(PASSPHRASE.into()),
        ..Connection::default()
    };
    for (name, words) in [
        ("p12-check-rounds", "asks for 100000000 rounds of a key derivation, more than the 1000000 of one"),
        ("p12-part-rounds", "asks for 1000001 rounds of a key derivation, more than the 1000000 of one"),
        ("p12-scrypt-memory", "asks for 1073741824 bytes of memory for a key derivation by scrypt"),
        ("p12-scrypt-nothing", "asks for a key derivation that makes no sense"),
        ("key-rounds", "asks for 100000000 rounds of a key derivation, more than the 1000000 of one"),
        ("key-scrypt-nothing", "asks for a key derivation that makes no sense"),
    ] {
        let (property, connection) = if name.starts_with("p12") {
            vault.put(&format!("/bucket/config/{name}"), &greedy(name));
            ("keyStoreFile", by_stores(url, name, "keytool-trust.p12", PASSPHRASE))
        } else {
            let key = STANDARD.encode(greedy(name));
            ("clientKeyData", Connection { client_key_data: Some(key.as_str().into()), ..by_key.clone() })
        };
        let said = refusal(connection, Some(&vault.deployment())).await;
        assert!(said.contains(&format!("`{property}` {words}")), "{name}: {said}");
    }
}
