//! An object that was uploaded, as an event of S3 tells of it.

use serde::{Deserialize, Serialize};

/// One upload. Two uploads of one key differ in version, or in etag and sequencer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Upload {
    /// Bucket.
    pub bucket: String,
    /// Key, as it is: never URL-encoded.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Etag without quotes; empty when the event has none.
    pub e_tag: String,
    /// Version, in a bucket with versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// Orders the events of one key; empty when the event has none.
    pub sequencer: String,
    /// When it happened, as the event says it (RFC 3339).
    pub time: String,
}

impl Upload {
    /// `s3://bucket/key`
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// What follows the last `/` of the key.
    pub fn name(&self) -> &str {
        self.key.rsplit('/').next().unwrap_or_default()
    }
}
