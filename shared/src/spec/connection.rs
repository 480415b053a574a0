//! The `connection` (PodCreate) or `config` (task runner) of a task document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::place::Place;
use super::problem::Problem;

/// How to reach a cluster, as Kestra writes it. Only the properties that are read today are accepted; others are unknown properties.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Connection {
    /// URL of the API server; default `https://kubernetes.default.svc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub master_url: Option<String>,
    /// CA certificate, base64 of PEM; white space is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_cert_data: Option<String>,
    /// Client certificate, base64 of PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_cert_data: Option<String>,
    /// Client key, base64 of PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_data: Option<String>,
    /// Key algorithm, `RSA` or `EC`; read from the key itself, kept for the documents that say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_key_algo: Option<String>,
    /// Bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oauth_token: Option<String>,
    /// Basic auth user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// Basic auth password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// Accept any certificate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust_certs: Option<bool>,
    /// Accept a certificate for another host name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disable_hostname_verification: Option<bool>,
    /// Kubernetes API version; `v1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_version: Option<String>,
    /// Namespace used when the task does not name one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
}

const READ: [&str; 12] = [
    "masterUrl",
    "caCertData",
    "clientCertData",
    "clientKeyData",
    "clientKeyAlgo",
    "oauthToken",
    "username",
    "password",
    "trustCerts",
    "disableHostnameVerification",
    "apiVersion",
    "namespace",
];
const LATER: [(&str, &str); 9] = [
    ("caCertFile", "give `caCertData`"),
    ("clientCertFile", "give `clientCertData`"),
    ("clientKeyFile", "give `clientKeyData`"),
    ("clientKeyPassphrase", "give an unencrypted `clientKeyData`"),
    ("keyStoreFile", "give `clientCertData` and `clientKeyData`"),
    ("keyStorePassphrase", "give `clientCertData` and `clientKeyData`"),
    ("trustStoreFile", "give `caCertData`"),
    ("trustStorePassphrase", "give `caCertData`"),
    ("oauthTokenProvider", "give `oauthToken`, or leave the connection to the deployment"),
];

/// The connection under `key`. With `strictly` its URL, certificates and key are checked for form; without, only the names and types of its
/// properties are, for a caller who is going to replace it.
pub(crate) fn read(parent: &Fields<'_>, key: &str, strictly: bool) -> Option<Connection> {
    let fields = parent.nested(key)?.secret();
    fields.only(&READ, &LATER);
    let material = |key: &str| -> Option<String> {
        let text = fields.text(key)?;
        if !strictly || fields.place.is_open(&text) {
            Some(text)
        } else {
            pem_data(&text, &fields.place.at(key))
        }
    };
    let master_url = fields.text("masterUrl");
    if let Some(url) = &master_url
        && strictly
        && !fields.place.is_open(url)
        && !["https://", "http://"]
            .iter()
            .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
    {
        fields.place.at("masterUrl").wrong("`masterUrl` is no URL; it begins with https://");
    }
    let client_cert_data = material("clientCertData");
    let client_key_data = material("clientKeyData");
    if strictly {
        for (present, absent) in [("clientCertData", "clientKeyData"), ("clientKeyData", "clientCertData")] {
            if fields.value(present).is_some() && fields.value(absent).is_none() {
                fields.place.wrong(format!("has `{present}` but no `{absent}`"));
            }
        }
    }
    Some(Connection {
        master_url,
        ca_cert_data: material("caCertData"),
        client_cert_data,
        client_key_data,
        client_key_algo: fields.text("clientKeyAlgo"),
        oauth_token: fields.text("oauthToken"),
        username: fields.text("username"),
        password: fields.text("password"),
        trust_certs: fields.flag("trustCerts"),
        disable_hostname_verification: fields.flag("disableHostnameVerification"),
        api_version: fields.text("apiVersion"),
        namespace: fields.text("namespace"),
    })
}

/// Base64 of PEM without its white space.
fn pem_data(text: &str, place: &Place<'_>) -> Option<String> {
    const ACCEPTED: &str = "base64 of a PEM text, as in a kubeconfig";
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

    fn problems(connection: serde_json::Value, strictly: bool) -> Vec<String> {
        let notes = Notes::new(Reading::Rendered);
        let task = json!({ "config": connection });
        let fields = Fields::read(&task, Place::new(&notes, "")).unwrap();
        read(&fields, "config", strictly);
        notes.into_problems().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn white_space_in_certificates_is_removed() {
        let pem = STANDARD.encode("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n");
        let (head, tail) = pem.split_at(10);
        let notes = Notes::new(Reading::Rendered);
        let task = json!({ "config": { "caCertData": format!("{head}\n {tail}\n") } });
        let fields = Fields::read(&task, Place::new(&notes, "")).unwrap();
        let connection = read(&fields, "config", true).unwrap();
        assert_eq!(connection.ca_cert_data, Some(pem));
    }

    #[test]
    fn a_placeholder_is_no_certificate_unless_it_is_replaced() {
        let seed = json!({ "username": "docker-desktop", "masterUrl": "https://docker-for-desktop:6443", "caCertData": "xxx", "clientCertData": "xxx", "clientKeyData": "xxx" });
        assert_eq!(problems(seed.clone(), true).len(), 3);
        assert_eq!(problems(seed, false), Vec::<String>::new());
    }

    #[test]
    fn secrets_are_never_shown() {
        for problem in problems(
            json!({ "clientKeyData": "c2VjcmV0LWtleQ==", "password": ["s3cret"], "trustCerts": "maybe-s3cret" }),
            true,
        ) {
            assert!(!problem.contains("c2VjcmV0") && !problem.contains("s3cret"), "{problem}");
        }
    }

    #[test]
    fn what_is_not_read_is_refused() {
        let found = problems(json!({ "keyStoreFile": "/x", "caCert": "y" }), false);
        assert!(found[0].contains("not supported yet"), "{found:?}");
        assert!(found[1].contains("did you mean `caCertData`"), "{found:?}");
    }
}
