//! What of an answer is compared: status code, reason, message and details of refusals; kind, names and paging of
//! lists; kinds of events of watches; the fields of a created pod's spec; text of logs; warnings.

use crate::client::{Channels, Reply};
use crate::recording::Exchange;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fields whose keys are the user's: their contents do not count as fields.
const MAPS: [&str; 5] = ["labels", "annotations", "nodeSelector", "limits", "requests"];

/// The compared part of an answer, in the shape that the recordings have.
pub fn of(exchange: &Exchange, reply: &Reply) -> Value {
    let mut answer = Map::new();
    answer.insert("code".into(), json!(reply.code));
    let header = |name: &str| reply.headers.get(name).map(|value| value.to_str().unwrap().to_owned());
    let warnings = reply.headers.get_all("warning").iter().map(|value| value.to_str().unwrap());
    match warnings.collect::<Vec<_>>().as_slice() {
        [] => {}
        [one] => drop(answer.insert("warning".into(), json!(one))),
        several => drop(answer.insert("warning".into(), json!(several))),
    }
    if reply.code == 101 {
        answer.insert("protocol".into(), json!(header("sec-websocket-protocol").unwrap_or_default()));
        return Value::Object(answer);
    }
    let text = String::from_utf8_lossy(&reply.body);
    let is_expected = |field: &str| exchange.answer.get(field).is_some();
    if is_expected("events") {
        events(&text, &mut answer);
    } else if let Ok(body @ Value::Object(_)) = serde_json::from_str::<Value>(&text) {
        object(&body, &is_expected, &mut answer);
    } else if is_expected("text") || reply.code >= 300 && !text.is_empty() {
        answer.insert("text".into(), json!(text));
    }
    Value::Object(answer)
}

/// The compared part of an exec: the protocol, the two streams, and the status at the end.
pub fn of_exec(channels: &Channels) -> Value {
    let text = |channel: u8| channels.texts.get(&channel).cloned().unwrap_or_default();
    let protocol = channels.headers.get("sec-websocket-protocol").map(|value| value.to_str().unwrap());
    let status: Value = serde_json::from_str(&text(3)).unwrap_or_default();
    json!({"code": 101, "protocol": protocol, "stdout": text(1), "stderr": text(2), "status": status})
}

fn refusal(status: &Value, answer: &mut Map<String, Value>) {
    for field in ["reason", "message", "details"] {
        if let Some(value) = status.get(field).filter(|value| **value != json!("") && **value != json!({})) {
            answer.insert(field.into(), value.clone());
        }
    }
}

fn events(text: &str, answer: &mut Map<String, Value>) {
    let lines: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    // A refusal is no stream.
    if let Some(status) = lines.first().filter(|line| line["kind"] == "Status") {
        return refusal(status, answer);
    }
    let mut kinds: Vec<Value> = lines.iter().map(|line| line["type"].clone()).collect();
    kinds.dedup();
    answer.insert("events".into(), kinds.into());
    if let Some(first) = lines.first() {
        answer.insert("kind".into(), first["object"]["kind"].clone());
    }
    for line in lines.iter().filter(|line| line["type"] == "ERROR") {
        refusal(&line["object"], answer);
    }
}

fn object(body: &Value, is_expected: &dyn Fn(&str) -> bool, answer: &mut Map<String, Value>) {
    if body["kind"] == "Status" {
        return refusal(body, answer);
    }
    if is_expected("kind") {
        answer.insert("kind".into(), body["kind"].clone());
    }
    if is_expected("items") {
        let items = body["items"].as_array().map(Vec::as_slice).unwrap_or_default();
        answer.insert("items".into(), items.iter().map(|item| item["metadata"]["name"].clone()).collect());
    }
    if is_expected("items") || body["kind"] == "PodList" && is_expected("continue") {
        if let Some(remaining) = body["metadata"].get("remainingItemCount") {
            answer.insert("remainingItemCount".into(), remaining.clone());
        }
        if body["metadata"]["continue"].as_str().is_some_and(|token| !token.is_empty()) {
            answer.insert("continue".into(), json!(true));
        }
    }
    if is_expected("columns") {
        let columns = body["columnDefinitions"].as_array().map(Vec::as_slice).unwrap_or_default();
        answer.insert("columns".into(), columns.iter().map(|column| column["name"].clone()).collect());
    }
    if is_expected("allowed") {
        answer.insert("allowed".into(), body["status"]["allowed"].clone());
    }
    if is_expected("fields") {
        let mut fields = BTreeSet::new();
        collect_fields(&body["spec"], "spec".into(), &mut fields);
        answer.insert("fields".into(), fields.into_iter().collect());
    }
}

fn collect_fields(value: &Value, path: String, fields: &mut BTreeSet<String>) {
    match value {
        Value::Object(object) if !object.is_empty() => {
            let is_map = MAPS.iter().any(|map| path.ends_with(map));
            for (name, value) in object {
                let path = if is_map { path.clone() } else { format!("{path}.{name}") };
                collect_fields(value, path, fields);
            }
        }
        Value::Array(items) if items.iter().any(Value::is_object) => {
            for item in items {
                collect_fields(item, format!("{path}[]"), fields);
            }
        }
        _ => drop(fields.insert(path)),
    }
}
