//! Whose pod it is.

use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::labels::{ATTEMPT, GROUP, KEEP, RUN_ID, SUBMISSION_HASH};

/// What ties a pod to an attempt of a run; stands in the pod's annotations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PodIdentity<'a> {
    /// The run.
    pub run_id: &'a str,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Hex SHA-256 of the submission's bytes.
    pub submission_hash: &'a str,
    /// Fingerprint of the cluster connection.
    pub group: &'a str,
}

impl PodIdentity<'_> {
    pub(super) fn annotations(&self) -> Value {
        json!({
            RUN_ID: self.run_id,
            ATTEMPT: self.attempt.to_string(),
            SUBMISSION_HASH: self.submission_hash,
            GROUP: self.group,
        })
    }
}

/// The pod stays after its run.
pub fn is_kept(pod: &Pod) -> bool {
    pod.metadata.annotations.as_ref().is_some_and(|annotations| annotations.contains_key(KEEP))
}

/// The identity in a pod's annotations; `None` when the pod is not one of Longshore's.
pub fn identity_of(pod: &Pod) -> Option<PodIdentity<'_>> {
    let annotations = pod.metadata.annotations.as_ref()?;
    let text = |key: &str| annotations.get(key).map(String::as_str);
    Some(PodIdentity {
        run_id: text(RUN_ID)?,
        attempt: text(ATTEMPT)?.parse().ok()?,
        submission_hash: text(SUBMISSION_HASH)?,
        group: text(GROUP)?,
    })
}
