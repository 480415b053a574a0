//! Records of active runs: created once, changed only where nobody else has.

use bytes::Bytes;

use super::bucket::{Bucket, BucketError, Condition};
use super::{format, keys};
use crate::run::record::Record;

/// A record and the etag it was read with.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// The record.
    pub record: Record,
    /// Needed to change it.
    pub etag: String,
}

/// What became of an attempt to create a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Created {
    /// It is new.
    New(Stored),
    /// There was one already (maybe written by this very call, whose answer was lost).
    Existing(Stored),
}

/// Create the record of a run.
///
/// # Errors
/// The bucket's, except that an existing record is an answer and not an error.
pub async fn create(bucket: &dyn Bucket, record: Record) -> Result<Created, BucketError> {
    let key = keys::record(&record.group, &record.run_id);
    match bucket.put(&key, encode(&key, &record)?, Condition::Absent).await {
        Ok(etag) => Ok(Created::New(Stored { record, etag })),
        Err(error) if error.is_precondition_failed() => {
            let stored = load(bucket, &record.group, &record.run_id).await?;
            // One instance takes several messages of a batch at the same time.
            let own = stored.record.writer == record.writer
                && stored.record.accepted_at == record.accepted_at
                && stored.record.source == record.source;
            Ok(if own { Created::New(stored) } else { Created::Existing(stored) })
        }
        Err(error) => Err(error),
    }
}

/// Read the record of a run.
///
/// # Errors
/// `NotFound` when the run is not active (any more), `Newer` when a newer version of Longshore wrote it.
pub async fn load(bucket: &dyn Bucket, group: &str, run_id: &str) -> Result<Stored, BucketError> {
    let key = keys::record(group, run_id);
    let object = bucket.get(&key).await?;
    Ok(Stored { record: format::read(&key, &object.bytes)?, etag: object.etag })
}

/// The record of a run, in whichever group it is; `None` when the run is not active.
///
/// # Errors
/// The bucket's.
pub async fn find(bucket: &dyn Bucket, run_id: &str) -> Result<Option<Stored>, BucketError> {
    for group in bucket.folders(keys::ACTIVE).await? {
        match load(bucket, &group, run_id).await {
            Ok(stored) => return Ok(Some(stored)),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Change a record. `change` sees the newest version and may be called again when somebody else was faster; it answers `false` when there is
/// nothing to change after all. The answer is the record as it then stands.
///
/// # Errors
/// `NotFound` when the run is gone, which is an answer to most callers; the bucket's others.
pub async fn change(
    bucket: &dyn Bucket,
    mut stored: Stored,
    mut change: impl FnMut(&mut Record) -> bool,
) -> Result<Stored, BucketError> {
    let key = keys::record(&stored.record.group, &stored.record.run_id);
    loop {
        let mut record = stored.record.clone();
        if !change(&mut record) {
            return Ok(stored);
        }
        match bucket.put(&key, encode(&key, &record)?, Condition::Matches(stored.etag.clone())).await {
            Ok(etag) => return Ok(Stored { record, etag }),
            Err(error) if error.is_precondition_failed() => {
                stored = load(bucket, &stored.record.group, &stored.record.run_id).await?;
                if stored.record == record {
                    return Ok(stored);
                }
            }
            Err(error) => return Err(error),
        }
    }
}

fn encode(key: &str, record: &Record) -> Result<Bytes, BucketError> {
    serde_json::to_vec(record).map(Bytes::from).map_err(|source| BucketError::Malformed {
        key: key.to_owned(),
        expected: "a run's record",
        source,
    })
}
