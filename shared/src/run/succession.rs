//! `behavior: CREATE_NEW_EXECUTION`: a run that failed ends, and a new one takes over.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::record::Record;
use crate::spec::answer::Asked;
use crate::spec::label::hex;
use crate::spec::submission::Submission;

/// Characters of the first run's id that its successors keep, so that theirs are ids too (at most 128 characters).
const KEPT: usize = 100;

/// Which run this one follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Lineage {
    /// The run before.
    pub predecessor: String,
    /// The first of them all.
    pub origin: String,
    /// When that one was accepted: `maxDuration` counts from there.
    pub began_at: Timestamp,
    /// The how-manieth run this is, from 2.
    pub number: u32,
}

/// What a successor is made from: the submission, so that its templates are rendered with its own id.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Original {
    /// The task document.
    pub document: Value,
    /// Values for `{{ inputs.… }}`.
    #[serde(default)]
    pub inputs: Map<String, Value>,
    /// Values for `{{ trigger.… }}`.
    #[serde(default)]
    pub trigger: Map<String, Value>,
}

/// The document may hold a connection, as it was written.
impl fmt::Debug for Original {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("[a submission]")
    }
}

impl Original {
    /// What is kept of a submission.
    pub fn of(submission: &Submission) -> Self {
        Original {
            document: submission.document.clone(),
            inputs: submission.inputs.clone(),
            trigger: submission.trigger.clone(),
        }
    }

    /// The submission of a run with that id.
    pub fn submission(&self, run_id: &str) -> Submission {
        Submission {
            run_id: Some(run_id.to_owned()),
            document: self.document.clone(),
            inputs: self.inputs.clone(),
            trigger: self.trigger.clone(),
            pointer_base: String::new(),
            asked: Asked::default(),
            origin: None,
            priority: None,
        }
    }
}

impl Record {
    /// Where the next run in line stands.
    pub fn next_in_line(&self) -> Lineage {
        let (origin, began_at, number) = match &self.lineage {
            Some(lineage) => (lineage.origin.clone(), lineage.began_at, lineage.number),
            None => (self.run_id.clone(), self.accepted_at, 1),
        };
        Lineage { predecessor: self.run_id.clone(), origin, began_at, number: number.saturating_add(1) }
    }

    /// When the first run in line was accepted.
    pub fn began_at(&self) -> Timestamp {
        self.lineage.as_ref().map_or(self.accepted_at, |lineage| lineage.began_at)
    }
}

impl Lineage {
    /// The id of the run that stands here, the same each time it is asked for: `nightly.2-1f0c9a3b7e`.
    pub fn run_id(&self) -> String {
        let digest = Sha256::digest(format!("{}\0{}", self.origin, self.number));
        // run ids are ASCII
        let kept: String = self.origin.chars().take(KEPT).collect();
        format!("{kept}.{}-{}", self.number, hex(&digest, 10))
    }
}
