//! Where the last watch of a namespace stopped: `cursors/<group>/<namespace>.json`.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::bucket::{Bucket, BucketError, Condition};
use super::keys;

/// What one poll leaves for the next. Losing it costs a listing, nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Cursor {
    /// Version of this format: 1.
    pub format_version: u32,
    /// The last resourceVersion whose effects are done; empty means: list first.
    #[serde(default)]
    pub resource_version: String,
    /// When pods and records of the group were last compared as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconciled_at: Option<Timestamp>,
    /// The group had so few runs then that whoever compared them relied on the next poll to do so too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub was_small: bool,
}

/// The cursor of a namespace; a missing or unreadable one is an empty one.
///
/// # Errors
/// The bucket's.
pub async fn load(bucket: &dyn Bucket, group: &str, namespace: &str) -> Result<Cursor, BucketError> {
    match bucket.get(&keys::cursor(group, namespace)).await {
        Ok(object) => Ok(serde_json::from_slice(&object.bytes).unwrap_or_default()),
        Err(error) if error.is_not_found() => Ok(Cursor::default()),
        Err(error) => Err(error),
    }
}

/// When the cluster was last heard: its pods in a namespace were compared with the records. `None`: not since the cursor is there.
///
/// # Errors
/// The bucket's.
pub async fn heard_at(
    bucket: &dyn Bucket,
    group: &str,
    namespace: &str,
) -> Result<Option<Timestamp>, BucketError> {
    Ok(load(bucket, group, namespace).await?.reconciled_at)
}

/// Keep a cursor. Polls of a group run one at a time, so the last one wins.
///
/// # Errors
/// The bucket's.
pub async fn save(
    bucket: &dyn Bucket,
    group: &str,
    namespace: &str,
    cursor: &Cursor,
) -> Result<(), BucketError> {
    let key = keys::cursor(group, namespace);
    let bytes = serde_json::to_vec(cursor).map_err(|source| BucketError::Malformed {
        key: key.clone(),
        expected: "a cursor",
        source,
    })?;
    bucket.put(&key, Bytes::from(bytes), Condition::Always).await.map(drop)
}

/// Make a namespace known to the group's polls; one that is known stays as it is.
///
/// # Errors
/// The bucket's.
pub async fn announce(bucket: &dyn Bucket, group: &str, namespace: &str) -> Result<(), BucketError> {
    match bucket
        .put(&keys::cursor(group, namespace), Bytes::from_static(b"{\"formatVersion\":1}"), Condition::Absent)
        .await
    {
        Err(error) if error.is_precondition_failed() => Ok(()),
        other => other.map(drop),
    }
}

/// The namespaces of a group that have a cursor.
///
/// # Errors
/// The bucket's.
pub async fn namespaces(bucket: &dyn Bucket, group: &str) -> Result<Vec<String>, BucketError> {
    let listed = super::bucket::list_all(bucket, &keys::cursors(group)).await?;
    Ok(listed.iter().filter_map(|object| keys::parse_cursor(&object.key, group)).map(str::to_owned).collect())
}
