//! What is secret in a connection stands in the active record, and nowhere else.

use std::io::Write;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::pod::{self, Grants, PodIdentity};
use shared::run::record::Record;
use shared::run::state::State;

/// Everything that was logged, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Listen to the whole program; tests that run beside this one in the same process are heard as well.
    fn listen() -> Log {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

fn pem(label: &str, content: &str) -> String {
    let content = STANDARD.encode(content);
    STANDARD.encode(format!("-----BEGIN {label}-----\n{content}\n-----END {label}-----\n"))
}

/// Two connections, which between them have every property that holds a secret, and the canaries in them.
fn connections() -> ([Value; 2], Vec<String>) {
    let key = pem("ENCRYPTED PRIVATE KEY", "canary-of-the-key");
    let stores = json!({
        "masterUrl": "https://k8s.example", "trustStoreFile": "s3://bucket/config/trust.p12", "trustStorePassphrase": "canary-trust",
        "keyStoreFile": "s3://bucket/config/client.p12", "keyStorePassphrase": "canary-store", "username": "u", "password": "canary-password",
    });
    let inline = json!({
        "masterUrl": "https://k8s.example", "caCertData": pem("CERTIFICATE", "ca"), "clientCertData": pem("CERTIFICATE", "client"),
        "clientKeyData": key, "clientKeyPassphrase": "canary-passphrase", "oauthToken": "canary-token",
    });
    let canaries = ["canary-trust", "canary-store", "canary-password", "canary-passphrase", "canary-token"]
        .map(str::to_owned);
    ([stores, inline], canaries.into_iter().chain([key]).collect())
}

fn assert_silent(text: &str, canaries: &[String], place: &str) {
    for canary in canaries {
        assert!(!text.contains(canary.as_str()), "{place} tells `{canary}`");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_active_record_tells_a_secret() -> Result<()> {
    let log = Log::listen();
    let world = World::new().await?;
    let (connections, canaries) = connections();
    for (number, connection) in connections.iter().enumerate() {
        let run = format!("run-{number}");
        let task = json!({
            "id": "t", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "connection": connection,
            "spec": { "containers": [{ "name": "one", "image": "busybox", "command": ["sh", "-c", "echo hello; exit 3"] }] },
        });
        world.submit(&format!("m-{number}"), &json!({ "task": task, "runId": run })).await?;
        let active = world
            .bucket
            .keys()
            .into_iter()
            .find(|key| key.starts_with("active/") && key.contains(&run))
            .unwrap();
        let record: Record = serde_json::from_slice(&world.bucket.read(&active).unwrap())?;
        assert_silent(&format!("{record:?}"), &canaries, "Debug of the record");
        let identity = PodIdentity { run_id: &run, attempt: 1, submission_hash: "h", group: &record.group };
        let pod = pod::build(&record.plan, &identity, Grants { manifest_url: None });
        assert_silent(&pod.to_string(), &canaries, "the rendered pod");
        let group = record.group.clone();
        for _ in 0..40 {
            if world.result(&run).is_some() {
                break;
            }
            world.poll(&group, std::time::Duration::from_millis(1200)).await?;
            world.deliver().await?;
        }
        assert_eq!(world.result(&run).map(|result| result.state), Some(State::Failed));
        // A document that is refused is kept without them.
        let mut wrong = json!({ "task": task, "runId": format!("wrong-{number}") });
        wrong["task"]["nonsense"] = json!(1);
        wrong["task"]["connection"]["masterUrl"] = json!("canary-token");
        wrong["task"]["connection"]["apiVersion"] = json!("canary-password");
        world.submit(&format!("w-{number}"), &wrong).await?;
        assert!(world.bucket.read(&format!("rejected/w-{number}.json")).is_some());
    }
    for key in world.bucket.keys() {
        if !key.starts_with("active/") && !key.starts_with("rejected/") {
            assert_silent(&String::from_utf8_lossy(&world.bucket.read(&key).unwrap()), &canaries, &key);
        }
    }
    for number in 0..connections.len() {
        let key = format!("rejected/w-{number}.json");
        let rejection: Value = serde_json::from_slice(&world.bucket.read(&key).unwrap())?;
        // `masterUrl` and `apiVersion` are no secrets; what was put there in this test is only kept from the problems.
        assert_silent(&rejection["problems"].to_string(), &canaries, &key);
        let mut body = rejection["body"].clone();
        body["task"]["connection"]
            .as_object_mut()
            .unwrap()
            .retain(|name, _| name != "masterUrl" && name != "apiVersion");
        assert_silent(&body.to_string(), &canaries, &key);
    }
    let text = log.text();
    assert!(text.contains("the pod is created"), "the log was heard");
    assert_silent(&text, &canaries, "the log");
    world.shutdown().await;
    Ok(())
}
