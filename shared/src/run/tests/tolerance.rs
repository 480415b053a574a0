//! `allowFailure`.

use super::{at, plan};
use crate::run::decision::{Ending, Outcome};
use crate::run::diagnosis::{Cause, Diagnosis};
use crate::run::state::State;

#[test]
fn a_failure_that_is_allowed_is_a_success_with_a_warning_and_its_diagnosis() {
    let lenient = || {
        let mut plan = plan();
        plan.allow_failure = true;
        plan
    };
    let finish = Outcome::Finish;
    let retry = Outcome::Retry { not_before: at(9), counted: true };
    let new_run = Outcome::NewRun { state: State::Failed, not_before: at(9) };
    for (outcome, expected, tolerated) in [
        (finish(State::Failed), finish(State::Succeeded), Some(State::Failed)),
        (finish(State::TimedOut), finish(State::Succeeded), Some(State::TimedOut)),
        (finish(State::Cancelled), finish(State::Cancelled), None),
        (finish(State::Succeeded), finish(State::Succeeded), None),
        (finish(State::Skipped), finish(State::Skipped), None),
        (retry.clone(), retry, None),
        (new_run.clone(), new_run, None),
    ] {
        let diagnosis = Diagnosis::new(Cause::NonZeroExit, "exit 1");
        let ending = Ending { outcome, diagnosis: Some(diagnosis.clone()), ..Ending::plain(State::Failed) };
        let strict = ending.clone();
        let (ending, found) = ending.tolerated(&lenient());
        assert_eq!((&ending.outcome, found), (&expected, tolerated));
        assert_eq!(ending.diagnosis, Some(diagnosis));
        let warned = ending.warnings.iter().any(|warning| warning.ends_with("lets pass: exit 1"));
        assert_eq!(warned, tolerated.is_some(), "{:?}", ending.warnings);
        assert_eq!(strict.clone().tolerated(&plan()), (strict, None));
    }
}
