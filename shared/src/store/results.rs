//! Results: `runs/<run-id>/result.json`, written once. Its existence means that the run has ended.

use bytes::Bytes;
use jiff::Timestamp;

use super::bucket::{Bucket, BucketError, Condition};
use super::{format, keys};
use crate::run::result::RunResult;

/// A result and when it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The result.
    pub result: RunResult,
    /// When, by the bucket's clock.
    pub at: Timestamp,
}

/// Write the result of a run unless it has one. The answer is the result that counts: the first one.
///
/// # Errors
/// The bucket's.
pub async fn write_once(bucket: &dyn Bucket, result: RunResult) -> Result<RunResult, BucketError> {
    let key = keys::result(&result.run_id);
    let bytes = serde_json::to_vec_pretty(&result).map_err(|source| BucketError::Malformed {
        key: key.clone(),
        expected: "a result",
        source,
    })?;
    match bucket.put(&key, Bytes::from(bytes), Condition::Absent).await {
        Ok(_) => Ok(result),
        Err(error) if error.is_precondition_failed() => match read(bucket, &result.run_id).await? {
            Some(first) => Ok(first.result),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

/// The result of a run, if it has ended.
///
/// # Errors
/// The bucket's, except that a missing result is `None`.
pub async fn read(bucket: &dyn Bucket, run_id: &str) -> Result<Option<Written>, BucketError> {
    let key = keys::result(run_id);
    match bucket.get(&key).await {
        Ok(object) => {
            let result = format::read(&key, &object.bytes)?;
            Ok(Some(Written { result, at: object.modified }))
        }
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
