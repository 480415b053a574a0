//! A cluster that cannot be asked: until when its runs wait, and how they end.

use super::{accepted, at, created};
use crate::pod::life_seconds;
use crate::run::absence::{ABSENCE_SECONDS, Absence, CANCEL_SECONDS, give_up, may_forget};
use crate::run::decision::{Ending, Outcome};
use crate::run::diagnosis::{Cause, Class, Diagnosis};
use crate::run::record::Record;
use crate::run::state::State;

const REASON: &str = "connection refused";

/// The last second in which the pod of [`created`] may be at work.
fn outlived() -> u64 {
    10 + life_seconds(&created().plan)
}

fn ends(record: &Record, heard: Option<u64>, seconds: u64) -> Option<Ending> {
    give_up(record, heard.map(at), REASON, at(seconds))
}

#[test]
fn a_run_is_given_up_when_its_pod_has_outlived_itself_and_a_day_has_passed() {
    assert_eq!(outlived(), 10 + 600 + 3600 + 900);
    let limit = outlived() + ABSENCE_SECONDS;
    assert_eq!(ends(&created(), None, limit - 1), None);
    let ending = ends(&created(), None, limit).unwrap();
    assert_eq!((&ending.outcome, ending.stop), (&Outcome::Finish(State::Failed), false));
    let diagnosis = ending.diagnosis.unwrap();
    assert_eq!((diagnosis.class, diagnosis.cause), (Class::Infrastructure, Cause::ClusterUnreachable));
    assert!(diagnosis.message.contains("`pod-1`") && diagnosis.message.contains(REASON));
    assert_eq!(ending.warnings.len(), 1, "{:?}", ending.warnings);
}

#[test]
fn an_outage_begins_when_the_cluster_was_last_heard() {
    // A gate held the pod for a month.
    let heard = outlived() + 30 * ABSENCE_SECONDS;
    assert_eq!(ends(&created(), Some(heard), heard + ABSENCE_SECONDS - 1), None);
    assert!(ends(&created(), Some(heard), heard + ABSENCE_SECONDS).is_some());
    assert_eq!(ends(&created(), Some(100), outlived() + ABSENCE_SECONDS - 1), None, "its pod may still run");
}

#[test]
fn a_pods_own_deadline_counts_where_it_is_shorter() {
    let mut record = created();
    record.plan.pod["spec"]["activeDeadlineSeconds"] = 60.into();
    assert!(ends(&record, None, 10 + 60 + ABSENCE_SECONDS).is_some());
}

#[test]
fn who_wants_the_end_waits_an_hour_for_a_cluster_that_cannot_be_told() {
    let record = created().cancelled(at(1000), "enough");
    assert_eq!(ends(&record, None, 1000 + CANCEL_SECONDS - 1), None);
    let ending = ends(&record, None, 1000 + CANCEL_SECONDS).unwrap();
    assert_eq!(ending.outcome, Outcome::Finish(State::Cancelled));
    assert_eq!(ending.diagnosis.unwrap().cause, Cause::Cancelled);
    assert!(ending.warnings[0].contains("could not be deleted"), "{:?}", ending.warnings);
    assert_eq!(ends(&record, Some(2000), 2000 + CANCEL_SECONDS - 1), None);
    assert!(ends(&record, Some(2000), 2000 + CANCEL_SECONDS).is_some());
}

#[test]
fn an_ending_that_was_settled_stays_and_another_attempt_does_not_begin() {
    let diagnosis = || Some(Diagnosis::new(Cause::RunningDeadline, "late"));
    let settled = |outcome| {
        created().settled(Ending { outcome, diagnosis: diagnosis(), ..Ending::plain(State::Failed) })
    };
    let limit = outlived() + ABSENCE_SECONDS;
    let ending = ends(&settled(Outcome::Finish(State::TimedOut)), None, limit).unwrap();
    assert_eq!((ending.outcome, ending.diagnosis), (Outcome::Finish(State::TimedOut), diagnosis()));
    let retry = Outcome::Retry { not_before: at(0), counted: true };
    let ending = ends(&settled(retry), None, limit).unwrap();
    assert_eq!(ending.outcome, Outcome::Finish(State::Failed));
    assert_eq!(ending.diagnosis.unwrap().cause, Cause::ClusterUnreachable);
}

#[test]
fn a_run_without_a_pod_waits_where_its_pod_is_created_unless_it_is_to_end() {
    let long = at(u64::from(u32::MAX));
    assert_eq!(give_up(&accepted(), None, REASON, long), None);
    let ending = give_up(&accepted().cancelled(at(0), "enough"), None, REASON, long).unwrap();
    assert_eq!(ending.outcome, Outcome::Finish(State::Cancelled));
    assert_eq!(ending.warnings, Vec::<String>::new(), "there is nothing that could be left");
}

#[test]
fn the_record_of_a_run_that_has_ended_goes_a_day_later_and_at_once_where_there_never_was_a_pod() {
    let forgets =
        |record: &Record, absence, seconds| may_forget(record, absence, at(5000), None, at(seconds));
    for absence in [Absence::Silent, Absence::Unusable] {
        assert!(!forgets(&created(), absence, 5000 + ABSENCE_SECONDS - 1), "{absence:?}");
        assert!(forgets(&created(), absence, 5000 + ABSENCE_SECONDS), "{absence:?}");
    }
    // Of a POST that was not answered there may be a pod; of one that was never made there is none.
    assert!(!forgets(&accepted(), Absence::Silent, 5001));
    assert!(forgets(&accepted(), Absence::Unusable, 5001));
}

#[test]
fn the_record_of_a_run_that_was_given_up_does_not_wait_a_second_day() {
    let limit = outlived() + ABSENCE_SECONDS;
    assert!(may_forget(&created(), Absence::Silent, at(limit), None, at(limit)));
    // One that was cancelled has a pod that may still be at work.
    let cancelled = created().cancelled(at(1000), "enough");
    assert!(!may_forget(&cancelled, Absence::Silent, at(5000), None, at(5001)));
}
