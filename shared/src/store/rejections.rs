//! Submissions that could not be read: `rejected/<source-id>.json`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::bucket::{Bucket, BucketError, Condition};
use super::keys;
use crate::files::secrets;
use crate::spec::problem::Problem;

/// What is kept of a submission that was rejected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rejection {
    /// Version of this format: 1.
    pub format_version: u32,
    /// Where it came from: `sqs:<message id>`, `invoke:<request id>`, or the object's `s3://` address.
    pub source: String,
    /// When it was looked at.
    pub rejected_at: Timestamp,
    /// The run id it asked for, where one could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Everything that is wrong with it.
    pub problems: Vec<Problem>,
    /// What was sent, without what may be secret: a tree where it could be read, else text.
    pub body: Value,
}

impl Rejection {
    /// What was sent, as it may be kept, and what is wrong with it. It asked for no run id.
    pub fn new(source: &str, rejected_at: Timestamp, problems: &[Problem], sent: &[u8]) -> Self {
        let body = secrets::whole(sent);
        let (source, problems) = (source.to_owned(), problems.to_vec());
        Rejection { format_version: 1, source, rejected_at, run_id: None, problems, body }
    }
}

/// Keep a rejection; a second delivery of the same submission changes nothing.
///
/// # Errors
/// The bucket's.
pub async fn write(bucket: &dyn Bucket, source_id: &str, rejection: &Rejection) -> Result<(), BucketError> {
    let key = keys::rejected(source_id);
    let bytes = serde_json::to_vec_pretty(rejection).map_err(|source| BucketError::Malformed {
        key: key.clone(),
        expected: "a rejection",
        source,
    })?;
    match bucket.put(&key, Bytes::from(bytes), Condition::Absent).await {
        Err(error) if error.is_precondition_failed() => Ok(()),
        other => other.map(drop),
    }
}
