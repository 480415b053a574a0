//! The objects, their versions, and what changed.
//!
//! Objects are JSON values, so that fields newer than any typed crate survive. Every change has a number, the
//! `resourceVersion`; the last changes are kept, older ones are compacted away as etcd does.

mod event;
mod kind;

pub use event::EventRecord;
pub use kind::Kind;

use crate::{clock, random};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{broadcast, watch};

/// Changes that are kept for watches; a real etcd keeps five minutes of them.
pub const HISTORY: usize = 4096;

/// What happened to an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verb {
    /// Created.
    Added,
    /// Changed.
    Modified,
    /// Gone.
    Deleted,
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the object is.
    pub kind: Kind,
    /// What happened.
    pub verb: Verb,
    /// The object after the change; for a deletion its last state with the version of the deletion.
    pub object: Arc<Value>,
    /// The object before the change.
    pub previous: Option<Arc<Value>>,
    /// The `resourceVersion` that this change made.
    pub version: u64,
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The name is taken.
    #[error("{} \"{name}\" already exists", kind.qualified())]
    AlreadyExists {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// There is no such object.
    #[error("{} \"{name}\" not found", kind.qualified())]
    NotFound {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
    },
    /// The object of that name is another one now.
    #[error("{} \"{name}\" has uid `{actual}` and not `{wanted}`", kind.qualified())]
    UidMismatch {
        /// What it is.
        kind: Kind,
        /// Its name.
        name: String,
        /// The uid that was asked for.
        wanted: String,
        /// The uid of the object there.
        actual: String,
    },
}

/// The version asked for is older than the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest version from which changes can still be read.
    pub oldest: u64,
}

type Key = (String, String);

struct State {
    version: u64,
    compacted: u64,
    objects: HashMap<Kind, BTreeMap<Key, Arc<Value>>>,
    history: VecDeque<Change>,
}

struct Shared {
    state: Mutex<State>,
    changes: broadcast::Sender<Change>,
    version: watch::Sender<u64>,
}

/// The objects of the cluster; clones share them.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl Default for Store {
    fn default() -> Store {
        Store::new()
    }
}

impl Store {
    /// An empty store.
    pub fn new() -> Store {
        let state = State { version: 1, compacted: 0, objects: HashMap::new(), history: VecDeque::new() };
        Store(Arc::new(Shared {
            state: Mutex::new(state),
            changes: broadcast::Sender::new(HISTORY),
            version: watch::Sender::new(1),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves whole objects behind: every change is one insertion.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of that name; the namespace is empty for kinds that have none.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        self.state().objects.get(&kind)?.get(&(namespace.into(), name.into())).cloned()
    }

    /// Every object of a kind, ordered by namespace and name, and the version of this look.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> (Vec<Arc<Value>>, u64) {
        let state = self.state();
        let objects = state.objects.get(&kind).map(|objects| match namespace {
            Some(namespace) => objects
                .range((namespace.to_owned(), String::new())..)
                .take_while(|(key, _)| key.0 == namespace)
                .map(|(_, object)| object.clone())
                .collect(),
            None => objects.values().cloned().collect(),
        });
        (objects.unwrap_or_default(), state.version)
    }

    /// Every object of a kind as it was at an earlier version.
    ///
    /// # Errors
    ///
    /// [`Compacted`] when the changes since then have been forgotten.
    pub fn list_at(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        version: u64,
    ) -> Result<Vec<Arc<Value>>, Compacted> {
        let state = self.state();
        if version < state.compacted {
            return Err(Compacted { oldest: state.compacted });
        }
        let mut objects = state.objects.get(&kind).cloned().unwrap_or_default();
        let later = state.history.iter().rev().take_while(|change| change.version > version);
        for change in later.filter(|change| change.kind == kind) {
            let key = key_of(&change.object);
            match &change.previous {
                Some(previous) => objects.insert(key, previous.clone()),
                None => objects.remove(&key),
            };
        }
        let within = |key: &Key| namespace.is_none_or(|namespace| key.0 == namespace);
        Ok(objects.into_iter().filter(|(key, _)| within(key)).map(|(_, object)| object).collect())
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.state().version
    }

    /// Store a new object under its `metadata`; it gets uid, creationTimestamp and resourceVersion.
    ///
    /// # Errors
    ///
    /// [`StoreError::AlreadyExists`] when the name is taken.
    pub fn create(&self, kind: Kind, object: Value) -> Result<Arc<Value>, StoreError> {
        let mut object = stamp(kind, object);
        let key = key_of(&object);
        let mut state = self.state();
        if state.objects.get(&kind).is_some_and(|objects| objects.contains_key(&key)) {
            return Err(StoreError::AlreadyExists { kind, name: key.1 });
        }
        Ok(self.commit(&mut state, kind, Verb::Added, key, &mut object, None))
    }

    /// Change an object; a change that changes nothing makes no version and no event.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::UidMismatch`] when `uid` is given and another one is there.
    pub fn update(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> Result<Arc<Value>, StoreError> {
        let mut state = self.state();
        let (key, previous) = find(&state, kind, namespace, name, uid)?;
        let mut object = Value::clone(&previous);
        change(&mut object);
        if object == *previous {
            return Ok(previous);
        }
        Ok(self.commit(&mut state, kind, Verb::Modified, key, &mut object, Some(previous)))
    }

    /// Remove an object for good.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], or [`StoreError::UidMismatch`] when `uid` is given and another one is there.
    pub fn remove(
        &self,
        kind: Kind,
        namespace: &str,
        name: &str,
        uid: Option<&str>,
    ) -> Result<Arc<Value>, StoreError> {
        let mut state = self.state();
        let (key, previous) = find(&state, kind, namespace, name, uid)?;
        let mut object = Value::clone(&previous);
        Ok(self.commit(&mut state, kind, Verb::Deleted, key, &mut object, Some(previous)))
    }

    /// Every change from now on. A receiver that falls behind by more than [`HISTORY`] is told so and must list again.
    pub fn subscribe(&self) -> broadcast::Receiver<Change> {
        self.0.changes.subscribe()
    }

    /// The version of the last change, as it moves.
    pub fn versions(&self) -> watch::Receiver<u64> {
        self.0.version.subscribe()
    }

    /// The changes of a kind after `version`, and the version up to which they reach.
    ///
    /// # Errors
    ///
    /// [`Compacted`] when changes after `version` have been forgotten.
    pub fn changes_since(&self, kind: Kind, version: u64) -> Result<(Vec<Change>, u64), Compacted> {
        let state = self.state();
        if version < state.compacted {
            return Err(Compacted { oldest: state.compacted });
        }
        let start = state.history.partition_point(|change| change.version <= version);
        let changes =
            state.history.iter().skip(start).filter(|change| change.kind == kind).cloned().collect();
        Ok((changes, state.version))
    }

    /// Forget the changes up to now, as etcd's compaction does: older watches and continue tokens get a 410.
    pub fn compact(&self) {
        let mut state = self.state();
        state.compacted = state.version;
        state.history.clear();
    }

    /// The oldest version from which changes can still be read.
    pub fn compacted(&self) -> u64 {
        self.state().compacted
    }

    /// Record an event about a pod: a new core/v1 Event, or one more count of the same.
    pub fn record_event(&self, pod: &Value, event: EventRecord) {
        event::record(self, pod, event);
    }

    fn commit(
        &self,
        state: &mut State,
        kind: Kind,
        verb: Verb,
        key: Key,
        object: &mut Value,
        previous: Option<Arc<Value>>,
    ) -> Arc<Value> {
        state.version += 1;
        let version = state.version;
        if let Some(metadata) = object.get_mut("metadata") {
            set(metadata, "resourceVersion", json!(version.to_string()));
        }
        let object = Arc::new(object.take());
        let objects = state.objects.entry(kind).or_default();
        match verb {
            Verb::Deleted => objects.remove(&key),
            Verb::Added | Verb::Modified => objects.insert(key, object.clone()),
        };
        let change = Change { kind, verb, object: object.clone(), previous, version };
        state.history.push_back(change.clone());
        if state.history.len() > HISTORY {
            state.compacted = state.history.pop_front().map_or(state.compacted, |oldest| oldest.version);
        }
        // Nobody listening is fine.
        let _ = self.0.changes.send(change);
        self.0.version.send_replace(version);
        object
    }
}

/// What the API server puts on a new object before it is stored: kind first, then the metadata in upstream's order.
pub fn stamp(kind: Kind, mut object: Value) -> Value {
    let mut metadata = match object.get_mut("metadata").map(Value::take) {
        Some(Value::Object(metadata)) => metadata,
        _ => Map::new(),
    };
    let mut ordered = Map::new();
    for field in ["name", "generateName", "namespace"] {
        if let Some(value) = metadata.shift_remove(field) {
            ordered.insert(field.into(), value);
        }
    }
    ordered.insert("uid".into(), json!(random::uuid()));
    ordered.insert("resourceVersion".into(), json!(""));
    if matches!(kind, Kind::Pod) {
        ordered.insert("generation".into(), json!(1));
    }
    ordered.insert("creationTimestamp".into(), json!(clock::seconds(clock::now())));
    for (field, value) in metadata {
        ordered.entry(field).or_insert(value);
    }
    let mut whole = Map::new();
    whole.insert("kind".into(), json!(kind.name()));
    whole.insert("apiVersion".into(), json!(kind.api_version()));
    whole.insert("metadata".into(), Value::Object(ordered));
    if let Value::Object(rest) = object {
        for (field, value) in rest {
            whole.entry(field).or_insert(value);
        }
    }
    Value::Object(whole)
}

/// Set a field of an object; a value that is not an object is left alone.
pub fn set(object: &mut Value, field: &str, value: Value) {
    if let Value::Object(fields) = object {
        fields.insert(field.into(), value);
    }
}

/// The text at a JSON pointer; empty when there is none.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn key_of(object: &Value) -> Key {
    (text(object, "/metadata/namespace").into(), text(object, "/metadata/name").into())
}

fn find(
    state: &State,
    kind: Kind,
    namespace: &str,
    name: &str,
    uid: Option<&str>,
) -> Result<(Key, Arc<Value>), StoreError> {
    let key = (namespace.to_owned(), name.to_owned());
    let object = state.objects.get(&kind).and_then(|objects| objects.get(&key));
    let object = object.ok_or_else(|| StoreError::NotFound { kind, name: name.into() })?.clone();
    let actual = text(&object, "/metadata/uid");
    match uid {
        Some(wanted) if wanted != actual => Err(StoreError::UidMismatch {
            kind,
            name: name.into(),
            wanted: wanted.into(),
            actual: actual.into(),
        }),
        _ => Ok((key, object)),
    }
}

#[cfg(test)]
mod tests;
