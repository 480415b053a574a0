//! `taskCache`: a run whose task and inputs are those of an earlier one ends with the earlier one's outputs.

use serde::{Deserialize, Serialize};

use super::catalogue::TASK_CACHE;
use super::fields::Fields;

/// An earlier success may stand for the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskCache {
    /// A success older than this does not count (`ttl`); without it none is too old.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl_seconds: Option<u64>,
}

/// The cache that the task asks for; `None` when it asks for none.
pub(crate) fn read(task: &Fields<'_>) -> Option<TaskCache> {
    let fields = task.nested("taskCache")?;
    fields.only(&TASK_CACHE);
    if fields.value("enabled").is_none() {
        fields.place.wrong("has no `enabled`; say true or false");
    }
    let ttl_seconds = super::task::positive(&fields, "ttl");
    fields.flag("enabled").unwrap_or(false).then_some(TaskCache { ttl_seconds })
}
