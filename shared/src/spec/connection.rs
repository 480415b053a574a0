//! The `connection` (PodCreate) or `config` (task runner) of a task document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::address::{self, Address};
use super::catalogue::CONNECTION;
use super::fields::Fields;
use super::name;
use super::place::Place;
use super::problem::Problem;
use super::secret::Secret;
use super::token_provider::{self, TokenProvider};

/// How to reach a cluster, as Kestra writes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Connection {
    /// URL of the API server; default `https://kubernetes.default.svc`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_url: Option<String>,
    /// CA certificate, base64 of PEM; white space is ignored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert_data: Option<String>,
    /// Where the CA certificate is kept, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_cert_file: Option<String>,
    /// Client certificate, base64 of PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert_data: Option<String>,
    /// Where the client certificate is kept, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_cert_file: Option<String>,
    /// Client key, base64 of PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_data: Option<Secret>,
    /// Where the client key is kept, PEM.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_file: Option<String>,
    /// Key algorithm, `RSA` or `EC`; read from the key itself, which must be of that kind.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_algo: Option<String>,
    /// Passphrase of an encrypted client key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_key_passphrase: Option<Secret>,
    /// Where a PKCS12 or Java key store with client certificate and key is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_store_file: Option<String>,
    /// Its passphrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_store_passphrase: Option<Secret>,
    /// Where a PKCS12 or Java key store with CA certificates is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_store_file: Option<String>,
    /// Its passphrase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_store_passphrase: Option<Secret>,
    /// Bearer token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_token: Option<Secret>,
    /// Who makes a bearer token each time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oauth_token_provider: Option<TokenProvider>,
    /// Basic auth user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Basic auth password.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret>,
    /// Accept any certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_certs: Option<bool>,
    /// Accept a certificate for another host name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_hostname_verification: Option<bool>,
    /// Kubernetes API version; `v1`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace used when the task does not name one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What is not said here comes from the deployment's cluster: `inheritClusterConfig` of the task or its runner, never a property of the connection.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub inherit_cluster_config: bool,
}

/// Two ways to say the same; only one may be used.
const ONE_OF: [(&str, &str); 9] = [
    ("caCertData", "caCertFile"),
    ("clientCertData", "clientCertFile"),
    ("clientKeyData", "clientKeyFile"),
    ("caCertData", "trustStoreFile"),
    ("caCertFile", "trustStoreFile"),
    ("clientCertData", "keyStoreFile"),
    ("clientCertFile", "keyStoreFile"),
    ("oauthToken", "oauthTokenProvider"),
    ("oauthToken", "password"),
];

/// A property that means nothing without one of the others.
const NEEDS: [(&str, &[&str]); 7] = [
    ("clientCertData", &["clientKeyData", "clientKeyFile"]),
    ("clientCertFile", &["clientKeyData", "clientKeyFile"]),
    ("clientKeyData", &["clientCertData", "clientCertFile"]),
    ("clientKeyFile", &["clientCertData", "clientCertFile"]),
    ("keyStorePassphrase", &["keyStoreFile"]),
    ("trustStorePassphrase", &["trustStoreFile"]),
    ("password", &["username"]),
];

/// The connection under `key`. With `strictly` its values are checked for form; without, only the names and types of its properties are, for a
/// caller who is going to replace it.
pub(crate) fn read(parent: &Fields<'_>, key: &str, strictly: bool) -> Option<Connection> {
    let fields = parent.nested(key)?.secret();
    fields.only(&CONNECTION);
    let secret = |key: &str| fields.text(key).map(Secret::from);
    let connection = Connection {
        master_url: fields.text("masterUrl"),
        ca_cert_data: material(&fields, "caCertData", strictly),
        ca_cert_file: file(&fields, "caCertFile", strictly),
        client_cert_data: material(&fields, "clientCertData", strictly),
        client_cert_file: file(&fields, "clientCertFile", strictly),
        client_key_data: material(&fields, "clientKeyData", strictly).map(Secret::from),
        client_key_file: file(&fields, "clientKeyFile", strictly),
        client_key_algo: fields.text("clientKeyAlgo"),
        client_key_passphrase: secret("clientKeyPassphrase"),
        key_store_file: file(&fields, "keyStoreFile", strictly),
        key_store_passphrase: secret("keyStorePassphrase"),
        trust_store_file: file(&fields, "trustStoreFile", strictly),
        trust_store_passphrase: secret("trustStorePassphrase"),
        oauth_token: secret("oauthToken"),
        oauth_token_provider: token_provider::read(&fields, strictly),
        username: fields.text("username"),
        password: secret("password"),
        trust_certs: fields.flag("trustCerts"),
        disable_hostname_verification: fields.flag("disableHostnameVerification"),
        api_version: fields.text("apiVersion"),
        namespace: fields.text("namespace"),
        inherit_cluster_config: false,
    };
    if strictly {
        check(&connection, &fields);
    }
    Some(connection)
}

/// What can be told without looking into certificates.
fn check(connection: &Connection, fields: &Fields<'_>) {
    let closed = |text: &&str| !fields.place.is_open(text);
    if let Some(url) = connection.master_url.as_deref().filter(closed)
        && !["https://", "http://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        fields.place.at("masterUrl").wrong("`masterUrl` is no URL; it begins with https://");
    }
    if let Some(url) = connection.master_url.as_deref()
        && url.split_once("://").is_some_and(|(_, rest)| {
            rest.split(['/', '?', '#']).next().is_some_and(|authority| authority.contains('@'))
        })
    {
        // It would stand in every message that names the server.
        let accepted = "https://host:port, and `username` and `password`";
        let problem = Problem::new(fields.place.at("masterUrl").pointer(), "`masterUrl` has a user in it");
        fields.place.note(problem.accepted(accepted));
    }
    if let Some(algorithm) = connection.client_key_algo.as_deref().filter(closed)
        && !["RSA", "EC"].contains(&algorithm)
    {
        let place = fields.place.at("clientKeyAlgo");
        place.refuse(&algorithm.into(), "`clientKeyAlgo` is no algorithm of a client key", "RSA, EC");
    }
    if let Some(version) = connection.api_version.as_deref().filter(closed)
        && version != "v1"
    {
        fields.place.at("apiVersion").refuse(&version.into(), "`apiVersion` is none that pods have", "v1");
    }
    if let Some(namespace) = connection.namespace.as_deref().filter(closed)
        && !name::is_dns_label(namespace)
    {
        let place = fields.place.at("namespace");
        place.refuse(&namespace.into(), "is no Kubernetes namespace", "at most 63 of a-z, 0-9 and -");
    }
    let has = |key: &str| fields.value(key).is_some();
    for (one, other) in ONE_OF {
        if has(one) && has(other) {
            fields.place.wrong(format!("has `{one}` and `{other}`; keep one of them"));
        }
    }
    for (present, others) in NEEDS {
        if has(present) && !others.iter().any(|other| has(other)) {
            fields.place.wrong(format!("has `{present}` but no `{}`", others.join("` or `")));
        }
    }
}

/// An address of a file.
fn file(fields: &Fields<'_>, key: &str, strictly: bool) -> Option<String> {
    let text = fields.text(key)?;
    if strictly && !fields.place.is_open(&text) && Address::of_file(&text).is_none() {
        let place = fields.place.at(key);
        place.note(
            Problem::new(
                place.pointer(),
                format!("`{key}` names nothing that a function can read; put the file there"),
            )
            .accepted(address::FILES),
        );
        return None;
    }
    Some(text)
}

/// Base64 of PEM without its white space, or the ARN of a secret.
fn material(fields: &Fields<'_>, key: &str, strictly: bool) -> Option<String> {
    let text = fields.text(key)?;
    if !strictly || fields.place.is_open(&text) || Address::of_value(&text).is_some() {
        return Some(text);
    }
    pem_data(&text, &fields.place.at(key))
}

fn pem_data(text: &str, place: &Place<'_>) -> Option<String> {
    const ACCEPTED: &str = "base64 of a PEM text, as in a kubeconfig, or the ARN of a secret";
    let compact: String = text.split_whitespace().collect();
    let Ok(bytes) = STANDARD.decode(&compact) else {
        place.note(Problem::new(place.pointer(), "is not base64").accepted(ACCEPTED));
        return None;
    };
    if !String::from_utf8_lossy(&bytes).contains("-----BEGIN ") {
        place
            .note(Problem::new(place.pointer(), "is base64 of something that is not PEM").accepted(ACCEPTED));
        return None;
    }
    Some(compact)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::spec::place::{Notes, Reading};

    fn read_as(connection: serde_json::Value, strictly: bool) -> (Option<Connection>, Vec<String>) {
        let notes = Notes::new(Reading::Rendered);
        let task = json!({ "config": connection });
        let fields = Fields::read(&task, Place::new(&notes, "")).unwrap();
        let connection = read(&fields, "config", strictly);
        (connection, notes.into_problems().0.iter().map(ToString::to_string).collect())
    }

    fn problems(connection: serde_json::Value, strictly: bool) -> Vec<String> {
        read_as(connection, strictly).1
    }

    fn pem(label: &str) -> String {
        STANDARD.encode(format!("-----BEGIN {label}-----\nAA==\n-----END {label}-----\n"))
    }

    #[test]
    fn white_space_in_certificates_is_removed() {
        let data = pem("CERTIFICATE");
        let (head, tail) = data.split_at(10);
        let (connection, _) = read_as(json!({ "caCertData": format!("{head}\n {tail}\n") }), true);
        assert_eq!(connection.unwrap().ca_cert_data, Some(data));
    }

    #[test]
    fn a_placeholder_is_no_certificate_unless_it_is_replaced() {
        let seed = json!({ "username": "docker-desktop", "masterUrl": "https://docker-for-desktop:6443", "caCertData": "xxx", "clientCertData": "xxx", "clientKeyData": "xxx" });
        assert_eq!(problems(seed.clone(), true).len(), 3);
        assert_eq!(problems(seed, false), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_never_shown() {
        let connection = json!({ "clientKeyData": "c2VjcmV0LWtleQ==", "password": ["s3cret"], "trustCerts": "maybe-s3cret",
            "oauthTokenProvider": { "task": { "type": "s3cret", "accessKeyId": "s3cret" } }, "keyStoreFile": "/s3cret", "apiVersion": "s3cret" });
        let found = problems(connection, true);
        assert!(found.len() >= 6, "{found:?}");
        assert!(
            !found.iter().any(|problem| problem.contains("c2VjcmV0") || problem.contains("s3cret")),
            "{found:?}"
        );
        let (connection, _) = read_as(
            json!({ "oauthToken": "canary", "keyStorePassphrase": "canary", "clientKeyPassphrase": "canary",
            "password": "canary", "trustStorePassphrase": "canary", "clientKeyData": pem("PRIVATE KEY") }),
            false,
        );
        let debug = format!("{:?}", connection.unwrap());
        assert!(!debug.contains("canary") && !debug.contains(&pem("PRIVATE KEY")), "{debug}");
    }

    #[test]
    fn every_property_of_the_original_is_read_and_kept_in_the_record() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:k8s-AbCdEf";
        let whole = json!({
            "masterUrl": "https://k8s:6443", "caCertFile": "s3://bucket/config/ca.pem",
            "clientCertData": pem("CERTIFICATE"), "clientKeyFile": format!("{arn}#key"), "clientKeyAlgo": "EC",
            "clientKeyPassphrase": format!("{arn}#passphrase"), "username": "u", "password": arn, "trustCerts": false,
            "disableHostnameVerification": true, "apiVersion": "v1", "namespace": "team",
        });
        let (connection, found) = read_as(whole.clone(), true);
        assert_eq!(found, Vec::<String>::new());
        assert_eq!(serde_json::to_value(connection.unwrap()).unwrap(), whole);
        let stores = json!({
            "keyStoreFile": "s3://bucket/config/client.p12", "keyStorePassphrase": "a", "trustStoreFile": arn, "trustStorePassphrase": "b",
            "oauthTokenProvider": { "task": { "type": "eks", "clusterName": "prod" } },
        });
        assert_eq!(problems(stores.clone(), true), Vec::<String>::new());
        let clientless = json!({ "caCertData": pem("CERTIFICATE"), "clientCertFile": arn, "clientKeyData": arn, "oauthToken": arn });
        assert_eq!(problems(clientless.clone(), true), Vec::<String>::new());
        let named: std::collections::BTreeSet<&str> = [&whole, &stores, &clientless]
            .into_iter()
            .flat_map(|value| value.as_object().unwrap().keys().map(String::as_str))
            .collect();
        let all = CONNECTION.properties().map(|property| property.name).collect();
        assert_eq!(named, all, "this test names every property");
    }

    #[test]
    fn what_contradicts_itself_or_hangs_in_the_air_is_told() {
        let pem = pem("CERTIFICATE");
        for (connection, words) in [
            (json!({ "caCertData": pem, "caCertFile": "s3://b/k" }), "has `caCertData` and `caCertFile`"),
            (
                json!({ "caCertFile": "s3://b/k", "trustStoreFile": "s3://b/t" }),
                "has `caCertFile` and `trustStoreFile`",
            ),
            (
                json!({ "clientCertData": pem, "clientKeyData": pem, "keyStoreFile": "s3://b/k" }),
                "has `clientCertData` and `keyStoreFile`",
            ),
            (
                json!({ "oauthToken": "t", "username": "u", "password": "p" }),
                "has `oauthToken` and `password`",
            ),
            (
                json!({ "clientCertData": pem }),
                "has `clientCertData` but no `clientKeyData` or `clientKeyFile`",
            ),
            (json!({ "keyStorePassphrase": "x" }), "has `keyStorePassphrase` but no `keyStoreFile`"),
            (json!({ "password": "x" }), "has `password` but no `username`"),
            (json!({ "caCertFile": "/etc/ssl/ca.pem" }), "names nothing that a function can read"),
            (json!({ "masterUrl": "k8s:6443" }), "is no URL"),
            (json!({ "masterUrl": "https://u:p@k8s:6443/x" }), "`masterUrl` has a user in it"),
            (json!({ "clientKeyAlgo": "DSA" }), "accepted: RSA, EC"),
            (json!({ "apiVersion": "apps/v1" }), "accepted: v1"),
            (json!({ "namespace": "Team A" }), "is no Kubernetes namespace"),
            (json!({ "caCert": pem }), "did you mean `caCertData`"),
        ] {
            let found = problems(connection, true);
            assert!(found.len() == 1 && found[0].contains(words), "{words}: {found:?}");
        }
    }
}
