//! Runs that take over from others, and attempts that other submissions begin.

use super::{accepted, at, created, ended, pod, seen, vanished};
use crate::run::record::Record;
use crate::run::state::State;
use crate::run::succession::Lineage;
use crate::run::{decide, render};
use crate::spec::retry::{Backoff, Behavior, RetryPolicy};

fn anew(max_attempts: u32) -> Record {
    let mut record = created();
    record.plan.retry = RetryPolicy {
        max_attempts,
        behavior: Behavior::CreateNewExecution,
        backoff: Backoff::Constant { interval_seconds: 30 },
        ..RetryPolicy::never()
    };
    record
}

fn told(record: &Record, exit_code: i32) -> String {
    render::decision(&decide(record, &seen(pod(ended(exit_code)), 50), at(50)), at(0))
}

#[test]
fn a_failure_ends_the_run_and_a_new_one_takes_over_as_long_as_the_policy_allows() {
    let follows = "COLLECTING -> collect, then FAILED, and a new run not before +80 s: User/NonZeroExit in main, exit 1";
    let last = "COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 1";
    assert_eq!(told(&anew(2), 1), follows);
    assert_eq!(told(&anew(1), 1), last);
    let mut second = anew(2);
    second.attempt.counted = 1;
    assert_eq!(told(&second, 1), last);
    assert_eq!(told(&anew(2), 0), "COLLECTING -> collect, then SUCCEEDED");
    assert!(told(&anew(2).cancelled(at(5), "by id"), 1).contains("CANCELLED"));
}

#[test]
fn a_line_of_runs_counts_and_ages_together() {
    let first = anew(3);
    let lineage = first.next_in_line();
    let second = accepted().following(lineage.clone(), &first, at(80));
    assert_eq!((second.attempt.counted, second.not_before), (1, Some(at(80))));
    assert_eq!(
        lineage,
        Lineage { predecessor: "run".into(), origin: "run".into(), began_at: at(0), number: 2 }
    );
    let second = Record { run_id: lineage.run_id(), accepted_at: at(60), ..second };
    let third = second.next_in_line();
    assert_eq!((third.origin.as_str(), third.number, third.began_at), ("run", 3, at(0)));
    assert_eq!(third.predecessor, lineage.run_id());
    assert_eq!(second.began_at(), at(0), "`maxDuration` counts from the first");
    let mut aged = Record { plan: anew(9).plan, ..second.with_pod("uid-1", at(10)) };
    aged.plan.retry.max_duration_seconds = Some(75);
    assert!(told(&aged, 1).contains("then FAILED: "), "{}", told(&aged, 1));
}

#[test]
fn the_id_of_a_successor_is_an_id_and_always_the_same() {
    let at_place = |origin: &str, number| {
        Lineage { predecessor: "p".into(), origin: origin.into(), began_at: at(0), number }.run_id()
    };
    let long = "x".repeat(128);
    for origin in ["run", "a.b-c_d", &long] {
        for number in [2, 3, u32::MAX] {
            let id = at_place(origin, number);
            assert!(crate::spec::read::is_run_id(&id), "{id}");
            assert_eq!(id, at_place(origin, number));
        }
    }
    let other = format!("{}y", "x".repeat(127));
    assert_ne!(at_place(&long, 2), at_place(&other, 2));
    assert_ne!(at_place("run", 2), at_place("run", 3));
}

#[test]
fn a_success_in_the_place_of_another_run_warns_when_the_policy_says_so() {
    let mut record = anew(3);
    record.lineage = Some(anew(3).next_in_line());
    record.plan.retry.warning_on_retry = true;
    let expected =
        "COLLECTING -> collect, then SUCCEEDED; warning: succeeded in the place of run `run`, which failed";
    assert_eq!(told(&record, 0), expected);
}

#[test]
fn another_submission_begins_an_attempt_that_uses_up_none() {
    let record = created().joined("sqs:m2", "pod-2".to_owned(), at(30));
    assert_eq!(
        (record.attempt.number, record.attempt.counted, record.attempt.infrastructure_failures),
        (2, 0, 0)
    );
    assert_eq!((record.attempt.pod_name.as_str(), record.has_pod()), ("pod-2", false));
    assert_eq!((record.joined.as_slice(), record.past.len()), (&["sqs:m2".to_owned()][..], 1));
    let told = render::decision(&decide(&record, &vanished(31), at(31)), at(0));
    assert_eq!(told, "RETRYING -> create");
}

#[test]
fn a_run_that_is_not_to_be_run_is_skipped_before_its_first_pod() {
    let mut record = accepted();
    record.plan.skip = Some("the task is disabled".to_owned());
    let decision = decide(&record, &vanished(1), at(1));
    assert_eq!(decision.state, State::Skipped);
    assert_eq!(render::decision(&decision, at(0)), "SKIPPED -> end: SKIPPED");
    let cancelled = record.cancelled(at(1), "by id");
    assert_eq!(decide(&cancelled, &vanished(1), at(1)).state, State::Cancelled);
}
