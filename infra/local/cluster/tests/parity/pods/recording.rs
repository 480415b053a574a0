//! How real pods moved: the recordings in `tests/fixtures/pods`.

use super::facts::{steady, word};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a recording shows after this time is left out, so that the test stays short.
pub const LONGEST: Duration = Duration::from_secs(45);
/// The watch of the recorder was faster than the answer to what it did by this much.
const WATCH_AHEAD: u64 = 30;

/// The recorder kept no more of a log.
pub const LOG_BYTES: usize = 2048;

/// One scenario.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PodRecording {
    /// Its name, for example `01-success`.
    #[serde(skip)]
    pub name: String,
    pub scenario: String,
    /// The pod as it was sent.
    pub submitted: Value,
    pub actions: Vec<Action>,
    pub snapshots: Vec<Snapshot>,
    pub events: Vec<Value>,
    /// The log of each container, or status and message of the refusal.
    pub logs: BTreeMap<String, Value>,
}

/// What the recorder did; times are milliseconds since the create was sent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub at: u64,
    pub what: String,
    #[serde(default)]
    pub body: Option<Value>,
}

/// One event of the watch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    pub at: u64,
    #[serde(rename = "type")]
    pub kind: String,
    pub pod: Value,
}

impl PodRecording {
    /// Its number, for example `01`.
    pub fn short(&self) -> &str {
        self.name.split('-').next().unwrap()
    }

    /// The name of its pod.
    pub fn pod(&self) -> &str {
        self.submitted["metadata"]["name"].as_str().unwrap()
    }

    /// The snapshots that are compared.
    pub fn compared(&self) -> impl Iterator<Item = &Snapshot> {
        self.snapshots.iter().filter(|snapshot| Duration::from_millis(snapshot.at) <= LONGEST)
    }

    /// Whether it shows more than is compared.
    pub fn is_cut(&self) -> bool {
        self.compared().count() < self.snapshots.len()
    }

    /// The recorded log of a container, or the message of the refusal.
    pub fn log(&self, container: &str) -> String {
        let recorded = &self.logs[container];
        let text = recorded.as_str().unwrap_or_else(|| word(recorded, "message"));
        steady(text, &self.snapshots[0].pod)
    }

    /// How many snapshots came before an action, and how long the recorder waited after the last of them.
    pub fn before(&self, action: &Action) -> (usize, Duration) {
        let until = action.at.saturating_sub(WATCH_AHEAD);
        let before: Vec<u64> = self.snapshots.iter().map(|one| one.at).filter(|at| *at < until).collect();
        let last = before.last().copied().unwrap_or_default();
        (before.len(), Duration::from_millis(action.at - last))
    }
}

/// All of them, by number.
pub fn all() -> Vec<PodRecording> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../tests/fixtures/pods");
    let paths = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let mut recordings: Vec<PodRecording> = paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .map(|path| {
            let mut recording: PodRecording = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            recording.name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            recording
        })
        .collect();
    recordings.sort_by_key(|recording| recording.short().parse::<u32>().unwrap());
    recordings
}
