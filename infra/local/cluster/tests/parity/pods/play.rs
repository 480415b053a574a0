//! Recorded pods, played on the embedded cluster.

use super::facts::{self, Facts, STAND_INS, list, word};
use super::recording::{Action, PodRecording};
use crate::client::Client;
use bytes::Bytes;
use cluster::container::StageCommand;
use cluster::{Cluster, ClusterConfig};
use http::Request;
use http_body_util::Full;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep, timeout_at};

/// How much later than recorded a pod may come to where it was.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest pause before what the recorder did, after the pod was ready for it.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How long a pod is watched after the last that was recorded, to see that nothing more comes.
const STILL: Duration = Duration::from_secs(1);
/// The same for a pod whose recording shows what does not happen after its deadline.
const STILL_PAST_DEADLINE: Duration = Duration::from_secs(7);
const PODS: &str = "/api/v1/namespaces/fx/pods";

/// The cluster that all of them share.
pub struct World {
    cluster: Cluster,
    client: Client,
    _directory: TempDir,
}

/// What became of a pod.
pub struct Played {
    pub pictures: Vec<Facts>,
    pub events: Vec<String>,
    /// Of the containers of a pod that is still there.
    pub logs: BTreeMap<String, String>,
    /// What the cluster would not do.
    pub refusals: Vec<String>,
}

impl World {
    pub async fn open() -> World {
        let directory = tempfile::tempdir().unwrap();
        let stage = StageCommand::new(env!("CARGO_BIN_EXE_longshore-container"));
        let mut config = ClusterConfig::new(directory.path().join("node"), stage);
        config.manifests = vec![
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "fx"}}),
            secret("have", "user"),
        ];
        let cluster = Cluster::start(config).await.unwrap();
        let client = Client::new(&cluster);
        World { cluster, client, _directory: directory }
    }

    pub async fn close(self) {
        self.cluster.shutdown().await;
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        content_type: &str,
        body: Option<&Value>,
    ) -> Request<Full<Bytes>> {
        let body = body.map(Value::to_string).unwrap_or_default();
        let token = self.cluster.admin_token();
        Request::builder()
            .method(method)
            .uri(path)
            .header("host", "localhost")
            .header("content-type", content_type)
            .header("authorization", format!("Bearer {token}"))
            .body(Full::new(Bytes::from(body)))
            .unwrap()
    }

    async fn ask(&self, method: &str, path: &str, content_type: &str, body: Option<&Value>) -> (u16, String) {
        let reply = self.client.send(self.request(method, path, content_type, body)).await;
        (reply.code, String::from_utf8_lossy(&reply.body).into_owned())
    }
}

fn secret(name: &str, key: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "fx"},
           "stringData": {key: "v"}})
}

/// Create the pod, do what the recorder did when the pod is where it was then, and watch it to its recorded end.
pub async fn play(world: &World, recording: &PodRecording) -> Played {
    let name = recording.pod();
    let watch = format!("{PODS}?watch=true&fieldSelector=metadata.name%3D{name}");
    let mut watched = Watched {
        name: recording.name.clone(),
        events: world.client.lines(world.request("GET", &watch, "application/json", None)).await,
        pictures: Vec::new(),
        pod: Value::Null,
    };
    let recorded: Vec<Facts> = recording.compared().map(|one| facts::of(&one.kind, &one.pod)).collect();
    let mut body = recording.submitted.to_string();
    for (recorded, here) in STAND_INS {
        body = body.replace(recorded, here);
    }
    let body = body.replace(facts::NODES[0], facts::NODES[1]);
    let mut body = serde_json::from_str(&body).unwrap();
    give_probes_time(&mut body);
    let (code, text) = world.ask("POST", PODS, "application/json", Some(&body)).await;
    let mut refusals: Vec<String> = (code != 201).then_some(text).into_iter().collect();
    for action in recording.actions.iter().filter(|_| code == 201) {
        let (before, pause) = recording.before(action);
        watched.until(recorded.get(..before).unwrap_or(&recorded)).await;
        watched.rest(pause.min(LONGEST_PAUSE)).await;
        refusals.extend(act(world, recording, action).await.err());
    }
    if refusals.is_empty() {
        watched.until(&recorded).await;
    }
    // Pods that never come to rest show what comes next soon enough.
    let ends = recorded.last().unwrap();
    let is_past_deadline = recording.submitted["spec"].get("activeDeadlineSeconds").is_some();
    if is_past_deadline && ends["phase"] == "Pending" {
        watched.rest(STILL_PAST_DEADLINE).await;
    } else if ends["phase"] != "Pending" && !body_restarts(&recording.submitted) {
        watched.rest(STILL).await;
    }
    let events = events(world, name, &watched.pod).await;
    let mut logs = BTreeMap::new();
    if !watched.is_gone() {
        for container in recording.logs.keys() {
            let path = format!("{PODS}/{name}/log?container={container}");
            let (_, text) = world.ask("GET", &path, "application/json", None).await;
            let text = serde_json::from_str::<Value>(&text)
                .ok()
                .and_then(|status| status["message"].as_str().map(str::to_owned))
                .unwrap_or(text);
            logs.insert(container.clone(), facts::steady(&text, &watched.pod));
        }
        world.ask("DELETE", &format!("{PODS}/{name}?gracePeriodSeconds=0"), "application/json", None).await;
    }
    Played { pictures: watched.pictures, events, logs, refusals }
}

/// No recorded probe came to its time-out of a second; all pods at once on a busy machine can make one late.
fn give_probes_time(pod: &mut Value) {
    for field in ["initContainers", "containers"] {
        let containers = pod["spec"].get_mut(field).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                if let Some(probe) = container.get_mut(probe) {
                    probe["timeoutSeconds"] = json!(PATIENCE.as_secs());
                }
            }
        }
    }
}

fn body_restarts(submitted: &Value) -> bool {
    matches!(word(&submitted["spec"], "restartPolicy"), "Always" | "OnFailure")
}

async fn act(world: &World, recording: &PodRecording, action: &Action) -> Result<(), String> {
    let pod = format!("{PODS}/{}", recording.pod());
    let body = action.body.as_ref();
    let (method, path, content_type, body) = match action.what.split(' ').next().unwrap() {
        "DELETE" => ("DELETE", pod, "application/json", body.cloned()),
        "PATCH" if body.is_some_and(Value::is_array) => {
            ("PATCH", pod, "application/json-patch+json", body.cloned())
        }
        "PATCH" => ("PATCH", pod, "application/merge-patch+json", body.cloned()),
        "POST" => ("POST", format!("{pod}/eviction"), "application/json", body.cloned()),
        "the" => (
            "POST",
            "/api/v1/namespaces/fx/secrets".into(),
            "application/json",
            Some(secret("comes-later", "k")),
        ),
        "GET" => return Ok(()),
        other => panic!("{}: nobody knows how to do `{other}`", recording.name),
    };
    let (code, text) = world.ask(method, &path, content_type, body.as_ref()).await;
    if code < 300 { Ok(()) } else { Err(text) }
}

async fn events(world: &World, name: &str, pod: &Value) -> Vec<String> {
    let path = format!("/api/v1/namespaces/fx/events?fieldSelector=involvedObject.name%3D{name}");
    let (_, text) = world.ask("GET", &path, "application/json", None).await;
    let events: Value = serde_json::from_str(&text).unwrap();
    let mut events: Vec<&Value> = list(&events["items"]).collect();
    // Their names end with the time in nanoseconds.
    events.sort_by_key(|event| word(&event["metadata"], "name").to_owned());
    let line = |event: &&Value| facts::of_event(event, word(&event["involvedObject"], "fieldPath"), pod);
    events.iter().map(line).collect()
}

/// A pod as a watch shows it.
struct Watched {
    name: String,
    events: UnboundedReceiver<Value>,
    pictures: Vec<Facts>,
    pod: Value,
}

impl Watched {
    /// Wait until the pod has been through what these pictures show; a pod that goes another way is not waited for
    /// for ever: the comparison says how it differs.
    async fn until(&mut self, recorded: &[Facts]) {
        let wanted = course(recorded);
        let deadline = Instant::now() + PATIENCE + super::recording::LONGEST;
        let mut since = Instant::now();
        while course(&self.pictures).len() < wanted.len() || course(&self.pictures).last() != wanted.last() {
            // What comes next may take its time, but not that long without any change.
            let patience = deadline.min(since + PATIENCE);
            if !self.next(patience).await {
                return;
            }
            since = Instant::now();
        }
    }

    /// Look on for a while.
    async fn rest(&mut self, pause: Duration) {
        let deadline = Instant::now() + pause;
        while self.next(deadline).await {}
        sleep(deadline.saturating_duration_since(Instant::now())).await;
    }

    async fn next(&mut self, deadline: Instant) -> bool {
        let Ok(Some(event)) = timeout_at(deadline, self.events.recv()).await else { return false };
        let picture = facts::of(word(&event, "type"), &event["object"]);
        assert_ne!(event["type"], "ERROR", "{}: {event}", self.name);
        self.pictures.push(picture);
        self.pod = event["object"].clone();
        true
    }

    fn is_gone(&self) -> bool {
        self.pictures.last().is_some_and(|facts| facts.contains_key("gone"))
    }
}

/// Phases and containers one after the other.
fn course(pictures: &[Facts]) -> Vec<Vec<(&String, &String)>> {
    let is_told = |subject: &str| {
        matches!(subject, "phase" | "gone" | "deletion" | "condition PodScheduled")
            || subject.starts_with("container ")
    };
    let mut course: Vec<Vec<_>> =
        pictures.iter().map(|facts| facts.iter().filter(|(subject, _)| is_told(subject)).collect()).collect();
    course.dedup();
    course
}
