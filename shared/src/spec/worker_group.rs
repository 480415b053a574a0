//! `workerGroup`: which cluster a run goes to, by a key, and what becomes of it when that cluster cannot be reached.

use serde::{Deserialize, Serialize};

use super::catalogue::WORKER_GROUP;
use super::fields::Fields;

/// Most characters of a key: the key of a record and the group of a queue's message have it in them.
const MOST_CHARACTERS: usize = 63;

/// What a key and a cluster's name may be.
pub(crate) const ACCEPTED_KEY: &str =
    "1 to 63 of A-Z a-z 0-9 . _ -, beginning and ending with a letter or digit";

/// What becomes of a run whose cluster is not known or cannot be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Fallback {
    /// It fails.
    Fail,
    /// It waits, however long, and uses nothing up.
    Wait,
    /// It is cancelled.
    Cancel,
}

impl Fallback {
    /// The words for them, as Kestra writes them.
    pub const WORDS: &[&str] = &["FAIL", "WAIT", "CANCEL"];

    fn of(word: &str) -> Option<Self> {
        match word {
            "FAIL" => Some(Fallback::Fail),
            "WAIT" => Some(Fallback::Wait),
            "CANCEL" => Some(Fallback::Cancel),
            _ => None,
        }
    }
}

/// What a task says of its cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerGroup {
    /// Name of a cluster in `config/clusters.yaml`, or one of its `workerGroups`.
    pub key: String,
    /// What becomes of the run when the cluster is not known or cannot be reached.
    pub fallback: Option<Fallback>,
}

/// The worker group of a task.
pub(crate) fn read(task: &Fields<'_>) -> Option<WorkerGroup> {
    let fields = task.nested("workerGroup")?;
    fields.only(&WORKER_GROUP);
    let fallback = fallback(&fields);
    let key = fields.required_text("key")?;
    if !fields.place.is_open(&key) && !is_key(&key) {
        fields.place.at("key").refuse(&key.as_str().into(), "is no key of a worker group", ACCEPTED_KEY);
        return None;
    }
    Some(WorkerGroup { key, fallback })
}

/// `fallback` of a worker group or a cluster.
pub(crate) fn fallback(fields: &Fields<'_>) -> Option<Fallback> {
    let word = fields.text("fallback").filter(|word| !fields.place.is_open(word))?;
    let found = Fallback::of(&word);
    if found.is_none() {
        let place = fields.place.at("fallback");
        place.refuse(&word.as_str().into(), "is no fallback", Fallback::WORDS.join(", "));
    }
    found
}

/// The text can be a key or the name of a cluster.
pub(crate) fn is_key(text: &str) -> bool {
    text.len() <= MOST_CHARACTERS && super::read::is_run_id(text)
}
