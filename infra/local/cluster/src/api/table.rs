//! The shapes in which an object can be asked for, and Tables: the columns that `kubectl get` prints.

use super::pod_row;
use super::status::Status;
use crate::clock;
use crate::store::{Kind, text};
use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

/// How an object is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// As it is.
    Object,
    /// Metadata only.
    Partial,
    /// Rows and columns.
    Table,
}

/// The first shape of an `Accept` header that can be served.
///
/// # Errors
///
/// 406 when there is none; upstream also serves YAML and protobuf.
pub(super) fn shape(accept: &str) -> Result<Shape, Status> {
    if accept.is_empty() {
        return Ok(Shape::Object);
    }
    for entry in accept.split(',') {
        let mut parts = entry.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        if !matches!(media, "application/json" | "application/*" | "*/*") {
            continue;
        }
        let shape = parts.find_map(|part| part.strip_prefix("as="));
        match shape {
            None => return Ok(Shape::Object),
            Some("Table") => return Ok(Shape::Table),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => return Ok(Shape::Partial),
            Some(_) => {}
        }
    }
    let message = "406: Not Acceptable\n\nAvailable representations: application/json";
    let mut status = Status::new(StatusCode::NOT_ACCEPTABLE, "NotAcceptable", message);
    status.details = Some(Box::new(json!({})));
    Err(status)
}

/// The metadata of an object as an object of its own.
pub(super) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object.get("metadata")})
}

/// Makes Tables; the columns are described in the first one only, as watches do.
pub(super) struct Table {
    kind: Kind,
    include: Include,
    described: bool,
}

enum Include {
    Metadata,
    Object,
    Nothing,
}

/// A column: name, and whether it is shown without `-o wide`.
type Column = (&'static str, bool);

impl Table {
    /// Tables of a kind; `include` is the parameter `includeObject`: `None`, `Metadata` (default) or `Object`.
    pub fn new(kind: Kind, include: &str) -> Table {
        let include = match include {
            "None" => Include::Nothing,
            "Object" => Include::Object,
            _ => Include::Metadata,
        };
        Table { kind, include, described: false }
    }

    /// A Table of these objects.
    pub fn whole(&mut self, objects: &[Arc<Value>], metadata: Value) -> Value {
        let now = clock::now();
        let columns = columns(self.kind);
        let definitions: Vec<Value> = columns
            .iter()
            .map(|(name, shown)| {
                let format = if *name == "Name" { "name" } else { "" };
                let priority = u8::from(!shown);
                json!({"name": name, "type": "string", "format": format, "description": "", "priority": priority})
            })
            .collect();
        let definitions = if self.described { Value::Null } else { Value::Array(definitions) };
        self.described = true;
        let rows: Vec<Value> = objects.iter().map(|object| self.row(object, now)).collect();
        json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
               "columnDefinitions": definitions, "rows": rows})
    }

    fn row(&self, object: &Arc<Value>, now: Timestamp) -> Value {
        let mut row = json!({"cells": cells(self.kind, object, now)});
        if self.kind == Kind::Pod
            && let Some(conditions) = pod_row::conditions(object)
        {
            crate::store::set(&mut row, "conditions", conditions);
        }
        match self.include {
            Include::Metadata => crate::store::set(&mut row, "object", partial(object)),
            Include::Object => crate::store::set(&mut row, "object", Value::clone(object)),
            Include::Nothing => {}
        }
        row
    }
}

fn columns(kind: Kind) -> &'static [Column] {
    match kind {
        Kind::Pod => &[
            ("Name", true),
            ("Ready", true),
            ("Status", true),
            ("Restarts", true),
            ("Age", true),
            ("IP", false),
            ("Node", false),
            ("Nominated Node", false),
            ("Readiness Gates", false),
        ],
        Kind::Event => &[
            ("Last Seen", true),
            ("Type", true),
            ("Reason", true),
            ("Object", true),
            ("Subobject", false),
            ("Source", false),
            ("Message", true),
            ("First Seen", false),
            ("Count", false),
            ("Name", false),
        ],
        Kind::Namespace => &[("Name", true), ("Status", true), ("Age", true)],
        Kind::Node => &[("Name", true), ("Status", true), ("Roles", true), ("Age", true), ("Version", true)],
        Kind::Secret => &[("Name", true), ("Type", true), ("Data", true), ("Age", true)],
        Kind::ConfigMap => &[("Name", true), ("Data", true), ("Age", true)],
        Kind::ServiceAccount => &[("Name", true), ("Secrets", true), ("Age", true)],
        Kind::Role => &[("Name", true), ("Created At", true)],
        Kind::RoleBinding => &[("Name", true), ("Role", true), ("Age", true)],
    }
}

fn cells(kind: Kind, object: &Value, now: Timestamp) -> Vec<Value> {
    let name = json!(text(object, "/metadata/name"));
    let age = json!(since(text(object, "/metadata/creationTimestamp"), now));
    let entries = || json!(object.get("data").and_then(Value::as_object).map_or(0, serde_json::Map::len));
    match kind {
        Kind::Pod => pod_row::cells(object, now),
        Kind::Event => event_cells(object, now),
        Kind::Namespace => vec![name, json!(text(object, "/status/phase")), age],
        Kind::Node => {
            vec![
                name,
                json!("Ready"),
                json!("<none>"),
                age,
                json!(text(object, "/status/nodeInfo/kubeletVersion")),
            ]
        }
        Kind::Secret => vec![name, json!(text(object, "/type")), entries(), age],
        Kind::ConfigMap => vec![name, entries(), age],
        Kind::ServiceAccount => vec![name, json!(0), age],
        Kind::Role => vec![name, json!(text(object, "/metadata/creationTimestamp"))],
        Kind::RoleBinding => {
            let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
            vec![name, json!(role), age]
        }
    }
}

fn event_cells(event: &Value, now: Timestamp) -> Vec<Value> {
    let first = [text(event, "/firstTimestamp"), text(event, "/eventTime")];
    let first = first.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
    let last = match text(event, "/lastTimestamp") {
        "" => first,
        last => last,
    };
    let count = event.get("count").and_then(Value::as_u64).unwrap_or(1);
    let seen = if count > 1 {
        format!("{} (x{count} over {})", since(last, now), since(first, now))
    } else {
        since(last, now)
    };
    let object = format!(
        "{}/{}",
        text(event, "/involvedObject/kind").to_lowercase(),
        text(event, "/involvedObject/name")
    );
    let source = match (text(event, "/source/component"), text(event, "/source/host")) {
        ("", _) => format!("{}, {}", text(event, "/reportingComponent"), text(event, "/reportingInstance")),
        (component, "") => component.to_owned(),
        (component, host) => format!("{component}, {host}"),
    };
    vec![
        json!(seen),
        json!(text(event, "/type")),
        json!(text(event, "/reason")),
        json!(object),
        json!(text(event, "/involvedObject/fieldPath")),
        json!(source),
        json!(text(event, "/message").trim()),
        json!(since(first, now)),
        json!(count),
        json!(text(event, "/metadata/name")),
    ]
}

/// How long ago a time was, as kubectl prints it; `<unknown>` without a time.
pub(super) fn since(time: &str, now: Timestamp) -> String {
    time.parse::<Timestamp>().map_or("<unknown>".into(), |time| human(now.duration_since(time).as_secs()))
}

/// `k8s.io/apimachinery/pkg/util/duration.HumanDuration`.
fn human(seconds: i64) -> String {
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    let two = |big: i64, unit: char, small: i64, letter: char| {
        if small == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{small}{letter}") }
    };
    match seconds {
        ..=-2 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        120..600 => two(minutes, 'm', seconds % 60, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => two(hours, 'h', minutes % 60, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => two(hours / 24, 'd', hours % 24, 'h'),
        691_200..63_072_000 => format!("{}d", hours / 24),
        _ => two(hours / 24 / 365, 'y', hours / 24 % 365, 'd'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_written_as_kubectl_prints_them() {
        for (seconds, text) in [
            (0, "0s"),
            (119, "119s"),
            (120, "2m"),
            (285, "4m45s"),
            (3600, "60m"),
            (10_860, "3h1m"),
            (172_800, "2d"),
        ] {
            assert_eq!(human(seconds), text);
        }
    }

    #[test]
    fn the_first_shape_that_can_be_served_wins() {
        for (accept, expected) in [
            ("", Shape::Object),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Shape::Table),
            ("application/vnd.kubernetes.protobuf,application/json", Shape::Object),
            ("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io", Shape::Partial),
            ("application/json, */*", Shape::Object),
        ] {
            assert_eq!(shape(accept).unwrap(), expected, "{accept}");
        }
        assert_eq!(shape("text/html").unwrap_err().code, 406);
    }
}
