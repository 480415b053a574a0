//! Every way in which TLS does not come about has a message of its own, which names the property to look at.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use shared::cluster::error::ClusterError;
use shared::spec::connection::Connection;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::server::{Authority, Clients, Server, head};
use super::{ask, refusal, to};

const ALWAYS: (i32, i32) = (2000, 3000);

fn trusting(authority: &Authority, url: &str) -> Connection {
    Connection { ca_cert_data: Some(STANDARD.encode(&authority.pem)), ..to(url) }
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_trusted() {
    let authority = Authority::new();
    let server = Server::with(authority.server(&["127.0.0.1"], ALWAYS), Clients::Anybody).await;
    let words = refusal(to(&server.url), None).await;
    assert!(words.contains("signed by nobody that the connection trusts"), "{words}");
    assert!(words.contains("`caCertData`, `caCertFile` or `trustStoreFile`"), "{words}");
    ask(trusting(&authority, &server.url), None).await.unwrap();
    // `disableHostnameVerification` loosens the name and nothing else.
    let loose = Connection { disable_hostname_verification: Some(true), ..to(&server.url) };
    assert!(refusal(loose, None).await.contains("signed by nobody"));
    ask(Connection { trust_certs: Some(true), ..to(&server.url) }, None).await.unwrap();
}

#[tokio::test]
async fn a_certificate_of_another_host_is_told_with_both_names() {
    let authority = Authority::new();
    let certificate = authority.server(&["k8s.example", "10.0.0.1"], ALWAYS);
    let server = Server::with(certificate, Clients::Anybody).await;
    let words = refusal(trusting(&authority, &server.url), None).await;
    assert!(words.contains("is for `k8s.example`, `10.0.0.1` and not for `127.0.0.1`"), "{words}");
    assert!(words.contains("`masterUrl`") && words.contains("`disableHostnameVerification`"), "{words}");
    let loose = Connection { disable_hostname_verification: Some(true), ..trusting(&authority, &server.url) };
    ask(loose, None).await.unwrap();
}

#[tokio::test]
async fn a_certificate_out_of_its_time_is_told_with_the_time_even_when_the_name_does_not_matter() {
    for (years, words) in [
        ((2000, 2001), "expired 2001-01-01T00:00:00Z"),
        ((2999, 3000), "not valid before 2999-01-01T00:00:00Z"),
    ] {
        let authority = Authority::new();
        let server = Server::with(authority.server(&["127.0.0.1"], years), Clients::Anybody).await;
        for loose in [false, true] {
            let connection = Connection {
                disable_hostname_verification: Some(loose),
                ..trusting(&authority, &server.url)
            };
            let said = refusal(connection, None).await;
            assert!(said.contains(words) && said.contains("`masterUrl`"), "{said}");
        }
        let trusted = Connection { trust_certs: Some(true), ..trusting(&authority, &server.url) };
        ask(trusted, None).await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_wants_a_client_certificate_says_so() {
    let server = Server::start(Clients::OfTheAuthority).await;
    let words = refusal(to(&server.url), None).await;
    assert!(words.contains("it wants a client certificate; give `clientCertData`"), "{words}");
}

#[tokio::test]
async fn a_client_certificate_of_another_authority_is_refused_by_the_server() {
    let server = Server::start(Clients::OfTheAuthority).await;
    let (certificate, key) = Authority::new().client();
    let stranger = Connection {
        client_cert_data: Some(STANDARD.encode(certificate)),
        client_key_data: Some(STANDARD.encode(key).into()),
        ..to(&server.url)
    };
    let words = refusal(stranger, None).await;
    assert!(words.contains("it refuses the client certificate (UnknownCA)"), "{words}");
    assert!(words.contains("`clientCertData`, `clientCertFile` or `keyStoreFile`"), "{words}");
}

#[tokio::test]
async fn plain_http_at_the_port_is_told() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await.unwrap();
            tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.ok();
        }
    });
    let words = refusal(to(&url), None).await;
    assert!(words.contains("does not speak TLS; look at scheme and port of `masterUrl`"), "{words}");
    serving.abort();
}

#[tokio::test]
async fn an_http_url_is_spoken_to_without_tls_and_with_the_credentials() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let head = head(&mut stream).await;
        stream
            .write_all(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            .await
            .unwrap();
        head
    });
    let connection = Connection {
        master_url: Some(url),
        username: Some("user".into()),
        password: Some("canary".into()),
        ..Connection::default()
    };
    ask(connection, None).await.ok();
    let basic = format!("authorization: Basic {}", STANDARD.encode("user:canary"));
    assert!(serving.await.unwrap().contains(&basic));
}

#[tokio::test]
async fn nobody_at_the_port_may_pass_and_is_no_matter_of_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = ask(to(&url), None).await.unwrap_err();
    assert!(matches!(error, ClusterError::Unreachable { .. }) && error.is_passing(), "{error:?}");
}

#[tokio::test]
async fn a_bearer_token_arrives_and_an_authority_of_the_system_is_no_match() {
    let server = Server::start(Clients::Anybody).await;
    ask(Connection { oauth_token: Some("canary-token".into()), ..to(&server.url) }, None).await.unwrap();
    assert!(server.only().head.contains("authorization: Bearer canary-token\r\n"));
    let systems = Connection { ca_cert_data: None, ..to(&server.url) };
    let words = refusal(systems, None).await;
    assert!(words.contains("signed by nobody") || words.contains("the system has none"), "{words}");
}
