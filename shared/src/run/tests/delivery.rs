//! Files that did not come back.

use super::{at, created};
use crate::run::decision::{Ending, Outcome};
use crate::run::delivery::Shortfall;
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::state::State;
use crate::spec::retry::{Backoff, RetryPolicy};

fn succeeded() -> Ending {
    Ending { outcome: Outcome::Finish(State::Succeeded), diagnosis: None, stop: false, warnings: Vec::new() }
}

fn short(missing: &[&str], lost: &[&str]) -> Shortfall {
    let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    Shortfall { missing: owned(missing), unusable: Vec::new(), lost: owned(lost) }
}

#[test]
fn a_missing_output_warns_unless_the_task_wants_it() {
    let mut record = created();
    let ending = succeeded().with_delivery(&record, short(&["*.csv"], &[]), at(10));
    assert_eq!(ending.outcome, Outcome::Finish(State::Succeeded));
    assert_eq!(ending.warnings, ["declared output `*.csv` matches no file"]);
    record.plan.fail_on_missing_outputs = true;
    let ending = succeeded().with_delivery(&record, short(&["*.csv"], &[]), at(10));
    assert_eq!(ending.outcome, Outcome::Finish(State::Failed));
    assert_eq!(ending.diagnosis.map(|diagnosis| diagnosis.cause), Some(Cause::OutputMissing));
}

#[test]
fn a_lost_output_fails_a_run_that_succeeded_and_follows_its_retry_policy() {
    let mut record = created();
    let ending = succeeded().with_delivery(&record, short(&[], &["gone"]), at(10));
    assert_eq!(ending.outcome, Outcome::Finish(State::Failed));
    record.plan.retry = RetryPolicy {
        max_attempts: 2,
        backoff: Backoff::Constant { interval_seconds: 5 },
        ..RetryPolicy::never()
    };
    let ending = succeeded().with_delivery(&record, short(&[], &["gone"]), at(10));
    assert_eq!(ending.outcome, Outcome::Retry { not_before: at(15), counted: true });
}

#[test]
fn an_attempt_that_failed_keeps_its_reason_and_warns() {
    let diagnosis = Diagnosis::new(Cause::NonZeroExit, "exit 1");
    let failed =
        Ending { outcome: Outcome::Finish(State::Failed), diagnosis: Some(diagnosis.clone()), ..succeeded() };
    let ending = failed.with_delivery(&created(), short(&["a"], &["b"]), at(10));
    assert_eq!(ending.diagnosis, Some(diagnosis));
    assert_eq!(ending.warnings, ["declared output `a` matches no file", "b"]);
}
