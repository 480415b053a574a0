//! The objects, their versions, and what changed.
//!
//! Objects are JSON, so that fields newer than any typed crate survive; see [`Object`] for how they are kept. Every change
//! has a number, the `resourceVersion`; the last changes are kept, older ones are compacted away as etcd does.

mod event;
mod kind;
mod object;
mod subscription;

pub use event::EventRecord;
pub use kind::Kind;
pub use object::Object;
pub use subscription::Subscription;

use crate::{clock, random};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Changes that are kept for watches: about 50 MiB of pods. A real API server keeps 75 seconds of them, and as many in
/// the busiest of seconds would be too much for a desk.
pub const HISTORY: usize = 16_384;
/// Parsed objects that are kept for whoever looks at the last changes.
const RECENT: usize = 256;
/// How long an event lives after it was last counted; upstream's `--event-ttl`.
const EVENT_LIFE: SignedDuration = SignedDuration::from_hours(1);

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

/// One change of one object, for those who follow.
#[derive(Clone, Debug)]
pub struct Change {
    /// What the object is.
    pub kind: Kind,
    /// What happened.
    pub verb: Verb,
    /// The object after the change; for a deletion its last state with the version of the deletion.
    pub object: Arc<Value>,
    /// The `resourceVersion` that this change made.
    pub version: u64,
}

/// One change as the history keeps it.
#[derive(Clone, Debug)]
pub struct Record {
    /// What the object is.
    pub kind: Kind,
    /// What happened.
    pub verb: Verb,
    /// The object after the change; for a deletion its last state with the version of the deletion.
    pub object: Arc<Object>,
    /// The object before the change.
    pub previous: Option<Arc<Object>>,
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

/// Namespace and name.
pub type Key = (String, String);

struct State {
    version: u64,
    compacted: u64,
    objects: HashMap<Kind, BTreeMap<Key, Arc<Object>>>,
    history: VecDeque<Record>,
    recent: VecDeque<Arc<Value>>,
    /// When events were counted, in order, and the version that this made.
    events: VecDeque<(Timestamp, Key, u64)>,
}

struct Shared {
    state: Mutex<State>,
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
        let state = State {
            version: 1,
            compacted: 0,
            objects: HashMap::new(),
            history: VecDeque::new(),
            recent: VecDeque::new(),
            events: VecDeque::new(),
        };
        Store(Arc::new(Shared { state: Mutex::new(state), version: watch::Sender::new(1) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves whole objects behind: every change is one insertion.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The object of that name; the namespace is empty for kinds that have none.
    pub fn get(&self, kind: Kind, namespace: &str, name: &str) -> Option<Arc<Value>> {
        let found = self.state().objects.get(&kind)?.get(&(namespace.into(), name.into())).cloned();
        found.map(|object| object.value())
    }

    /// Every object of a kind, ordered by namespace and name, and the version of this look.
    pub fn list(&self, kind: Kind, namespace: Option<&str>) -> (Vec<Arc<Value>>, u64) {
        let (objects, version) = self.objects(kind, namespace, None);
        (objects.iter().map(|object| object.value()).collect(), version)
    }

    /// The objects of a kind after a key, unparsed, and the version of this look.
    pub fn objects(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        after: Option<&Key>,
    ) -> (Vec<Arc<Object>>, u64) {
        let state = self.state();
        (range(&state, kind, namespace, after).map(|(_, object)| object.clone()).collect(), state.version)
    }

    /// The objects of a kind in a namespace whose names begin so.
    pub fn named(&self, kind: Kind, namespace: &str, prefix: &str) -> Vec<Arc<Object>> {
        let state = self.state();
        let after = (namespace.to_owned(), prefix.to_owned());
        let named = range(&state, kind, Some(namespace), Some(&after));
        named.take_while(|(key, _)| key.1.starts_with(prefix)).map(|(_, object)| object.clone()).collect()
    }

    /// The objects of a kind after a key as they were at an earlier version.
    ///
    /// # Errors
    ///
    /// [`Compacted`] when the changes since then have been forgotten.
    pub fn objects_at(
        &self,
        kind: Kind,
        namespace: Option<&str>,
        after: Option<&Key>,
        version: u64,
    ) -> Result<Vec<Arc<Object>>, Compacted> {
        let state = self.state();
        if version < state.compacted {
            return Err(Compacted { oldest: state.compacted });
        }
        // What was there instead of what is there now, by the oldest change since then.
        let mut then: BTreeMap<Key, Option<Arc<Object>>> = BTreeMap::new();
        let later = state.history.iter().rev().take_while(|record| record.version > version);
        for record in later.filter(|record| record.kind == kind) {
            then.insert(record.object.key(), record.previous.clone());
        }
        let is_meant = |key: &Key| {
            namespace.is_none_or(|namespace| key.0 == namespace) && after.is_none_or(|after| key > after)
        };
        then.retain(|key, _| is_meant(key));
        let mut objects = Vec::new();
        let mut changed = then.into_iter().peekable();
        for (key, object) in range(&state, kind, namespace, after) {
            while let Some((_, previous)) = changed.next_if(|(other, _)| other < key) {
                objects.extend(previous);
            }
            match changed.next_if(|(other, _)| other == key) {
                Some((_, previous)) => objects.extend(previous),
                None => objects.push(object.clone()),
            }
        }
        objects.extend(changed.filter_map(|(_, previous)| previous));
        Ok(objects)
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
        let before = previous.value();
        let mut object = Value::clone(&before);
        change(&mut object);
        if object == *before {
            return Ok(before);
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
        let before = previous.value();
        let mut object = Value::clone(&before);
        Ok(self.commit(&mut state, kind, Verb::Deleted, key, &mut object, Some(previous)))
    }

    /// Every change from now on. Who falls behind the history is told so and must list again.
    pub fn subscribe(&self) -> Subscription {
        Subscription::new(self.clone())
    }

    fn records_since(&self, version: u64, most: usize) -> Result<Vec<Record>, Compacted> {
        let state = self.state();
        if version < state.compacted {
            return Err(Compacted { oldest: state.compacted });
        }
        let start = state.history.partition_point(|record| record.version <= version);
        Ok(state.history.iter().skip(start).take(most).cloned().collect())
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
    pub fn changes_since(&self, kind: Kind, version: u64) -> Result<(Vec<Record>, u64), Compacted> {
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

    /// Remove the events that were last counted too long ago.
    pub fn expire_events(&self, now: Timestamp) {
        let mut state = self.state();
        while let Some((_, key, version)) =
            state.events.pop_front_if(|(counted, _, _)| now.duration_since(*counted) >= EVENT_LIFE)
        {
            let there = state.objects.get(&Kind::Event).and_then(|events| events.get(&key)).cloned();
            // One that was counted again has a later entry.
            if let Some(event) = there.filter(|event| event.version() == version) {
                let mut object = Value::clone(&event.value());
                self.commit(&mut state, Kind::Event, Verb::Deleted, key, &mut object, Some(event));
            }
        }
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
        previous: Option<Arc<Object>>,
    ) -> Arc<Value> {
        state.version += 1;
        let version = state.version;
        if let Some(metadata) = object.get_mut("metadata") {
            set(metadata, "resourceVersion", json!(version.to_string()));
        }
        let value = Arc::new(object.take());
        let object = Arc::new(Object::new(kind, version, &value));
        let objects = state.objects.entry(kind).or_default();
        match verb {
            Verb::Deleted => objects.remove(&key),
            Verb::Added | Verb::Modified => objects.insert(key.clone(), object.clone()),
        };
        if kind == Kind::Event && verb != Verb::Deleted {
            state.events.push_back((clock::now(), key, version));
        }
        state.history.push_back(Record { kind, verb, object, previous, version });
        if state.history.len() > HISTORY {
            state.compacted = state.history.pop_front().map_or(state.compacted, |oldest| oldest.version);
        }
        state.recent.push_back(value.clone());
        if state.recent.len() > RECENT {
            state.recent.pop_front();
        }
        self.0.version.send_replace(version);
        value
    }
}

/// The objects of a kind after a key, in order.
fn range<'a>(
    state: &'a State,
    kind: Kind,
    namespace: Option<&'a str>,
    after: Option<&Key>,
) -> impl Iterator<Item = (&'a Key, &'a Arc<Object>)> {
    let first = (namespace.unwrap_or_default().to_owned(), String::new());
    let from = match after {
        Some(after) if *after >= first => Bound::Excluded(after.clone()),
        _ => Bound::Included(first),
    };
    let objects =
        state.objects.get(&kind).into_iter().flat_map(move |all| all.range((from.clone(), Bound::Unbounded)));
    objects.take_while(move |(key, _)| namespace.is_none_or(|namespace| key.0 == namespace))
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
) -> Result<(Key, Arc<Object>), StoreError> {
    let key = (namespace.to_owned(), name.to_owned());
    let object = state.objects.get(&kind).and_then(|objects| objects.get(&key));
    let object = object.ok_or_else(|| StoreError::NotFound { kind, name: name.into() })?.clone();
    match uid {
        Some(wanted) if wanted != object.uid() => Err(StoreError::UidMismatch {
            kind,
            name: name.into(),
            wanted: wanted.into(),
            actual: object.uid().into(),
        }),
        _ => Ok((key, object)),
    }
}

#[cfg(test)]
mod tests;
