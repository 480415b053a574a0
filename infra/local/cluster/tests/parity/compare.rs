//! The comparison itself.

use crate::differences::{self, DIFFERENCES};
use crate::page::{self, Row};
use crate::recording::{self, Recording};
use crate::world::World;
use serde_json::Value;
use std::collections::BTreeSet;
use tokio::task::JoinSet;

/// What is different in every cluster: beginnings after which a number or a generated word follows.
pub const VOLATILE: [&str; 6] = [
    "in record (",
    "in object meta (",
    "too old resource version: 1 (",
    ", current: ",
    "kube-api-access-",
    r#"failed to start exec \""#,
];

/// Cut numbers, UIDs and generated words that follow the volatile beginnings.
fn steady(text: &str) -> String {
    let mut steady = text.to_owned();
    for beginning in VOLATILE {
        let mut pieces = steady.split(beginning);
        let mut rest = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let is_volatile = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
            rest = format!("{rest}{beginning}…{}", piece.trim_start_matches(is_volatile));
        }
        steady = rest;
    }
    steady
}

/// The place of an exchange, for example `12/8`.
pub fn place(recording: &Recording, number: usize) -> String {
    format!("{}/{number}", recording.short())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_answer_is_given_again_or_its_difference_is_explained() {
    let mut conversations = JoinSet::new();
    for recording in recording::all() {
        conversations.spawn(async move {
            let answers = World::open().await.hold(&recording).await;
            (recording, answers)
        });
    }
    let mut held = conversations.join_all().await;
    held.sort_by(|(one, _), (other, _)| one.recording.cmp(&other.recording));
    let (mut problems, mut rows, mut places) = (Vec::new(), Vec::new(), BTreeSet::new());
    for (recording, answers) in &held {
        for (exchange, answer) in recording.exchanges.iter().zip(answers) {
            let place = place(recording, exchange.number);
            let expected = steady(&exchange.answer.to_string());
            let found = answer.as_ref().map(|answer| steady(&answer.to_string()));
            let is_same = found.as_ref().is_none_or(|found| same(found, &expected));
            match (is_same, differences::of(&place)) {
                (false, None) => problems.push(format!(
                    "{place} {}\n  recorded {expected}\n  found    {}",
                    exchange.what,
                    found.unwrap_or_default()
                )),
                (true, Some(_)) => problems.push(format!("{place} is the same; take it out of the table")),
                _ => {}
            }
            rows.push(Row { recording, exchange, answer: answer.as_ref() });
            places.insert(place);
        }
    }
    let unknown = DIFFERENCES.iter().filter(|(place, _, _)| !places.contains(*place));
    problems
        .extend(unknown.map(|(place, _, _)| format!("{place} is in the table, and not in the recordings")));
    assert!(
        problems.is_empty(),
        "{} differences that nothing explains:\n{}",
        problems.len(),
        problems.join("\n")
    );
    page::check(&rows);
}

/// Compared as JSON, so that the order of keys does not count.
fn same(one: &str, other: &str) -> bool {
    let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    read(one) == read(other)
}
