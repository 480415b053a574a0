//! Every recorded pod gets its decision at each snapshot, what would follow if nothing more happened, and its diagnosis: reviewed as text.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::plan;
use crate::resolve::plan::{Deciding, Plan};
use crate::run::decision::{Decision, Ending, Next};
use crate::run::observation::{EventFact, Observation, Roles};
use crate::run::record::Record;
use crate::run::transition::Acceptance;
use crate::run::{decide, render, verdict_with_events};
use crate::spec::answer::Asked;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

#[test]
fn every_recorded_pod_is_judged_as_reviewed() {
    let files = recordings();
    assert_eq!(files.len(), 88, "recordings were added or lost");
    for file in files {
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = Recording::read(&file).judged();
        insta::with_settings!({prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn no_recorded_pod_succeeds_without_a_deciding_container_that_exited_0() {
    for file in recordings() {
        let recording = Recording::read(&file);
        for snapshot in &recording.snapshots {
            let statuses =
                snapshot.json["status"]["containerStatuses"].as_array().cloned().unwrap_or_default();
            let exited_0 = statuses.iter().any(|status| {
                status["name"] == "main" && status["state"]["terminated"]["exitCode"] == json!(0)
            });
            let decided = recording.decide(snapshot);
            let text = render::decision(&decided, recording.created_at);
            assert!(!text.contains("SUCCEEDED") || exited_0, "{}: {text}", file.display());
        }
    }
}

#[test]
fn an_ending_stays_the_same_at_every_later_snapshot_once_it_is_settled() {
    for file in recordings() {
        let recording = Recording::read(&file);
        let mut settled: Option<Ending> = None;
        for snapshot in &recording.snapshots {
            let record = match &settled {
                Some(ending) => recording.record.clone().settled(ending.clone()),
                None => recording.record.clone(),
            };
            let decision = decide(&record, &snapshot.observation, snapshot.now);
            match (ending(&decision), &settled) {
                (Some(found), Some(settled)) => {
                    assert_eq!((&found.outcome, &found.diagnosis), (&settled.outcome, &settled.diagnosis));
                }
                (Some(found), None) => settled = Some(found.clone()),
                (None, Some(_)) => panic!("{} came back to life", file.display()),
                (None, None) => {}
            }
        }
    }
}

struct Recording {
    scenario: String,
    created_at: Timestamp,
    snapshots: Vec<Snapshot>,
    events: Vec<EventFact>,
    record: Record,
}

struct Snapshot {
    at_ms: i64,
    kind: String,
    json: Value,
    now: Timestamp,
    observation: Observation,
}

impl Recording {
    fn read(file: &Path) -> Self {
        let recorded: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        let first = &recorded["snapshots"][0]["pod"];
        let created_at: Timestamp = first["metadata"]["creationTimestamp"].as_str().unwrap().parse().unwrap();
        let roles = Roles::in_pod(first, Deciding::Container("main".to_owned()));
        let snapshots = recorded["snapshots"].as_array().unwrap().iter().map(|snapshot| {
            let at_ms = snapshot["at"].as_i64().unwrap();
            let kind = snapshot["type"].as_str().unwrap().to_owned();
            let now = created_at + SignedDuration::from_millis(at_ms);
            let pod = serde_json::from_value(snapshot["pod"].clone()).unwrap();
            let observation = if kind == "DELETED" {
                Observation::last(&pod, &roles, now)
            } else {
                Observation::of(&pod, &roles, now)
            };
            Snapshot { at_ms, kind, json: snapshot["pod"].clone(), now, observation }
        });
        Recording {
            scenario: recorded["scenario"].as_str().unwrap().to_owned(),
            created_at,
            snapshots: snapshots.collect(),
            events: recorded["events"].as_array().unwrap().iter().map(event).collect(),
            record: record(first, created_at),
        }
    }

    fn decide(&self, snapshot: &Snapshot) -> Decision {
        decide(&self.record, &snapshot.observation, snapshot.now)
    }

    fn judged(&self) -> String {
        let mut text = format!("{}\n\n", self.scenario);
        for snapshot in &self.snapshots {
            let line = render::decision(&self.decide(snapshot), self.created_at);
            writeln!(text, "{:>6} ms {:<8} {line}", snapshot.at_ms, snapshot.kind).unwrap();
        }
        let last = self.snapshots.last().unwrap();
        let mut observation = last.observation.clone();
        let mut decision = self.decide(last);
        while let Next::Wait { until } = decision.next {
            assert!(until > observation.seen_at, "a wait that is over already: {}", self.scenario);
            observation.seen_at = until;
            decision = decide(&self.record, &observation, until);
            let after = (until - self.created_at).get_seconds();
            let line = render::decision(&decision, self.created_at);
            writeln!(text, "{after:>6} s  if nothing more happens: {line}").unwrap();
        }
        let ending = ending(&decision).expect("every pod comes to an end");
        let explained = ending.clone().with_events(&observation, &self.events);
        writeln!(text, "\nwith events: {}", render::ending(&explained, self.created_at)).unwrap();
        if let Some(diagnosis) = &explained.diagnosis {
            text.push_str(&render::diagnosis(diagnosis));
        }
        let (state, found) = verdict_with_events(&last.observation, &self.events, last.now);
        let cause = found.map_or_else(|| "nothing wrong".to_owned(), |found| render::cause(&found));
        writeln!(text, "\nthe last snapshot without a record: {state}, {cause}").unwrap();
        text
    }
}

fn ending(decision: &Decision) -> Option<&Ending> {
    match &decision.next {
        Next::Collect(ending) | Next::End(ending) => Some(ending),
        Next::Wait { .. } | Next::Create => None,
    }
}

fn recordings() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/pods");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
}

fn event(trimmed: &Value) -> EventFact {
    let mut whole = trimmed.clone();
    whole["metadata"] = json!({});
    whole["involvedObject"] = json!({"fieldPath": trimmed["fieldPath"]});
    EventFact::of(&serde_json::from_value(whole).unwrap())
}

fn record(pod: &Value, created_at: Timestamp) -> Record {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let plan = Plan { pod: pod.clone(), ..plan() };
    Record::accepted(Acceptance {
        run_id: name.to_owned(),
        group: "group".to_owned(),
        submission_hash: "hash".to_owned(),
        source: "recording".to_owned(),
        hops: 0,
        accepted_at: created_at,
        writer: "test".to_owned(),
        plan,
        pod_name: name.to_owned(),
        asked: Asked::default(),
        execution_id: None,
    })
    .with_pod(pod["metadata"]["uid"].as_str().unwrap(), created_at)
}
