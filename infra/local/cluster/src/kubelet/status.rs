//! The status of a pod as the API shows it.

use super::container::{Container, Ended, Role, State};
use super::image;
use super::phase::Phase;
use crate::clock;
use crate::container::Identity;
use crate::store::text;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Pods share the network of this machine.
pub const ADDRESS: &str = "127.0.0.1";

/// Everything about a pod that its status is made of.
#[derive(Clone, Debug)]
pub struct Picture<'a> {
    /// The containers in the order of starting.
    pub containers: &'a [Container],
    /// The phase to show.
    pub phase: Phase,
    /// The phase that the containers make; the conditions follow it and not `phase`.
    pub computed: Phase,
    /// Reason and message, for example of a deadline.
    pub cause: Option<(&'a str, &'a str)>,
    /// When the kubelet first saw the pod.
    pub start_time: Timestamp,
    /// Volumes are there and nothing was torn down yet.
    pub is_set_up: bool,
    /// Show an address: a container was at least tried.
    pub has_address: bool,
    /// User and group for containers that name none.
    pub identity: fn(&Value, &Value) -> Identity,
}

/// The new `status`, with what others wrote into the old one kept.
pub fn render(pod: &Value, picture: &Picture) -> Value {
    let old = pod.get("status").cloned().unwrap_or_else(|| json!({}));
    let generation = pod.pointer("/metadata/generation").cloned().unwrap_or(json!(1));
    let mut status = Map::new();
    status.insert("observedGeneration".into(), generation.clone());
    status.insert("phase".into(), json!(picture.phase.name()));
    status.insert("conditions".into(), conditions(&old, &generation, picture));
    if let Some((reason, message)) = picture.cause {
        status.insert("message".into(), json!(message));
        status.insert("reason".into(), json!(reason));
    }
    status.insert("hostIP".into(), json!(ADDRESS));
    status.insert("hostIPs".into(), json!([{"ip": ADDRESS}]));
    if picture.has_address {
        status.insert("podIP".into(), json!(ADDRESS));
        status.insert("podIPs".into(), json!([{"ip": ADDRESS}]));
    }
    status.insert("startTime".into(), json!(clock::seconds(picture.start_time)));
    let statuses = |is_listed: fn(Role) -> bool| -> Vec<Value> {
        let listed = picture.containers.iter().filter(|container| is_listed(container.role));
        listed.map(|container| container_status(pod, container, picture)).collect()
    };
    let inits = statuses(|role| role != Role::Main);
    if !inits.is_empty() {
        status.insert("initContainerStatuses".into(), json!(inits));
    }
    status.insert("containerStatuses".into(), json!(statuses(|role| role == Role::Main)));
    if let Some(class) = old.get("qosClass") {
        status.insert("qosClass".into(), class.clone());
    }
    status.insert("resources".into(), json!({}));
    for (field, value) in old.as_object().into_iter().flatten() {
        // What others write, for example `nominatedNodeName`.
        if !matches!(field.as_str(), "reason" | "message" | "podIP" | "podIPs") {
            status.entry(field.clone()).or_insert_with(|| value.clone());
        }
    }
    Value::Object(status)
}

fn conditions(old: &Value, generation: &Value, picture: &Picture) -> Value {
    let old = old.get("conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let now = clock::seconds(clock::now());
    let own = [
        ("PodReadyToStartContainers", (picture.is_set_up, "", String::new())),
        ("Initialized", initialized(picture)),
        ("Ready", ready(picture)),
        ("ContainersReady", ready(picture)),
    ];
    let before = |kind: &str| old.iter().find(|condition| text(condition, "/type") == kind);
    let is_own = |condition: &&Value| own.iter().any(|(kind, _)| *kind == text(condition, "/type"));
    let is_scheduled = |condition: &&Value| text(condition, "/type") == "PodScheduled";
    let mut all: Vec<Value> =
        old.iter().filter(|other| !is_own(other) && !is_scheduled(other)).cloned().collect();
    for (kind, (is_true, reason, message)) in &own {
        let status = if *is_true { "True" } else { "False" };
        let since = before(kind)
            .filter(|condition| text(condition, "/status") == status)
            .map_or(now.as_str(), |condition| text(condition, "/lastTransitionTime"));
        let mut condition = json!({
            "type": kind, "observedGeneration": generation, "status": status,
            "lastProbeTime": null, "lastTransitionTime": since,
        });
        for (field, value) in [("reason", *reason), ("message", message.as_str())] {
            if !value.is_empty() {
                crate::store::set(&mut condition, field, json!(value));
            }
        }
        all.push(condition);
    }
    for scheduled in old.iter().filter(is_scheduled) {
        all.push(json!({
            "type": "PodScheduled", "observedGeneration": generation, "status": text(scheduled, "/status"),
            "lastProbeTime": null, "lastTransitionTime": text(scheduled, "/lastTransitionTime"),
        }));
    }
    json!(all)
}

type Condition = (bool, &'static str, String);

fn initialized(picture: &Picture) -> Condition {
    if picture.computed == Phase::Succeeded {
        return (true, "PodCompleted", String::new());
    }
    let main_was_started =
        picture.containers.iter().any(|container| container.role == Role::Main && container.id.is_some());
    let incomplete = names(picture, |container| match container.role {
        Role::Main => false,
        Role::Init => !container.has_succeeded(),
        Role::Sidecar => !main_was_started && !container.has_been_started,
    });
    match incomplete {
        None => (true, "", String::new()),
        Some(names) => {
            (false, "ContainersNotInitialized", format!("containers with incomplete status: {names}"))
        }
    }
}

fn ready(picture: &Picture) -> Condition {
    match picture.computed {
        Phase::Succeeded => return (false, "PodCompleted", String::new()),
        Phase::Failed => return (false, "PodFailed", String::new()),
        Phase::Pending | Phase::Running => {}
    }
    match names(picture, |container| container.role != Role::Init && !container.is_ready()) {
        None => (true, "", String::new()),
        Some(names) => (false, "ContainersNotReady", format!("containers with unready status: {names}")),
    }
}

fn names(picture: &Picture, is_meant: impl Fn(&Container) -> bool) -> Option<String> {
    let names: Vec<&str> =
        picture.containers.iter().filter(|container| is_meant(container)).map(Container::name).collect();
    (!names.is_empty()).then(|| format!("[{}]", names.join(" ")))
}

fn container_status(pod: &Value, container: &Container, picture: &Picture) -> Value {
    let mut status = Map::new();
    status.insert("name".into(), json!(container.name()));
    status.insert("state".into(), state(container.shown()));
    let last = container.last.as_ref().map(|ended| json!({"terminated": terminated(ended)}));
    status.insert("lastState".into(), last.unwrap_or_else(|| json!({})));
    let is_ready = match container.role {
        Role::Init => container.has_succeeded(),
        Role::Sidecar | Role::Main => container.is_ready(),
    };
    status.insert("ready".into(), json!(is_ready));
    status.insert("restartCount".into(), json!(container.restarts));
    let name = text(&container.spec, "/image");
    match &container.id {
        None => {
            status.insert("image".into(), json!(name));
            status.insert("imageID".into(), json!(""));
        }
        Some(id) => {
            status.insert("image".into(), json!(image::full_name(name)));
            status.insert("imageID".into(), json!(image::digest(name)));
            status.insert("containerID".into(), json!(format!("containerd://{id}")));
        }
    }
    let has_started = container.is_running() && (container.role == Role::Init || container.has_started);
    status.insert("started".into(), json!(has_started));
    if container.id.is_some() {
        let resources = container.spec.get("resources").cloned().unwrap_or_else(|| json!({}));
        if let Some(requests) = resources.get("requests") {
            status.insert("allocatedResources".into(), requests.clone());
        }
        status.insert("resources".into(), resources);
    }
    let mounts = container.spec.get("volumeMounts").and_then(Value::as_array);
    if let Some(mounts) = mounts.filter(|mounts| !mounts.is_empty()) {
        status.insert("volumeMounts".into(), mounts.iter().map(mount_status).collect());
    }
    if container.id.is_some() {
        let identity = (picture.identity)(pod, &container.spec);
        let linux =
            json!({"uid": identity.user, "gid": identity.group, "supplementalGroups": [identity.group]});
        status.insert("user".into(), json!({"linux": linux}));
    }
    Value::Object(status)
}

fn mount_status(mount: &Value) -> Value {
    let mut status = json!({"name": text(mount, "/name"), "mountPath": text(mount, "/mountPath")});
    if mount.get("readOnly").and_then(Value::as_bool) == Some(true) {
        crate::store::set(&mut status, "readOnly", json!(true));
        crate::store::set(&mut status, "recursiveReadOnly", json!("Disabled"));
    }
    status
}

fn state(state: &State) -> Value {
    match state {
        State::Waiting { reason, message: None } => json!({"waiting": {"reason": reason}}),
        State::Waiting { reason, message: Some(message) } => {
            json!({"waiting": {"reason": reason, "message": message}})
        }
        State::Running { started_at, .. } => json!({"running": {"startedAt": clock::seconds(*started_at)}}),
        State::Terminated(ended) => json!({"terminated": terminated(ended)}),
    }
}

fn terminated(ended: &Ended) -> Value {
    let mut value = json!({"exitCode": ended.exit_code, "reason": ended.reason});
    if let Some(message) = &ended.message {
        crate::store::set(&mut value, "message", json!(message));
    }
    crate::store::set(&mut value, "startedAt", json!(ended.started_at.map(clock::seconds)));
    crate::store::set(&mut value, "finishedAt", json!(ended.finished_at.map(clock::seconds)));
    if let Some(id) = &ended.id {
        crate::store::set(&mut value, "containerID", json!(format!("containerd://{id}")));
    }
    value
}
