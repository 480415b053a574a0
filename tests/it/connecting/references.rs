//! What a connection refers to: objects, secrets, tokens that are signed, the deployment's own cluster.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::json;
use shared::spec::connection::Connection;
use shared::spec::token_provider::TokenProvider;

use super::server::{Clients, Server};
use super::vault::{ARN, Vault, object};
use super::{PASSPHRASE, ask, fixture, inline, refusal, to};

#[tokio::test]
async fn certificate_key_and_passphrase_are_read_from_objects_and_members_of_a_secret() {
    let vault = Vault::start().await;
    vault.put("/bucket/config/ca.pem", &fixture("ca.pem"));
    vault.put("/other/certs/client.pem", &fixture("client-rsa.pem"));
    let key = String::from_utf8(fixture("client-rsa.encrypted.key")).unwrap();
    vault.put(ARN, json!({ "key": key, "passphrase": PASSPHRASE }).to_string().as_bytes());
    let server = Server::start(Clients::OfTheAuthority).await;
    let connection = Connection {
        master_url: Some(server.url.clone()),
        ca_cert_file: Some(object("ca.pem")),
        client_cert_file: Some("s3://other/certs/client.pem".into()),
        client_key_file: Some(format!("{ARN}#key")),
        client_key_passphrase: Some(format!("{ARN}#passphrase").as_str().into()),
        ..Connection::default()
    };
    ask(connection, Some(&vault.deployment())).await.unwrap();
    assert!(server.only().certificate.is_some());
    assert_eq!(vault.asked(), ["/bucket/config/ca.pem", "/other/certs/client.pem", ARN, ARN]);
}

#[tokio::test]
async fn tokens_passwords_inline_data_and_binary_stores_may_be_secrets() {
    let vault = Vault::start().await;
    vault.put(ARN, b"canary-token\n");
    let server = Server::start(Clients::Anybody).await;
    let deployment = vault.deployment();
    ask(Connection { oauth_token: Some(ARN.into()), ..to(&server.url) }, Some(&deployment)).await.unwrap();
    let by_password =
        Connection { username: Some("u".into()), password: Some(ARN.into()), ..to(&server.url) };
    ask(by_password, Some(&deployment)).await.unwrap();
    let heads: Vec<String> = server.seen().into_iter().map(|seen| seen.head).collect();
    assert!(heads[0].contains("Bearer canary-token\r\n"), "the line break at the end is none of the token");
    assert!(heads[1].contains(&format!("Basic {}", STANDARD.encode("u:canary-token"))));

    let vault = Vault::start().await;
    vault.put(&format!("{ARN}#binary"), &fixture("keytool.jks"));
    let text = format!("{ARN}-2");
    vault.put(&text, inline("ca.pem").as_bytes());
    let server = Server::start(Clients::OfTheAuthority).await;
    let connection = Connection {
        master_url: Some(server.url.clone()),
        ca_cert_data: Some(text),
        key_store_file: Some(ARN.into()),
        key_store_passphrase: Some(PASSPHRASE.into()),
        ..Connection::default()
    };
    ask(connection, Some(&vault.deployment())).await.unwrap();
    assert!(server.only().certificate.is_some());
}

#[tokio::test]
async fn what_cannot_be_read_is_told_with_property_address_and_parameter() {
    let vault = Vault::start().await;
    vault.put("/bucket/runs/other/attempts/1/outputs/ca.pem", &fixture("ca.pem"));
    vault.put("/bucket/config/large", &vec![b'x'; 1024 * 1024 + 1]);
    vault.put(ARN, br#"{"token": 1}"#);
    let file = |address: &str| Connection {
        ca_cert_data: None,
        ca_cert_file: Some(address.to_owned()),
        ..to("https://127.0.0.1:1")
    };
    let token = |text: &str| Connection { oauth_token: Some(text.into()), ..to("https://127.0.0.1:1") };
    for (connection, words) in [
        (
            file("s3://bucket/runs/other/attempts/1/outputs/ca.pem"),
            ["`caCertFile`", "only what is below `config/`"],
        ),
        (file(&object("none")), ["`caCertFile` names `s3://bucket/config/none`", "`InputObjects`"]),
        (file("s3://stranger/ca.pem"), ["s3://stranger/ca.pem", "`InputObjects`, which does not name it"]),
        (file("s3://bucket/config/../active/g/r.json"), ["config/../active", "has a part `.` or `..`"]),
        (file(&object("large")), ["s3://bucket/config/large", "more than 1048576 bytes"]),
        (token(&format!("{ARN}-none")), ["`oauthToken` names", "`ConnectionSecrets`"]),
        (token(&format!("{ARN}#token")), ["the member `token`", "no JSON object with such a text"]),
    ] {
        let said = refusal(connection, Some(&vault.deployment())).await;
        assert!(words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    }
    assert!(!vault.asked().iter().any(|asked| asked.contains("stranger") || asked.contains("active")));
    let nowhere = refusal(token(ARN), None).await;
    assert!(nowhere.contains("`oauthToken` needs a deployment"), "{nowhere}");
}

/// `prod` as EKS describes it.
fn describe(vault: &Vault, url: &str) {
    let cluster = json!({ "cluster": { "name": "prod", "endpoint": url, "certificateAuthority": { "data": inline("ca.pem") } } });
    vault.put("/clusters/prod", cluster.to_string().as_bytes());
}

/// The URL that a token for EKS stands for.
fn signed(head: &str) -> String {
    let token = head.lines().find_map(|line| line.strip_prefix("authorization: Bearer k8s-aws-v1.")).unwrap();
    String::from_utf8(URL_SAFE_NO_PAD.decode(token.trim()).unwrap()).unwrap()
}

#[tokio::test]
async fn the_token_provider_signs_for_eks_with_the_functions_role_or_one_that_it_assumes() {
    let vault = Vault::start().await;
    let server = Server::start(Clients::Anybody).await;
    describe(&vault, &server.url);
    let provider = TokenProvider {
        cluster: "prod".into(),
        region: Some("eu-north-1".into()),
        ..TokenProvider::default()
    };
    let by = |provider: TokenProvider| Connection {
        oauth_token_provider: Some(provider),
        ..Connection::default()
    };
    // Without a `masterUrl` EKS tells place and authority too.
    ask(by(provider.clone()), Some(&vault.deployment())).await.unwrap();
    let url = signed(&server.only().head);
    assert!(url.starts_with("https://sts.eu-north-1.amazonaws.com/"), "{url}");
    assert!(url.contains("AKIDOFTHEFUNCTION"), "{url}");
    let role = "arn:aws:iam::123456789012:role/team";
    let assumed = TokenProvider { role_arn: Some(role.into()), external_id: Some("x-1".into()), ..provider };
    let explicit = Connection { oauth_token_provider: Some(assumed), ..to(&server.url) };
    ask(explicit, Some(&vault.deployment())).await.unwrap();
    assert!(signed(&server.seen()[1].head).contains("AKIDOFTHEROLE"));
    let assumption = vault.asked().pop().unwrap();
    assert!(assumption.contains("role%2Fteam") && assumption.contains("ExternalId=x-1"), "{assumption}");
}

#[tokio::test]
async fn the_deployments_cluster_is_mixed_in_only_when_asked_for() {
    let vault = Vault::start().await;
    let server = Server::start(Clients::Anybody).await;
    describe(&vault, &server.url);
    let deployment = vault.deployment();
    let inheriting = Connection { inherit_cluster_config: true, ..Connection::default() };
    ask(inheriting.clone(), Some(&deployment)).await.unwrap();
    assert!(signed(&server.only().head).contains("AKIDOFTHEFUNCTION"));
    // What the connection says comes first.
    let own = Connection { oauth_token: Some("canary-own".into()), ..inheriting.clone() };
    ask(own, Some(&deployment)).await.unwrap();
    assert!(server.seen()[1].head.contains("Bearer canary-own"));
    // Without the word nothing of the deployment is used.
    let asked = vault.asked().len();
    ask(to(&server.url), Some(&deployment)).await.unwrap();
    assert!(!server.seen()[2].head.contains("authorization"));
    assert_eq!(vault.asked().len(), asked);
}

#[tokio::test]
async fn the_deployments_credentials_are_sent_to_no_other_server() {
    let vault = Vault::start().await;
    let elsewhere = Server::start(Clients::Anybody).await;
    describe(&vault, "https://prod.example");
    let stranger = Connection { inherit_cluster_config: true, ..to(&elsewhere.url) };
    let said = refusal(stranger.clone(), Some(&vault.deployment())).await;
    assert!(
        said.contains("would send the deployment's credentials to a server that is not its cluster `prod`"),
        "{said}"
    );
    assert!(elsewhere.seen().is_empty());
    let own = Connection { oauth_token: Some("canary-own".into()), ..stranger };
    ask(own, Some(&vault.deployment())).await.unwrap();
    assert!(elsewhere.only().head.contains("Bearer canary-own"));
}
