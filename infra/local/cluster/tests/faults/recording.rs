//! How pods moved, here and in the recordings of a real cluster.

use super::PODS;
use crate::client::{Rig, eventually, pod};
use cluster::store::{Kind, Verb};
use serde_json::{Value, json};
use std::sync::Arc;

/// Handles SIGTERM and would run for ever.
pub const PATIENT: &str = "trap 'exit 143' TERM; while true; do sleep 0.1; done";

/// What a snapshot of a pod says about its fate.
#[derive(Clone, Debug, PartialEq)]
pub struct Fact {
    pub phase: String,
    pub reason: String,
    pub message: String,
    pub ready: String,
    /// Reason and message of the condition `DisruptionTarget`.
    pub disruption: (String, String),
    pub is_deleting: bool,
    /// State, reason and exit code of the first container.
    pub container: (String, String, Option<i64>),
}

impl Fact {
    fn of(pod: &Value) -> Fact {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let status = &pod["status"];
        let condition = |kind: &str| {
            let mut all = status["conditions"].as_array().into_iter().flatten();
            all.find(|one| one["type"] == kind).cloned().unwrap_or_default()
        };
        let state = status["containerStatuses"][0]["state"].as_object().and_then(|state| state.iter().next());
        let (state, inside) =
            state.map_or((String::new(), Value::Null), |(name, inside)| (name.clone(), inside.clone()));
        let target = condition("DisruptionTarget");
        Fact {
            phase: word(&status["phase"]),
            reason: word(&status["reason"]),
            message: word(&status["message"]),
            ready: word(&condition("Ready")["status"]),
            disruption: (word(&target["reason"]), word(&target["message"])),
            is_deleting: pod["metadata"]["deletionTimestamp"].is_string(),
            container: (state, word(&inside["reason"]), inside["exitCode"].as_i64()),
        }
    }
}

fn recording(scenario: &str) -> Value {
    let path = format!("{}/../../../tests/fixtures/pods/{scenario}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The facts of a recording from the moment that its container runs, without repetitions.
pub fn recorded(scenario: &str) -> Vec<Fact> {
    let recording = recording(scenario);
    let snapshots = recording["snapshots"].as_array().unwrap();
    from_running(snapshots.iter().map(|snapshot| Fact::of(&snapshot["pod"])).collect())
}

/// Reasons and messages of the events of a recording that have this reason.
pub fn recorded_events(scenario: &str, reason: &str) -> Vec<String> {
    let recording = recording(scenario);
    let events = recording["events"].as_array().unwrap().iter().filter(|event| event["reason"] == reason);
    events.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// The same of a pod here.
pub fn facts(rig: &Rig, name: &str) -> Vec<Fact> {
    let (changes, _) = rig.store.changes_since(Kind::Pod, 0).unwrap();
    let alive =
        changes.iter().filter(|change| change.verb != Verb::Deleted).map(|change| change.object.value());
    from_running(alive.filter(|pod| pod["metadata"]["name"] == name).map(|pod| Fact::of(&pod)).collect())
}

fn from_running(facts: Vec<Fact>) -> Vec<Fact> {
    let mut facts: Vec<Fact> = facts.into_iter().skip_while(|fact| fact.container.0 != "running").collect();
    facts.dedup();
    facts
}

/// Messages of the events about a pod that have this reason.
pub fn events(rig: &Rig, name: &str, reason: &str) -> Vec<String> {
    let (events, _) = rig.store.list(Kind::Event, Some("fxh"));
    let mine =
        events.iter().filter(|event| event["involvedObject"]["name"] == name && event["reason"] == reason);
    mine.map(|event| event["message"].as_str().unwrap().to_owned()).collect()
}

/// Create a pod that runs a line of shell, with ten seconds of grace.
pub async fn run(rig: &Rig, name: &str, script: &str, changes: Value) {
    let mut body = pod(name, changes);
    body["spec"]["containers"][0]["command"] = json!(["sh", "-c", script]);
    body["spec"]["terminationGracePeriodSeconds"] = json!(10);
    let answer = rig.post(PODS, &body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

pub fn get(rig: &Rig, name: &str) -> Option<Arc<Value>> {
    rig.store.get(Kind::Pod, "fxh", name)
}

/// Wait until a pod is as wanted.
pub async fn until(rig: &Rig, name: &str, is_wanted: impl Fn(&Value) -> bool) -> Arc<Value> {
    let mut changes = rig.store.subscribe();
    let look = async {
        loop {
            if let Some(pod) = get(rig, name).filter(|pod| is_wanted(pod)) {
                return pod;
            }
            // Lagging or not: look again.
            let _ = changes.recv().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    match tokio::time::timeout(patience, look).await {
        Ok(pod) => pod,
        Err(_) => panic!("pod {name} did not become as wanted: {:#?}", get(rig, name)),
    }
}

pub async fn phase(rig: &Rig, name: &str, phase: &str) -> Arc<Value> {
    until(rig, name, |pod| pod["status"]["phase"] == phase).await
}

pub async fn gone(rig: &Rig, name: &str) {
    eventually(async || get(rig, name).is_none().then_some(())).await;
}

/// The waiting state of the first container.
pub fn waiting(pod: &Value) -> (&str, &str) {
    let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
    (waiting["reason"].as_str().unwrap_or_default(), waiting["message"].as_str().unwrap_or_default())
}

/// The message of a waiting reason of the first container in a recording, without the resolver that its machine asked.
pub fn recorded_waiting(scenario: &str, reason: &str) -> String {
    let found = recording(scenario)["snapshots"].as_array().unwrap().iter().find_map(|snapshot| {
        let (found, message) = waiting(&snapshot["pod"]);
        (found == reason).then(|| message.replace(" on 169.254.169.253:53", ""))
    });
    found.unwrap()
}
