use super::{accepted, at, created};
use crate::run::decision::{Ending, Outcome};
use crate::run::record::{Cancel, Record};
use crate::run::refusal::name_taken;
use crate::run::state::State;
use crate::run::transition::Successor;

fn successor(counted: bool) -> Successor {
    Successor {
        pod_name: "pod-2".to_owned(),
        counted,
        not_before: at(100),
        diagnosis: name_taken("pod-1", "test"),
        ended_at: at(90),
    }
}

fn ending(state: State) -> Ending {
    Ending { outcome: Outcome::Finish(state), diagnosis: None, stop: true, warnings: Vec::new() }
}

#[test]
fn a_pod_ends_every_wait() {
    let record = accepted().waiting(at(60), "quota").with_pod("uid-1", at(70));
    assert_eq!(record.attempt.pod_uid.as_deref(), Some("uid-1"));
    assert_eq!(record.attempt.created_at, Some(at(70)));
    assert_eq!((record.not_before, record.waiting_for), (None, None));
}

#[test]
fn the_first_cancel_and_the_first_ending_stay() {
    let record = created().cancelled(at(5), "first").cancelled(at(6), "second");
    assert_eq!(record.cancel, Some(Cancel { at: at(5), reason: "first".to_owned() }));
    let record = created().settled(ending(State::TimedOut)).settled(ending(State::Failed));
    assert_eq!(record.ending, Some(ending(State::TimedOut)));
}

#[test]
fn the_next_attempt_begins_without_a_pod_and_remembers_the_one_before() {
    let record = created().settled(ending(State::Failed)).next_attempt(successor(true));
    assert_eq!(
        (record.attempt.number, record.attempt.counted, record.attempt.infrastructure_failures),
        (2, 1, 0)
    );
    assert_eq!(record.attempt.pod_name, "pod-2");
    assert!(!record.has_pod() && record.ending.is_none());
    assert_eq!(record.not_before, Some(at(100)));
    assert_eq!(record.past.len(), 1);
    assert_eq!((record.past[0].number, record.past[0].pod_name.as_str()), (1, "pod-1"));
    let free = created().next_attempt(successor(false));
    assert_eq!((free.attempt.number, free.attempt.counted, free.attempt.infrastructure_failures), (2, 0, 1));
}

#[test]
fn a_record_survives_being_written_and_read() {
    let record = created()
        .settled(Ending { diagnosis: Some(name_taken("pod-1", "test")), ..ending(State::TimedOut) })
        .next_attempt(successor(true))
        .with_pod("uid-2", at(110))
        .settled(Ending {
            outcome: Outcome::Retry { not_before: at(200), counted: false },
            ..ending(State::Failed)
        })
        .waiting(at(120), "quota")
        .cancelled(at(130), "by id")
        .by("another");
    let written = serde_json::to_string(&record).unwrap();
    assert_eq!(serde_json::from_str::<Record>(&written).unwrap(), record);
    assert_eq!(record.writer, "another");
}
