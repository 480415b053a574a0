//! Successes that stand for other runs (`taskCache`): `cache/<key>.json`.

use bytes::Bytes;

use super::bucket::{Bucket, BucketError, Condition};
use super::keys;
use crate::run::cached::CacheEntry;

/// The success under a key; one that cannot be read counts as none.
///
/// # Errors
/// The bucket's.
pub async fn load(bucket: &dyn Bucket, key: &str) -> Result<Option<CacheEntry>, BucketError> {
    Ok(read(bucket, key).await?.and_then(|(entry, _)| entry))
}

/// Keep a success under a key, unless a newer one is there. Of two that are offered at the same time one stays, and either is as good.
///
/// # Errors
/// The bucket's.
pub async fn offer(bucket: &dyn Bucket, key: &str, entry: &CacheEntry) -> Result<(), BucketError> {
    let condition = match read(bucket, key).await? {
        Some((Some(known), _)) if known.ended_at >= entry.ended_at => return Ok(()),
        Some((_, etag)) => Condition::Matches(etag),
        None => Condition::Absent,
    };
    let key = keys::cached(key);
    let bytes = serde_json::to_vec(entry).map_err(|source| BucketError::Malformed {
        key: key.clone(),
        expected: "a cache entry",
        source,
    })?;
    match bucket.put(&key, Bytes::from(bytes), condition).await {
        // Somebody was faster, or the entry went just now: the next success is kept.
        Err(error) if error.is_precondition_failed() || error.is_not_found() => Ok(()),
        other => other.map(drop),
    }
}

async fn read(bucket: &dyn Bucket, key: &str) -> Result<Option<(Option<CacheEntry>, String)>, BucketError> {
    match bucket.get(&keys::cached(key)).await {
        Ok(object) => Ok(Some((serde_json::from_slice(&object.bytes).ok(), object.etag))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}
