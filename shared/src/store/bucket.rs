//! What the rooms need of an object store: small whole objects with conditional writes, and listings.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::allowed::Refusal;

/// An object that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// For a later conditional write.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
}

/// Size and version of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Bytes.
    pub size: u64,
    /// Tells one content from another.
    pub etag: String,
}

/// What is known of an object without reading it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key.
    pub key: String,
    /// Bytes.
    pub size: u64,
    /// Changes with the bytes.
    pub etag: String,
    /// When it was written.
    pub modified: Timestamp,
}

/// Under which condition an object is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Whatever is there.
    Always,
    /// Only if there is none (`If-None-Match: *`).
    Absent,
    /// Only if it is still this one (`If-Match`).
    Matches(String),
}

/// Why the bucket did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum BucketError {
    /// There is no such object.
    #[error("there is no object `{key}` in bucket `{bucket}`")]
    NotFound {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
    },
    /// The condition of a write does not hold (412): read the object, it may be one's own.
    #[error("the condition on object `{key}` does not hold")]
    PreconditionFailed {
        /// Key.
        key: String,
    },
    /// Another conditional write is under way (409): try again.
    #[error("another write of object `{key}` is under way")]
    Conflict {
        /// Key.
        key: String,
    },
    /// Reading or writing is not allowed.
    #[error("the function may not {operation} `{key}` in bucket `{bucket}`; its role must allow it")]
    Forbidden {
        /// `read`, `write`, `delete`, `list`.
        operation: &'static str,
        /// Bucket.
        bucket: String,
        /// Key or prefix.
        key: String,
    },
    /// A task, a rule or a connection may not name the object; it was not asked for.
    #[error("`s3://{bucket}/{key}` may not be used")]
    Refused {
        /// Bucket.
        bucket: String,
        /// Key.
        key: String,
        /// Why not.
        #[source]
        source: Refusal,
    },
    /// The object is not what it should be.
    #[error("object `{key}` cannot be read as {expected}")]
    Malformed {
        /// Key.
        key: String,
        /// What was expected.
        expected: &'static str,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
    /// The object is of a newer version of Longshore, as while a deployment is changed or after one was taken back.
    #[error(
        "object `{key}` is {expected} of format version {version}, which only a newer version of Longshore reads"
    )]
    Newer {
        /// Key.
        key: String,
        /// What it is.
        expected: &'static str,
        /// Its version.
        version: u32,
    },
    /// Everything else: network, throttling, 5xx.
    #[error("could not {operation} `{key}` in bucket `{bucket}`")]
    Service {
        /// `read`, `write`, `delete`, `list`.
        operation: &'static str,
        /// Bucket.
        bucket: String,
        /// Key or prefix.
        key: String,
        /// The client's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl BucketError {
    /// No such object (or bucket).
    pub fn is_not_found(&self) -> bool {
        matches!(self, BucketError::NotFound { .. })
    }

    /// It will not be read later either: there is none, or it may not be had.
    pub fn is_out_of_reach(&self) -> bool {
        matches!(
            self,
            BucketError::NotFound { .. } | BucketError::Forbidden { .. } | BucketError::Refused { .. }
        )
    }

    /// The object is there and says nothing that could be understood: a matter of this object alone.
    pub fn is_unreadable(&self) -> bool {
        matches!(self, BucketError::Malformed { .. } | BucketError::Newer { .. })
    }

    /// 412.
    pub fn is_precondition_failed(&self) -> bool {
        matches!(self, BucketError::PreconditionFailed { .. })
    }

    /// 409.
    pub fn is_conflict(&self) -> bool {
        matches!(self, BucketError::Conflict { .. })
    }
}

/// The object store. Keys are as they are, never URL-encoded.
pub trait Bucket: Send + Sync {
    /// Read one object.
    fn get<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<Object, BucketError>>;
    /// Write one object; the answer is its etag. A 409 is tried again a few times before it is reported.
    fn put<'a>(
        &'a self,
        key: &'a str,
        bytes: Bytes,
        condition: Condition,
    ) -> BoxFuture<'a, Result<String, BucketError>>;
    /// Delete one object; one that is not there is fine.
    fn delete<'a>(&'a self, key: &'a str) -> BoxFuture<'a, Result<(), BucketError>>;
    /// Objects below a prefix in key order, at most `limit`, after `after`.
    fn list<'a>(
        &'a self,
        prefix: &'a str,
        after: Option<&'a str>,
        limit: u32,
    ) -> BoxFuture<'a, Result<Vec<Listed>, BucketError>>;
    /// The next path segments below a prefix: `active/` gives the groups.
    fn folders<'a>(&'a self, prefix: &'a str) -> BoxFuture<'a, Result<Vec<String>, BucketError>>;
    /// Name of the bucket.
    fn name(&self) -> &str;
}

/// Every object below a prefix, page by page.
///
/// # Errors
/// As [`Bucket::list`].
pub async fn list_all(bucket: &dyn Bucket, prefix: &str) -> Result<Vec<Listed>, BucketError> {
    const PAGE: u32 = 1000;
    let mut all: Vec<Listed> = Vec::new();
    loop {
        let after = all.last().map(|listed| listed.key.clone());
        let page = bucket.list(prefix, after.as_deref(), PAGE).await?;
        let last = page.len() < PAGE as usize;
        all.extend(page);
        if last {
            return Ok(all);
        }
    }
}
