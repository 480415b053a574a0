//! Promises that are broken on purpose, at the edge of the functions: the simulation has to notice each of them.

use bytes::Bytes;
use fixtures::memory::MemoryBucket;
use serde_json::{Value, json};
use shared::store::bucket::{Condition, Object};

/// A promise that is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutation {
    /// `result.json` is written without `If-None-Match: *`.
    ResultIsOverwritten,
    /// A record is created without `If-None-Match: *`.
    RecordIsOverwritten,
    /// A record is changed without `If-Match`.
    ChangeIsUnconditional,
    /// The pod's uid is never written into the record.
    UidIsForgotten,
    /// The cancel mark is never read.
    CancelIsIgnored,
    /// A retry keeps the number of the attempt before, and so the name of its pod.
    AttemptIsReused,
    /// An output file is said to be in the bucket before it is.
    UploadIsForgotten,
    /// `poll` moves on without handing an ended pod over.
    PollHandsNothingOver,
    /// A pod is created when a listing shows none, instead of by its name alone.
    ListThenCreate,
    /// The pod is deleted before its log and files are read.
    DeleteBeforeCollect,
    /// A pod is read from a cache that lags behind.
    StaleReads,
    /// A message is deleted when it is received, not when it was handled.
    AcknowledgedBeforeDone,
    /// The run id is made anew for each delivery.
    IdPerDelivery,
}

/// All of them.
pub const MUTATIONS: [Mutation; 13] = [
    Mutation::ResultIsOverwritten,
    Mutation::RecordIsOverwritten,
    Mutation::ChangeIsUnconditional,
    Mutation::UidIsForgotten,
    Mutation::CancelIsIgnored,
    Mutation::AttemptIsReused,
    Mutation::UploadIsForgotten,
    Mutation::PollHandsNothingOver,
    Mutation::ListThenCreate,
    Mutation::DeleteBeforeCollect,
    Mutation::StaleReads,
    Mutation::AcknowledgedBeforeDone,
    Mutation::IdPerDelivery,
];

impl Mutation {
    /// What is written instead; no bytes: nothing.
    pub fn write(
        self,
        memory: &MemoryBucket,
        key: &str,
        bytes: Bytes,
        condition: Condition,
    ) -> (Option<Bytes>, Condition) {
        let is_record = key.starts_with("active/");
        match self {
            Mutation::ResultIsOverwritten if key.ends_with("/result.json") => {
                (Some(bytes), Condition::Always)
            }
            Mutation::RecordIsOverwritten if is_record && condition == Condition::Absent => {
                (Some(bytes), Condition::Always)
            }
            Mutation::ChangeIsUnconditional if is_record && matches!(condition, Condition::Matches(_)) => {
                (Some(bytes), Condition::Always)
            }
            Mutation::UidIsForgotten if is_record => {
                (Some(changed(bytes, |record| drop(remove(record, "/attempt", "podUid")))), condition)
            }
            Mutation::AttemptIsReused if is_record => {
                let before = memory.read(key).and_then(|old| serde_json::from_slice::<Value>(&old).ok());
                let bytes = changed(bytes, |record| {
                    let Some(old) = before.as_ref().and_then(|old| old.get("attempt")) else { return };
                    if old.get("number") != record.pointer("/attempt/number")
                        && let Some(attempt) = record.get_mut("attempt").and_then(Value::as_object_mut)
                    {
                        for field in ["number", "podName"] {
                            attempt.insert(field.to_owned(), json!(old.get(field)));
                        }
                    }
                });
                (Some(bytes), condition)
            }
            _ => (Some(bytes), condition),
        }
    }

    /// What is read instead.
    pub fn read(self, key: &str, object: Object) -> Object {
        if self == Mutation::CancelIsIgnored && key.starts_with("active/") {
            let bytes = changed(object.bytes.clone(), |record| drop(remove(record, "", "cancel")));
            return Object { bytes, ..object };
        }
        object
    }
}

fn changed(bytes: Bytes, change: impl FnOnce(&mut Value)) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(&bytes) else { return bytes };
    change(&mut value);
    Bytes::from(value.to_string())
}

fn remove(record: &mut Value, pointer: &str, field: &str) -> Option<Value> {
    record.pointer_mut(pointer)?.as_object_mut()?.remove(field)
}
