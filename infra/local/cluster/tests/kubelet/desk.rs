//! A store and a kubelet for one test.

use cluster::kubelet::{Kubelet, KubeletConfig, StageCommand};
use cluster::node::{ContainerRef, ExecOptions, Exit, LogOptions, Node, Output};
use cluster::store::{Kind, Store};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

/// The longest that a test waits for anything.
const PATIENCE: Duration = Duration::from_secs(60);
const NAMESPACE: &str = "fx";

pub struct Desk {
    pub store: Store,
    pub kubelet: Arc<Kubelet>,
    pub directory: TempDir,
}

impl Desk {
    pub async fn open() -> Desk {
        Desk::with_images(Vec::new()).await
    }

    pub async fn with_images(images: Vec<(String, PathBuf)>) -> Desk {
        let store = Store::new();
        let directory = tempfile::tempdir().unwrap();
        let config = KubeletConfig {
            directory: directory.path().to_owned(),
            stage: StageCommand::new(env!("CARGO_BIN_EXE_longshore-container")),
            images,
            node_name: "longshore-node".into(),
            environment: vec![("FROM_THE_NODE".into(), "yes".into())],
            faults: Default::default(),
        };
        let kubelet = Kubelet::start(store.clone(), config).await.unwrap();
        Desk { store, kubelet, directory }
    }

    /// Put a pod into the store as the API server and the scheduler leave it.
    pub fn create(&self, name: &str, spec: Value) -> Arc<Value> {
        let mut spec = spec;
        spec["nodeName"] = json!("longshore-node");
        if spec.get("restartPolicy").is_none() {
            spec["restartPolicy"] = json!("Never");
        }
        let scheduled = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null,
            "lastTransitionTime": "2026-11-21T02:24:31Z"});
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": NAMESPACE, "generation": 1, "labels": {"app": "fixture"}},
            "spec": spec,
            "status": {"phase": "Pending", "conditions": [scheduled], "qosClass": "BestEffort"},
        });
        self.store.create(Kind::Pod, pod).unwrap()
    }

    /// A pod with one container that runs a line of shell.
    pub fn sh(&self, name: &str, script: &str) -> Arc<Value> {
        self.create(name, json!({"containers": [shell("main", script)]}))
    }

    pub fn get(&self, name: &str) -> Option<Arc<Value>> {
        self.store.get(Kind::Pod, NAMESPACE, name)
    }

    /// Wait until the pod is as wanted.
    pub async fn until(&self, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Arc<Value> {
        let mut changes = self.store.subscribe();
        let look = async {
            loop {
                if let Some(pod) = self.get(name).filter(|pod| is_wanted(pod)) {
                    return pod;
                }
                // Lagging or not: look again.
                let _ = changes.recv().await;
            }
        };
        match tokio::time::timeout(PATIENCE, look).await {
            Ok(pod) => pod,
            Err(_) => panic!("pod {name} did not become as wanted: {:#?}", self.get(name)),
        }
    }

    pub async fn phase(&self, name: &str, phase: &str) -> Arc<Value> {
        self.until(name, |pod| pod["status"]["phase"] == phase).await
    }

    /// Wait until a condition holds that nothing announces.
    pub async fn poll(&self, what: &str, holds: impl Fn() -> bool) {
        let look = async {
            while !holds() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, look).await.is_ok(), "{what}");
    }

    /// Delete as the API server does.
    pub fn delete(&self, name: &str, grace_seconds: u64) {
        self.store
            .update(Kind::Pod, NAMESPACE, name, None, |pod| {
                pod["metadata"]["deletionTimestamp"] = json!("2026-11-21T02:24:31Z");
                pod["metadata"]["deletionGracePeriodSeconds"] = json!(grace_seconds);
                pod["metadata"]["generation"] = json!(2);
            })
            .unwrap();
    }

    pub async fn gone(&self, name: &str) {
        self.poll("the pod is gone", || self.get(name).is_none()).await;
    }

    /// Every state of a pod that was ever visible, oldest first.
    pub fn history(&self, name: &str) -> Vec<Arc<Value>> {
        let (changes, _) = self.store.changes_since(Kind::Pod, 0).unwrap();
        changes
            .into_iter()
            .map(|change| change.object.value())
            .filter(|pod| pod["metadata"]["name"] == name)
            .collect()
    }

    /// Reasons and messages of the events of a pod in order, with their counts.
    pub fn events(&self, name: &str) -> Vec<(String, String, u64)> {
        let (mut events, _) = self.store.list(Kind::Event, Some(NAMESPACE));
        events.sort_by_key(|event| event["metadata"]["name"].as_str().map(str::to_owned));
        let of_pod = events.iter().filter(|event| event["involvedObject"]["name"] == name);
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        of_pod.map(|e| (word(&e["reason"]), word(&e["message"]), e["count"].as_u64().unwrap_or(1))).collect()
    }

    pub fn reference(&self, pod: &str, container: &str) -> ContainerRef {
        let uid = self.get(pod).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
        ContainerRef { namespace: NAMESPACE.into(), pod: pod.into(), uid, container: container.into() }
    }

    pub async fn log(&self, pod: &str, options: LogOptions) -> String {
        let mut pieces = self.kubelet.logs(self.reference(pod, "main"), options).await.unwrap();
        let mut log = Vec::new();
        while let Some(piece) = pieces.recv().await {
            log.extend_from_slice(&piece);
        }
        String::from_utf8(log).unwrap()
    }

    /// Run a command; standard output, standard error, and how it ended.
    pub async fn exec(&self, pod: &str, command: &[&str]) -> (String, String, Exit) {
        let command = command.iter().map(|word| (*word).to_owned()).collect();
        let options = ExecOptions { command, stdout: true, stderr: true, ..ExecOptions::default() };
        let mut session = self.kubelet.exec(self.reference(pod, "main"), options).await.unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(output) = session.output.recv().await {
            match output {
                Output::Stdout(bytes) => out.extend_from_slice(&bytes),
                Output::Stderr(bytes) => err.extend_from_slice(&bytes),
            }
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap(), session.exit.await.unwrap())
    }

    pub async fn close(self) {
        self.kubelet.shutdown().await;
    }
}

pub fn shell(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script]})
}

pub fn terminated(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["terminated"]
}
