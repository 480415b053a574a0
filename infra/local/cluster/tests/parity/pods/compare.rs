//! The comparison of a recorded pod with a played one.
//!
//! A real kubelet writes several changes at once when it is busy, and one change in several steps when it is not. So
//! what is compared is what each subject (the phase, a condition, a container) was one after the other, and that no
//! two changes come in the opposite order.

use super::differences::{self, Verdict};
use super::facts::{Facts, subjects, track};
use super::page::{self, Row};
use super::play::{self, Played, World};
use super::recording::{self, LOG_BYTES, PodRecording};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::slice;

/// Subjects that differ, each with how.
pub type Found = BTreeMap<String, String>;

/// How often a pod that went another way is played again by itself: some recordings turn on a second more or less,
/// which a busy machine with every pod on it cannot keep.
const AGAIN: usize = 2;

/// Every recording that can be played is played on one cluster, all at the same time; what differs is played again
/// alone, and a difference that stays needs an explanation.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_recorded_pod_moves_again_as_recorded_or_its_difference_is_explained() {
    let (played, left_out): (Vec<_>, Vec<_>) =
        recording::all().into_iter().partition(|one| differences::not_played(one.short()).is_none());
    assert_eq!(played.len() + left_out.len(), 88, "recordings were added or lost");
    let mut problems = play_at_once(&played).await;
    for _ in 0..AGAIN {
        for (recording, problems) in played.iter().zip(&mut problems).filter(|(_, found)| !found.is_empty()) {
            *problems = play_at_once(slice::from_ref(recording)).await.remove(0);
        }
    }
    let problems = problems.concat();
    assert!(problems.is_empty(), "{} unexplained:\n{}", problems.len(), problems.join("\n"));
    let mut table: Vec<Row> = played.iter().map(|recording| Row { recording, is_played: true }).collect();
    table.extend(left_out.iter().map(|recording| Row { recording, is_played: false }));
    table.sort_by_key(|row| row.recording.short().parse::<u32>().unwrap());
    page::check(&table);
}

/// Play them on a cluster of their own; what nobody explained of each.
async fn play_at_once(recordings: &[PodRecording]) -> Vec<Vec<String>> {
    let world = World::open().await;
    let plays = recordings.iter().map(|recording| play::play(&world, recording));
    let played = join_all(plays).await;
    world.close().await;
    let pairs = recordings.iter().zip(&played);
    pairs.map(|(recording, played)| unexplained(recording, &compare(recording, played))).collect()
}

/// Differences without an explanation, and explanations without a difference.
fn unexplained(recording: &PodRecording, found: &Found) -> Vec<String> {
    let name = &recording.name;
    let explained = |is_meant: fn(Verdict) -> bool| -> BTreeSet<&str> {
        let entries = differences::of(recording.short()).filter(|one| is_meant(one.verdict));
        entries.flat_map(|one| one.subjects).copied().collect()
    };
    let (all, certain) = (explained(|_| true), explained(|verdict| verdict != Verdict::Varies));
    let mut problems: Vec<String> = found
        .iter()
        .filter(|(subject, _)| !all.contains(subject.as_str()) && !all.contains("*"))
        .map(|(subject, how)| format!("{name}: {subject}:\n{how}"))
        .collect();
    let stale = certain.iter().filter(|subject| match **subject {
        "*" => found.is_empty(),
        subject => !found.contains_key(subject),
    });
    problems
        .extend(stale.map(|subject| format!("{name}: {subject} is the same, and is listed as different")));
    problems
}

fn compare(recording: &PodRecording, played: &Played) -> Found {
    let recorded: Vec<Facts> =
        recording.compared().map(|one| super::facts::of(&one.kind, &one.pod)).collect();
    let passing = differences::of(recording.short()).any(|one| one.verdict == Verdict::Passing);
    let mut found = Found::new();
    let mut all = subjects(&recorded);
    all.extend(subjects(&played.pictures));
    let mut same = Vec::new();
    for subject in &all {
        let (one, other) = (track(&recorded, subject), track(&played.pictures, subject));
        let values =
            |track: &[(usize, &str)]| track.iter().map(|(_, value)| (*value).to_owned()).collect::<Vec<_>>();
        let (one_values, other_values) = (values(&one), values(&other));
        if one_values == other_values {
            same.push((subject, one, other));
        } else if !passing || !is_part_of(&one_values, &other_values) {
            found.insert(subject.clone(), both(&one_values, &other_values));
        }
    }
    if let Some(how) = inverted(&same) {
        found.insert("order".into(), how);
    }
    let events: Vec<String> = recording
        .events
        .iter()
        .map(|event| {
            super::facts::of_event(event, super::facts::word(event, "fieldPath"), &recording.snapshots[0].pod)
        })
        .collect();
    if !played.refusals.is_empty() {
        found.insert("answers".into(), both(&[], &played.refusals));
    }
    if events != played.events {
        found.insert("events".into(), both(&events, &played.events));
    }
    for (container, here) in played.logs.iter().filter(|_| !recording.is_cut()) {
        let recorded = recording.log(container);
        let is_same =
            if recorded.len() >= LOG_BYTES { here.starts_with(&recorded) } else { *here == recorded };
        if !is_same {
            found.insert(format!("log {container}"), both(&[recorded], slice::from_ref(here)));
        }
    }
    found
}

/// Whether the recording shows nothing else, and ends the same.
fn is_part_of(recorded: &[String], played: &[String]) -> bool {
    let mut rest = played.iter();
    recorded.last() == played.last() && recorded.iter().all(|value| rest.any(|other| other == value))
}

/// A subject with what it was in the recording and here.
type Tracks<'a> = (&'a String, Vec<(usize, &'a str)>, Vec<(usize, &'a str)>);

/// Two changes whose order is the opposite of the recorded one.
fn inverted(tracks: &[Tracks<'_>]) -> Option<String> {
    let changes: Vec<(&String, &str, usize, usize)> = tracks
        .iter()
        .flat_map(|(subject, one, other)| {
            one.iter().zip(other).map(|((recorded, value), (here, _))| (*subject, *value, *recorded, *here))
        })
        .collect();
    for first in &changes {
        for second in &changes {
            if first.2 < second.2 && first.3 > second.3 {
                return Some(format!(
                    "  recorded: {} `{}` before {} `{}`, here after it",
                    first.0, first.1, second.0, second.1
                ));
            }
        }
    }
    None
}

fn both(recorded: &[String], here: &[String]) -> String {
    format!("  recorded:\n    {}\n  here:\n    {}", recorded.join("\n    "), here.join("\n    "))
}

#[test]
fn changes_in_the_opposite_order_are_seen_and_changes_at_once_are_not() {
    let picture = |a: &str, b: &str| Facts::from([("a".into(), a.into()), ("b".into(), b.into())]);
    let steps = [picture("1", "1"), picture("2", "1"), picture("2", "2")];
    let at_once = [picture("1", "1"), picture("2", "2")];
    let opposite = [picture("1", "1"), picture("1", "2"), picture("2", "2")];
    let (a, b) = ("a".to_owned(), "b".to_owned());
    for (here, is_inverted) in [(&at_once[..], false), (&opposite[..], true)] {
        let pairs = [&a, &b].map(|subject| (subject, track(&steps, subject), track(here, subject)));
        assert_eq!(inverted(&pairs).is_some(), is_inverted);
    }
}
