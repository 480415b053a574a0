//! Executions of state machines whose runs are to end: `cancelled/<execution>.json`. The mark is there for runs that are not accepted yet.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, BucketError, Condition};
use super::keys;

/// The end of an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Mark {
    /// Version of this format: 1.
    pub format_version: u32,
    /// ARN of the execution.
    pub execution_id: String,
    /// When it was asked for.
    pub at: Timestamp,
    /// Why, in words.
    pub reason: String,
}

/// Leave a mark; of several the first stays.
///
/// # Errors
/// The bucket's.
pub async fn mark(bucket: &dyn Bucket, mark: &Mark) -> Result<(), BucketError> {
    let key = keys::cancelled(&mark.execution_id);
    let bytes = serde_json::to_vec(mark).map_err(|source| BucketError::Malformed {
        key: key.clone(),
        expected: "the mark of an execution",
        source,
    })?;
    match bucket.put(&key, Bytes::from(bytes), Condition::Absent).await {
        Err(error) if error.is_precondition_failed() => Ok(()),
        other => other.map(drop),
    }
}

/// The mark of an execution, if there is one.
///
/// # Errors
/// The bucket's, except that a missing mark is `None`.
pub async fn mark_of(bucket: &dyn Bucket, execution_id: &str) -> Result<Option<Mark>, BucketError> {
    let key = keys::cancelled(execution_id);
    match bucket.get(&key).await {
        Ok(object) => serde_json::from_slice(&object.bytes)
            .map(Some)
            .map_err(|source| BucketError::Malformed { key, expected: "the mark of an execution", source }),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
