//! Runs that wait for a free place in their cluster: `waiting/<group>/<namespace>/<rank>-<accepted>-<run-id>`, empty objects whose order is that of the
//! runs' turns. A mark is only a reason to look: what the run is stands in its record.

use bytes::Bytes;
use jiff::Timestamp;

use super::bucket::{Bucket, BucketError, Condition, list_all};
use super::keys;
use crate::run::record::Record;

/// The highest priority; ranks are counted down from it, so that the first in order is the first in turn.
const HIGHEST: i32 = 1000;

/// The mark of a waiting run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark {
    /// Rank by priority and time of acceptance, as text that sorts.
    pub rank: String,
    /// The run.
    pub run_id: String,
    /// Its Kubernetes namespace.
    pub namespace: String,
}

impl Mark {
    /// The mark of a run.
    pub fn of(record: &Record, namespace: &str) -> Self {
        Mark {
            rank: rank(record.plan.priority, record.accepted_at),
            run_id: record.run_id.clone(),
            namespace: namespace.to_owned(),
        }
    }

    /// Its key.
    pub fn key(&self, group: &str) -> String {
        format!("{}{}/{}-{}", keys::waiting(group), self.namespace, self.rank, self.run_id)
    }

    fn parse(key: &str, group: &str) -> Option<Self> {
        let (namespace, name) = key.strip_prefix(&keys::waiting(group))?.split_once('/')?;
        let (priority, rest) = name.split_once('-')?;
        let (accepted, run_id) = rest.split_once('-')?;
        Some(Mark {
            rank: format!("{priority}-{accepted}"),
            run_id: run_id.to_owned(),
            namespace: namespace.to_owned(),
        })
    }
}

fn rank(priority: i32, accepted_at: Timestamp) -> String {
    let rank = HIGHEST.saturating_sub(priority).clamp(0, 2 * HIGHEST);
    format!("{rank:04}-{:015}", accepted_at.max(Timestamp::UNIX_EPOCH).as_millisecond())
}

/// Let a run wait for its turn; twice is as good as once.
///
/// # Errors
/// The bucket's.
pub async fn add(bucket: &dyn Bucket, group: &str, mark: &Mark) -> Result<(), BucketError> {
    bucket.put(&mark.key(group), Bytes::new(), Condition::Always).await.map(drop)
}

/// The run waits no more.
///
/// # Errors
/// The bucket's.
pub async fn remove(bucket: &dyn Bucket, group: &str, mark: &Mark) -> Result<(), BucketError> {
    bucket.delete(&mark.key(group)).await
}

/// Namespaces in which runs wait.
///
/// # Errors
/// The bucket's.
pub async fn namespaces(bucket: &dyn Bucket, group: &str) -> Result<Vec<String>, BucketError> {
    bucket.folders(&keys::waiting(group)).await
}

/// The first `most` in a namespace, in the order of their turns.
///
/// # Errors
/// The bucket's.
pub async fn first(
    bucket: &dyn Bucket,
    group: &str,
    namespace: &str,
    most: u32,
) -> Result<Vec<Mark>, BucketError> {
    let prefix = format!("{}{namespace}/", keys::waiting(group));
    let listed = bucket.list(&prefix, None, most).await?;
    Ok(listed.iter().filter_map(|object| Mark::parse(&object.key, group)).collect())
}

/// Everybody who waits.
///
/// # Errors
/// The bucket's.
pub async fn all(bucket: &dyn Bucket, group: &str) -> Result<Vec<Mark>, BucketError> {
    let listed = list_all(bucket, &keys::waiting(group)).await?;
    Ok(listed.iter().filter_map(|object| Mark::parse(&object.key, group)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_sort_by_priority_and_then_by_acceptance() {
        let mark = |priority: i32, accepted: &str, run_id: &str| {
            let rank = rank(priority, accepted.parse().unwrap());
            Mark { rank, run_id: run_id.to_owned(), namespace: "team".to_owned() }.key("g")
        };
        let sorted = [
            mark(1000, "2026-11-21T09:00:00Z", "z"),
            mark(5, "2026-11-21T08:00:00Z", "y"),
            mark(0, "2026-11-21T08:00:00.001Z", "x-1"),
            mark(0, "2026-11-21T08:00:00.002Z", "a"),
            mark(-1000, "2026-11-20T08:00:00Z", "b"),
        ];
        assert!(sorted.is_sorted(), "{sorted:?}");
        let read = Mark::parse(&sorted[2], "g").unwrap();
        assert_eq!((read.run_id.as_str(), read.namespace.as_str()), ("x-1", "team"));
        assert_eq!(read.key("g"), sorted[2]);
    }
}
