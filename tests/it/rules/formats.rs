//! What an older version wrote is read by this one: an example of every format and version that ever was.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use shared::run::record::{self, Record};
use shared::run::result::{self, RunResult};
use shared::store::cursors::Cursor;
use shared::store::executions::Mark;
use shared::store::rejections::Rejection;

use super::tree;

fn example<T: DeserializeOwned + Serialize>(name: &str) -> T {
    let text = tree::read(&format!("tests/fixtures/formats/{name}"));
    let written: Value = serde_json::from_str(&text).unwrap();
    let read: T = serde_json::from_value(written.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
    // Nothing of it may be lost: what was read says the same when it is written again.
    let again = serde_json::to_value(&read).unwrap();
    let kept = pointers(&written, "");
    let lost: Vec<_> = kept.iter().filter(|(at, value)| again.pointer(at) != Some(*value)).collect();
    assert!(lost.is_empty(), "{name}: {lost:#?}");
    read
}

/// Every leaf and where it is.
fn pointers<'a>(value: &'a Value, at: &str) -> Vec<(String, &'a Value)> {
    let key = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    match value {
        Value::Object(object) if !object.is_empty() => {
            object.iter().flat_map(|(name, inner)| pointers(inner, &key(name))).collect()
        }
        Value::Array(items) if !items.is_empty() => items
            .iter()
            .enumerate()
            .flat_map(|(index, inner)| pointers(inner, &key(&index.to_string())))
            .collect(),
        leaf => vec![(at.to_owned(), leaf)],
    }
}

#[test]
fn a_record_of_version_1_is_read() {
    let record: Record = example("record-1.json");
    assert_eq!(record.format_version, 1);
    assert!(record.has_pod() && record.cancel.is_some() && record.ending.is_some());
    assert_eq!(
        (record.answers.len(), record.unanswered().count(), record.heartbeat_seconds),
        (2, 0, Some(300))
    );
    assert!(record.collection.is_some() && record.not_before.is_some() && !record.past.is_empty());
}

#[test]
fn a_result_of_version_1_is_read() {
    let result: RunResult = example("result-1.json");
    assert_eq!(result.format_version, 1);
    assert!(result.state.is_terminal() && result.diagnosis.is_some());
    assert!(!result.output_files.is_empty() && !result.logs.is_empty() && !result.outputs.is_empty());
}

#[test]
fn a_cursor_of_version_1_is_read() {
    let cursor: Cursor = example("cursor-1.json");
    assert_eq!((cursor.format_version, cursor.reconciled_at.is_some()), (1, true));
    assert!(!cursor.resource_version.is_empty());
}

#[test]
fn a_rejection_of_version_1_is_read() {
    let rejection: Rejection = example("rejection-1.json");
    assert_eq!((rejection.format_version, rejection.run_id.as_deref()), (1, Some("nightly-17")));
    assert!(!rejection.problems.is_empty());
}

#[test]
fn the_mark_of_an_execution_of_version_1_is_read() {
    let mark: Mark = example("mark-1.json");
    assert_eq!((mark.format_version, mark.reason.is_empty()), (1, false));
}

#[test]
fn every_version_that_is_written_has_its_example() {
    for (name, version) in [("record", record::FORMAT_VERSION), ("result", result::FORMAT_VERSION)] {
        for version in 1..=version {
            assert!(!tree::read(&format!("tests/fixtures/formats/{name}-{version}.json")).is_empty());
        }
    }
}
