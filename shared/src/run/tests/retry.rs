use super::{at, created, ended, pod, seen, waiting};
use crate::run::decide;
use crate::run::decision::{Next, Outcome};
use crate::run::diagnosis::Cause;
use crate::run::facts::{Disruption, PodFacts};
use crate::run::observation::Observation;
use crate::run::record::Record;
use crate::run::state::State;
use crate::spec::retry::{Backoff, RetryPolicy};

fn policy(max_attempts: u32) -> RetryPolicy {
    RetryPolicy { max_attempts, backoff: Backoff::Constant { interval_seconds: 30 }, ..RetryPolicy::never() }
}

fn with_policy(policy: RetryPolicy) -> Record {
    let mut record = created();
    record.plan.retry = policy;
    record
}

fn outcome(record: &Record, observation: &Observation) -> Outcome {
    match decide(record, observation, observation.seen_at).next {
        Next::Collect(ending) | Next::End(ending) => ending.outcome,
        next => panic!("no ending: {next:?}"),
    }
}

fn evicted(main: crate::run::facts::ContainerState) -> PodFacts {
    PodFacts {
        disruption: Some(Disruption {
            reason: "EvictionByEvictionAPI".to_owned(),
            message: String::new(),
            since: None,
        }),
        phase: crate::run::facts::Phase::Failed,
        ..pod(main)
    }
}

#[test]
fn a_failure_of_the_task_is_repeated_as_its_policy_says() {
    let failed = seen(pod(ended(1)), 50);
    let finished = Outcome::Finish(State::Failed);
    let again = Outcome::Retry { not_before: at(80), counted: true };
    assert_eq!(outcome(&created(), &failed), finished);
    assert_eq!(outcome(&with_policy(policy(2)), &failed), again);
    let mut second = with_policy(policy(2));
    second.attempt.counted = 1;
    assert_eq!(outcome(&second, &failed), finished);
    let short = RetryPolicy { max_duration_seconds: Some(80), ..policy(5) };
    assert_eq!(outcome(&with_policy(short), &failed), finished);
    let long = RetryPolicy { max_duration_seconds: Some(81), ..policy(5) };
    assert_eq!(outcome(&with_policy(long), &failed), again);
}

#[test]
fn a_mistake_in_the_document_is_never_repeated() {
    let record = with_policy(policy(5));
    for reason in ["InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError"] {
        let stuck = seen(pod(waiting(reason, "")), 50);
        assert_eq!(outcome(&record, &stuck), Outcome::Finish(State::Failed), "{reason}");
    }
}

#[test]
fn an_infrastructure_failure_before_the_start_is_free_three_times_with_growing_pauses() {
    let before_start = seen(evicted(waiting("ContainerCreating", "")), 50);
    let mut record = created();
    for pause in [5, 20, 60] {
        assert_eq!(
            outcome(&record, &before_start),
            Outcome::Retry { not_before: at(50 + pause), counted: false }
        );
        record.attempt.infrastructure_failures += 1;
    }
    assert_eq!(outcome(&record, &before_start), Outcome::Finish(State::Failed));
    record.plan.retry = policy(2);
    assert_eq!(outcome(&record, &before_start), Outcome::Retry { not_before: at(80), counted: true });
}

#[test]
fn an_infrastructure_failure_after_the_start_uses_an_attempt() {
    let after_start = seen(evicted(ended(143)), 50);
    assert_eq!(outcome(&created(), &after_start), Outcome::Finish(State::Failed));
    assert_eq!(
        outcome(&with_policy(policy(2)), &after_start),
        Outcome::Retry { not_before: at(80), counted: true }
    );
}

#[test]
fn a_pod_that_vanished_uses_an_attempt_since_nobody_knows_whether_it_had_started() {
    let gone = Observation::gone(at(50));
    assert_eq!(outcome(&created(), &gone), Outcome::Finish(State::Failed));
    assert_eq!(outcome(&with_policy(policy(2)), &gone), Outcome::Retry { not_before: at(80), counted: true });
}

#[test]
fn a_time_limit_is_never_repeated_for_free() {
    let late = seen(pod(waiting("ImagePullBackOff", "503 Service Unavailable")), 610);
    assert_eq!(outcome(&created(), &late), Outcome::Finish(State::TimedOut));
    assert_eq!(
        outcome(&with_policy(policy(2)), &late),
        Outcome::Retry { not_before: at(640), counted: true }
    );
}

#[test]
fn a_cancelled_run_is_not_repeated() {
    let record = with_policy(policy(5)).cancelled(at(45), "by id");
    assert_eq!(outcome(&record, &seen(pod(ended(1)), 50)), Outcome::Finish(State::Cancelled));
}

#[test]
fn a_success_after_another_attempt_warns_when_the_policy_says_so() {
    let mut record = with_policy(RetryPolicy { warning_on_retry: true, ..policy(3) });
    record.attempt.number = 2;
    record.past.push(crate::run::record::PastAttempt {
        number: 1,
        pod_name: "pod-1".to_owned(),
        diagnosis: crate::run::refusal::name_taken("pod-1", "test"),
        ended_at: at(5),
    });
    let Next::Collect(ending) = decide(&record, &seen(pod(ended(0)), 50), at(50)).next else {
        panic!("not collected");
    };
    assert_eq!(ending.warnings, ["succeeded at attempt 2 after 1 that failed"]);
    assert_eq!(record.past[0].diagnosis.cause, Cause::NameTaken);
}

#[test]
fn pauses_are_constant_grow_to_their_bound_or_fall_between_two() {
    let constant = Backoff::Constant { interval_seconds: 7 };
    assert_eq!([1, 2, 9].map(|attempts| constant.seconds("run", attempts)), [7, 7, 7]);
    let growing = Backoff::Exponential { interval_seconds: 10, max_interval_seconds: 60, factor: 2.0 };
    assert_eq!(
        [1, 2, 3, 4, 5, 4000].map(|attempts| growing.seconds("run", attempts)),
        [10, 20, 40, 60, 60, 60]
    );
    let odd = Backoff::Exponential { interval_seconds: 10, max_interval_seconds: 60, factor: f64::NAN };
    assert_eq!([1, 2, 3].map(|attempts| odd.seconds("run", attempts)), [10, 10, 10]);
    let random = Backoff::Random { min_interval_seconds: 5, max_interval_seconds: 8 };
    let pauses: Vec<u64> = (1..50).map(|attempts| random.seconds("run", attempts)).collect();
    assert_eq!(pauses, (1..50).map(|attempts| random.seconds("run", attempts)).collect::<Vec<_>>());
    for pause in 5..=8 {
        assert!(pauses.contains(&pause), "{pause} never comes up");
    }
    assert!(pauses.iter().all(|pause| (5..=8).contains(pause)));
    let turned = Backoff::Random { min_interval_seconds: 8, max_interval_seconds: 5 };
    assert_eq!(turned.seconds("run", 1), 8);
}
