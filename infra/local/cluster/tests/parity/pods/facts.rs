//! A pod as facts that can be compared: what differs from run to run is taken out.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What is not compared, because every cluster and every run has its own; `docs/PARITY.md` says so.
pub const VOLATILE: [&str; 10] = [
    "times",
    "uids",
    "addresses",
    "container ids",
    "image ids",
    "resource versions",
    "generations",
    "the name of the node",
    "the resolver that was asked",
    "counts of events",
];

/// The name of the node, as recorded and here.
pub const NODES: [&str; 2] = ["node-1", "longshore-node"];

/// How the recorded node said which resolver it had asked; nothing is resolved here.
const RESOLVER: &str = " on 169.254.169.253:53";

/// Names of images that stand for ones that are not there: in the recording, and as they are sent here.
pub const STAND_INS: [(&str, &str); 1] = [("no-such-image", "does-not-exist")];

/// What is seen of a pod at one time: subjects such as `phase`, `condition Ready` or `container main`, each as text.
pub type Facts = BTreeMap<String, String>;

/// The facts of a pod as an event of a watch shows it.
pub fn of(kind: &str, pod: &Value) -> Facts {
    let mut facts = Facts::new();
    let mut put = |subject: String, fact: String| {
        if !fact.is_empty() {
            facts.insert(subject, steady(&fact, pod));
        }
    };
    let status = &pod["status"];
    put("phase".into(), words(status, &["phase"]));
    put("cause".into(), words(status, &["reason", "message"]));
    let grace = &pod["metadata"]["deletionGracePeriodSeconds"];
    put("deletion".into(), grace.as_u64().map(|grace| format!("grace {grace}")).unwrap_or_default());
    put("finalizers".into(), list(&pod["metadata"]["finalizers"]).map(Value::to_string).collect());
    if kind == "DELETED" {
        put("gone".into(), "yes".into());
    }
    for condition in list(&status["conditions"]) {
        let subject = format!("condition {}", word(condition, "type"));
        put(subject, words(condition, &["status", "reason", "message"]));
    }
    for field in ["initContainerStatuses", "containerStatuses"] {
        for container in list(&status[field]) {
            put(format!("container {}", word(container, "name")), container_fact(container));
        }
    }
    facts
}

fn container_fact(container: &Value) -> String {
    let mut fact = state(&container["state"]);
    for (field, name) in [("ready", "ready"), ("started", "started")] {
        if container[field] == true {
            fact = format!("{fact}, {name}");
        }
    }
    match container["restartCount"].as_u64() {
        Some(0) | None => {}
        Some(count) => fact = format!("{fact}, restarts {count}"),
    }
    let last = state(&container["lastState"]);
    if last.is_empty() { fact } else { format!("{fact}, last {last}") }
}

fn state(state: &Value) -> String {
    let Some((kind, detail)) = state.as_object().and_then(|state| state.iter().next()) else {
        return String::new();
    };
    let code = detail["exitCode"].as_i64().map(|code| format!(" {code}")).unwrap_or_default();
    // The beginning of 1970 and an end without a beginning are facts, other times are not.
    let never = if detail["startedAt"] == "1970-01-01T00:00:00Z" { " never started" } else { "" };
    format!("{kind}{code}{never} {}", words(detail, &["reason", "message"])).trim_end().to_owned()
}

/// An event of a pod as one line.
pub fn of_event(event: &Value, field_path: &str, pod: &Value) -> String {
    let place = if field_path.is_empty() { String::new() } else { format!(" [{field_path}]") };
    let text =
        format!("{} {}{place}: {}", word(event, "type"), word(event, "reason"), word(event, "message"));
    steady(&text, pod)
}

/// Text without what is volatile.
pub fn steady(text: &str, pod: &Value) -> String {
    let uid = word(&pod["metadata"], "uid");
    let mut text = if uid.is_empty() { text.to_owned() } else { text.replace(uid, "{uid}") };
    for node in NODES {
        text = text.replace(node, "{node}");
    }
    text = text.replace(RESOLVER, "");
    for (recorded, here) in STAND_INS {
        text = text.replace(here, recorded);
    }
    text
}

pub fn word<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

fn words(object: &Value, fields: &[&str]) -> String {
    fields
        .iter()
        .map(|field| word(object, field))
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

pub fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The values that a subject had one after the other, each with the number of the snapshot that first shows it.
pub fn track<'a>(pictures: &'a [Facts], subject: &str) -> Vec<(usize, &'a str)> {
    let mut track: Vec<(usize, &str)> = Vec::new();
    for (number, facts) in pictures.iter().enumerate() {
        let value = facts.get(subject).map_or("", String::as_str);
        if track.last().is_none_or(|(_, last)| *last != value) {
            track.push((number, value));
        }
    }
    track
}

/// Every subject of some pictures.
pub fn subjects(pictures: &[Facts]) -> BTreeSet<String> {
    pictures.iter().flat_map(BTreeMap::keys).cloned().collect()
}
