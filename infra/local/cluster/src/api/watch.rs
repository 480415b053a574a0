//! Watches: a stream of changes, one JSON object per line.

use super::Api;
use super::answer::{Answer, answer, line, streamed};
use super::attend::{Asked, accept};
use super::list::selector;
use super::selector::Selector;
use super::status::{Cause, Status};
use super::table::{Shape, Table, partial, shape};
use crate::clock;
use crate::store::{Kind, Object, Record, Store, Verb, set, text};
use bytes::{Bytes, BytesMut};
use http::StatusCode;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long a watch lives without `timeoutSeconds`; upstream's `--min-request-timeout`.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);
/// The time between bookmarks, and how long before the end the last one comes; as recorded.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
const LAST_BOOKMARK: Duration = Duration::from_secs(2);

struct Watch {
    store: Store,
    versions: tokio::sync::watch::Receiver<u64>,
    kind: Kind,
    namespace: Option<String>,
    selector: Selector,
    shape: Shape,
    table: Table,
    position: u64,
    lines: BytesMut,
    deadline: Instant,
    bookmark: Option<Instant>,
    last_bookmark: bool,
    ended: bool,
}

/// `GET` of a collection with `watch`.
pub(super) fn watch(api: &Api, asked: &Asked) -> Result<Answer, Status> {
    let from = version(asked)?;
    let initial = initial_events(asked)?;
    let selector = selector(asked)?;
    let seconds = asked.query.number("timeoutSeconds")?.and_then(|seconds| u64::try_from(seconds).ok());
    let timeout = seconds.filter(|seconds| *seconds > 0).map_or(DEFAULT_TIMEOUT, Duration::from_secs);
    let now = Instant::from_std(clock::instant());
    let bookmarks = asked.query.is_set("allowWatchBookmarks");
    let namespaced = asked.kind.is_namespaced() && !asked.target.namespace.is_empty();
    let mut watch = Watch {
        store: api.store.clone(),
        versions: api.store.versions(),
        kind: asked.kind,
        namespace: namespaced.then(|| asked.target.namespace.clone()),
        selector,
        shape: shape(accept(&asked.headers))?,
        table: Table::new(asked.kind, asked.query.text("includeObject")),
        position: 0,
        lines: BytesMut::new(),
        deadline: now + timeout,
        bookmark: bookmarks.then(|| now + BOOKMARK_EVERY),
        last_bookmark: bookmarks && timeout > LAST_BOOKMARK,
        ended: false,
    };
    match initial.unwrap_or(from == 0) {
        true => watch.existing(initial == Some(true) && bookmarks),
        false if from == 0 => watch.position = api.store.version(),
        false => watch.position = from,
    }
    let body = streamed(watch, |mut watch| async move { watch.next().await.map(|bytes| (bytes, watch)) });
    Ok(answer(StatusCode::OK, "application/json", body))
}

fn version(asked: &Asked) -> Result<u64, Status> {
    match asked.query.text("resourceVersion") {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            Status::internal(format!(
                "resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax"
            ))
        }),
    }
}

/// `sendInitialEvents`, and what upstream demands of `resourceVersionMatch` with and without it.
fn initial_events(asked: &Asked) -> Result<Option<bool>, Status> {
    let matching = asked.query.text("resourceVersionMatch");
    let initial = asked.query.get("sendInitialEvents").map(|value| value != "false");
    let message = match (initial, matching) {
        (None, "") | (Some(_), "NotOlderThan") => return Ok(initial),
        (None, _) => "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
        (Some(_), _) => "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
    };
    let cause = Cause {
        reason: "FieldValueForbidden",
        message: format!("Forbidden: {message}"),
        field: "resourceVersionMatch".into(),
    };
    Err(Status::invalid("meta.k8s.io", "ListOptions", "", &[cause]))
}

/// What a waiting watch goes on for.
enum Woken {
    Changed,
    Bookmark,
    Over,
}

impl Watch {
    /// Begin with what exists, and say where that ends if asked to.
    fn existing(&mut self, mark_end: bool) {
        let (objects, version) = self.store.objects(self.kind, self.namespace.as_deref(), None);
        for object in &objects {
            if self.selector.selects(object) {
                self.event("ADDED", object);
            }
        }
        self.position = version;
        if mark_end {
            self.bookmark(true);
        }
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if !self.lines.is_empty() {
                return Some(self.lines.split().freeze());
            }
            if self.ended {
                return None;
            }
            let last = self.deadline - LAST_BOOKMARK;
            let bookmark = match (self.bookmark, self.last_bookmark) {
                (Some(next), true) => Some(next.min(last)),
                (next, _) => next,
            };
            let position = self.position;
            let woken = tokio::select! {
                biased;
                changed = self.versions.wait_for(move |version| *version > position) => {
                    if changed.is_ok() { Woken::Changed } else { Woken::Over }
                }
                () = tokio::time::sleep_until(bookmark.unwrap_or(self.deadline)), if bookmark.is_some() => Woken::Bookmark,
                () = tokio::time::sleep_until(self.deadline) => Woken::Over,
            };
            match woken {
                Woken::Changed => self.changes(),
                Woken::Over => self.ended = true,
                Woken::Bookmark => {
                    let now = Instant::from_std(clock::instant());
                    self.bookmark(false);
                    self.bookmark = (now < last).then(|| now + BOOKMARK_EVERY);
                    self.last_bookmark = self.last_bookmark && now < last;
                }
            }
        }
    }

    fn changes(&mut self) {
        match self.store.changes_since(self.kind, self.position) {
            Ok((changes, version)) => {
                for change in changes {
                    self.change(&change);
                }
                self.position = self.position.max(version);
            }
            Err(compacted) => {
                let message = format!("too old resource version: {} ({})", self.position, compacted.oldest);
                let status = Status::expired(message).object();
                self.lines.extend_from_slice(&line(&json!({"type": "ERROR", "object": status})));
                self.ended = true;
            }
        }
    }

    /// What a change means to this watch: an object can come into its selection and go out of it.
    fn change(&mut self, change: &Record) {
        let within = |object: &Object| {
            self.namespace.as_deref().is_none_or(|namespace| object.namespace() == namespace)
                && self.selector.selects(object)
        };
        let was = change.previous.as_deref().is_some_and(within);
        let is = change.verb != Verb::Deleted && within(&change.object);
        match (was, is) {
            (false, false) => {}
            (false, true) => self.event("ADDED", &change.object),
            (true, true) => self.event("MODIFIED", &change.object),
            (true, false) if change.verb == Verb::Deleted => self.event("DELETED", &change.object),
            (true, false) => {
                // The last state that this watch has seen, with the version of the change.
                let Some(previous) = &change.previous else { return };
                let mut gone = Value::clone(&previous.value());
                if let Some(metadata) = gone.get_mut("metadata") {
                    set(metadata, "resourceVersion", json!(change.version.to_string()));
                }
                self.shaped("DELETED", &Arc::new(gone));
            }
        }
    }

    fn event(&mut self, kind: &str, object: &Object) {
        if self.shape != Shape::Object {
            return self.shaped(kind, &object.value());
        }
        // The text is there already, and the same for every watch.
        for part in ["{\"type\":\"", kind, "\",\"object\":", object.json(), "}\n"] {
            self.lines.extend_from_slice(part.as_bytes());
        }
    }

    fn shaped(&mut self, kind: &str, object: &Arc<Value>) {
        let object = match self.shape {
            Shape::Object => Value::clone(object),
            Shape::Partial => partial(object),
            Shape::Table => {
                let metadata = json!({"resourceVersion": text(object, "/metadata/resourceVersion")});
                self.table.whole(std::slice::from_ref(object), metadata)
            }
        };
        self.lines.extend_from_slice(&line(&json!({"type": kind, "object": object})));
    }

    fn bookmark(&mut self, initial_events_end: bool) {
        let mut metadata = json!({"resourceVersion": self.position.to_string()});
        if initial_events_end {
            set(&mut metadata, "annotations", json!({"k8s.io/initial-events-end": "true"}));
        }
        let mut object =
            json!({"kind": self.kind.name(), "apiVersion": self.kind.api_version(), "metadata": metadata});
        if self.kind == Kind::Pod {
            set(&mut object, "spec", json!({"containers": null}));
            set(&mut object, "status", json!({}));
        }
        if matches!(self.shape, Shape::Table) {
            object = self.table.whole(&[], metadata_of(&object));
        }
        self.lines.extend_from_slice(&line(&json!({"type": "BOOKMARK", "object": object})));
    }
}

fn metadata_of(object: &Value) -> Value {
    object.get("metadata").cloned().unwrap_or(Value::Null)
}
