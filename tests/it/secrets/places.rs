//! Every place where a secret can stand.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::spec::catalogue;

use super::canary::Canary;

/// Places beyond those that the catalogue calls secret: environment values, and what is only for whoever asked.
const MORE: [&str; 2] = ["v1.EnvVar.value", "ReplyTo.correlationId"];

/// A submission and the canaries in it.
pub struct Submission {
    /// As it is sent.
    pub envelope: Value,
    /// Nobody but the record and whoever connects gets these.
    pub secrets: Vec<Canary>,
    /// The value of an environment variable: in the record and in the pod.
    pub variable: Canary,
}

impl Submission {
    /// All canaries.
    pub fn canaries(&self) -> Vec<Canary> {
        self.secrets.iter().chain([&self.variable]).cloned().collect()
    }
}

/// Two submissions, which between them have every place.
pub fn submissions(name: &str, command: &str) -> Vec<Submission> {
    let connection = |properties: &[(&str, Canary)]| {
        let mut connection = json!({"masterUrl": "https://k8s.example"});
        for (property, canary) in properties {
            connection[property] = canary.value.as_str().into();
        }
        connection
    };
    let plain = |place: &'static str| (place.rsplit('.').next().unwrap_or(place), Canary::new(place));
    let pem = |place: &'static str, label: &str| (plain(place).0, Canary::pem(place, label));
    let by_stores = vec![
        plain("Connection.keyStorePassphrase"),
        plain("Connection.trustStorePassphrase"),
        plain("Connection.password"),
    ];
    let mut stores = connection(&by_stores);
    stores["keyStoreFile"] = "s3://bucket/config/client.p12".into();
    stores["trustStoreFile"] = "s3://bucket/config/trust.p12".into();
    stores["username"] = "u".into();
    let inline = vec![
        pem("Connection.caCertData", "CERTIFICATE"),
        pem("Connection.clientCertData", "CERTIFICATE"),
        pem("Connection.clientKeyData", "ENCRYPTED PRIVATE KEY"),
        plain("Connection.clientKeyPassphrase"),
        plain("Connection.oauthToken"),
    ];
    let connections = [(stores, by_stores), (connection(&inline), inline)];
    let whole = connections.into_iter().enumerate().map(|(number, (connection, properties))| {
        let [token, correlation] = ["Envelope.taskToken", MORE[1]].map(Canary::new);
        let variable = Canary::new(MORE[0]);
        let task = json!({
            "id": "t", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "connection": connection,
            "spec": { "containers": [{
                "name": "main", "image": "busybox", "command": ["sh", "-c", command],
                "env": [{ "name": "VARIABLE", "value": variable.value }],
            }] },
        });
        let envelope = json!({
            "task": task, "runId": format!("{name}-{number}"), "taskToken": token.value, "heartbeatSeconds": 120,
            "replyTo": { "queueUrl": "https://sqs.example/answers", "correlationId": correlation.value },
        });
        let secrets = properties.into_iter().map(|(_, canary)| canary).chain([token, correlation]).collect();
        Submission { envelope, secrets, variable }
    });
    whole.collect()
}

#[test]
fn every_property_that_the_catalogue_calls_secret_has_a_canary() {
    let covered: BTreeSet<String> = submissions("x", "true")
        .iter()
        .flat_map(Submission::canaries)
        .map(|canary| canary.place.to_owned())
        .collect();
    let declared = catalogue::secrets().into_iter().map(|(object, property)| format!("{object}.{property}"));
    let all: BTreeSet<String> = declared.chain(MORE.map(str::to_owned)).collect();
    assert_eq!(covered, all, "a secret without a canary: add it to `submissions`");
}
