//! The part of `docs/PARITY.md` about pods.

use super::differences::{self, Verdict};
use super::facts::VOLATILE;
use super::recording::{LONGEST, PodRecording};
use crate::document::{self, Part, cell};
use std::fmt::Write;

/// A recording, and whether it was played.
pub struct Row<'a> {
    pub recording: &'a PodRecording,
    pub is_played: bool,
}

/// The verdicts in the order of the table.
const WORDS: [&str; 6] = [
    "same",
    "same but for the machine",
    "same, with more in between",
    "different on purpose",
    "not supported",
    "not played",
];

/// Compare this part of the page with what it should be.
pub fn check(rows: &[Row<'_>]) {
    document::check(Part::Pods, &part(rows));
}

fn part(rows: &[Row<'_>]) -> String {
    let mut part = format!(
        "How 88 pods moved on a real cluster, from `tests/fixtures/pods`, is compared with how the same pods move here: the \
         phase,\nconditions, states of containers, reasons, messages, exit codes, restarts, deletion, the events in their \
         order, and logs.\nPods are played in real time and with the recorded specs; what a recording shows after {} s is \
         left out, and images that\nare not there have other names. A kubelet writes one change in several steps or several \
         at once: what is compared is what each\nsubject was one after the other, and that no two changes come in the \
         opposite order.\n\nNot compared: {}.\n\n| verdict | recordings |\n| --- | --- |\n",
        LONGEST.as_secs(),
        VOLATILE.join(", ")
    );
    for wanted in WORDS {
        let count = rows.iter().filter(|row| verdict(row).0 == wanted).count();
        let _ = writeln!(part, "| {wanted} | {count} |");
    }
    part.push_str("\n| recording | scenario | verdict |\n| --- | --- | --- |\n");
    for row in rows {
        let (verdict, why) = verdict(row);
        let colon = if why.is_empty() { "" } else { ": " };
        let (name, scenario) = (&row.recording.name, cell(&row.recording.scenario));
        let _ = writeln!(part, "| {name} | {scenario} | {verdict}{colon}{} |", cell(&why));
    }
    part
}

fn verdict(row: &Row<'_>) -> (&'static str, String) {
    let short = row.recording.short();
    if !row.is_played {
        return ("not played", differences::not_played(short).unwrap_or_default().to_owned());
    }
    let entries: Vec<_> = differences::of(short).collect();
    let weight = |verdict: Verdict| match verdict {
        Verdict::Varies => (1, "same but for the machine"),
        Verdict::Passing => (2, "same, with more in between"),
        Verdict::OnPurpose => (3, "different on purpose"),
        Verdict::NotSupported => (4, "not supported"),
    };
    let heaviest = entries.iter().map(|entry| weight(entry.verdict)).max();
    let why: Vec<String> = entries
        .iter()
        .map(|entry| match entry.subjects {
            [] | ["*"] => entry.why.to_owned(),
            subjects => format!("{} ({})", entry.why, subjects.join(", ")),
        })
        .collect();
    (heaviest.map_or("same", |(_, word)| word), why.join("; "))
}
