//! Client certificates with keys in every form that tools write.

use shared::spec::connection::Connection;

use super::server::{Clients, Server};
use super::{PASSPHRASE, ask, fixture, inline, to};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

fn with_key(url: &str, certificate: &str, key: &str, passphrase: Option<&str>) -> Connection {
    Connection {
        client_cert_data: Some(inline(certificate)),
        client_key_data: Some(inline(key).into()),
        client_key_passphrase: passphrase.map(Into::into),
        ..to(url)
    }
}

#[tokio::test]
async fn rsa_and_ec_keys_are_read_in_every_form() {
    for (certificate, key, algorithm, passphrase) in [
        ("client-rsa.pem", "client-rsa.key", "RSA", None),
        ("client-rsa.pem", "client-rsa.pkcs1.key", "RSA", None),
        ("client-rsa.pem", "client-rsa.encrypted.key", "RSA", Some(PASSPHRASE)),
        ("client-rsa.pem", "client-rsa.des3.key", "RSA", Some(PASSPHRASE)),
        ("client-ec.pem", "client-ec.key", "EC", None),
        ("client-ec.pem", "client-ec.sec1.key", "EC", None),
        ("client-ec.pem", "client-ec.encrypted.key", "EC", Some(PASSPHRASE)),
        // A passphrase that is not needed does no harm.
        ("client-ec.pem", "client-ec.key", "EC", Some(PASSPHRASE)),
    ] {
        let server = Server::start(Clients::OfTheAuthority).await;
        let connection = Connection {
            client_key_algo: Some(algorithm.to_owned()),
            ..with_key(&server.url, certificate, key, passphrase)
        };
        ask(connection, None).await.unwrap_or_else(|error| panic!("{key}: {error:?}"));
        let expected = CertificateDer::from_pem_slice(&fixture(certificate)).unwrap();
        assert_eq!(server.only().certificate.as_deref(), Some(expected.as_ref()), "{key}");
    }
}

#[tokio::test]
async fn a_key_that_cannot_be_used_is_told_before_anything_is_sent() {
    let server = Server::start(Clients::OfTheAuthority).await;
    let of = |certificate, key, passphrase| with_key(&server.url, certificate, key, passphrase);
    let named = |connection: Connection, algorithm: &str| Connection {
        client_key_algo: Some(algorithm.to_owned()),
        ..connection
    };
    for (connection, words) in [
        (
            of("client-rsa.pem", "client-rsa.encrypted.key", None),
            "give its passphrase as `clientKeyPassphrase`",
        ),
        (
            of("client-rsa.pem", "client-rsa.encrypted.key", Some("canary-wrong")),
            "look at `clientKeyPassphrase`",
        ),
        (
            of("client-rsa.pem", "client-rsa.old.key", Some(PASSPHRASE)),
            "`openssl pkcs8 -topk8 -in old.pem -out key.pem`",
        ),
        (of("client-rsa.pem", "client-ec.key", None), "is not the key of the client certificate"),
        (of("client-rsa.key", "client-rsa.key", None), "`clientCertData` holds no certificate"),
        (of("client-rsa.pem", "client-rsa.pem", None), "`clientKeyData` holds no private key"),
        (
            named(of("client-rsa.pem", "client-rsa.key", None), "EC"),
            "`clientKeyAlgo` says EC, but the client key is of RSA",
        ),
        (
            named(of("client-ec.pem", "client-ec.sec1.key", None), "RSA"),
            "`clientKeyAlgo` says RSA, but the client key is of EC",
        ),
    ] {
        let said = super::refusal(connection, None).await;
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(server.seen().is_empty());
}
