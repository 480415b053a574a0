use jiff::Timestamp;

use super::{at, container, ended, pod, running, waiting};
use crate::run::facts::{ContainerFacts, PodFacts, Role, Termination};
use crate::run::limits::{later, seconds_between};

#[test]
fn a_moment_too_late_to_exist_is_the_end_of_time() {
    assert_eq!(later(at(0), u64::MAX), Timestamp::MAX);
    assert_eq!(later(at(0), 61), at(61));
}

#[test]
fn seconds_between_never_run_backwards() {
    assert_eq!(seconds_between(at(5), at(65)), 60);
    assert_eq!(seconds_between(at(65), at(5)), 0);
}

#[test]
fn the_start_is_the_first_one_as_far_as_the_status_tells_and_else_the_end_of_the_init_containers() {
    let earlier = Termination {
        exit_code: 1,
        reason: "Error".to_owned(),
        message: String::new(),
        started_at: Some(at(15)),
        finished_at: Some(at(18)),
    };
    let with = |state, restarts| PodFacts {
        containers: vec![ContainerFacts {
            restarts,
            last: (restarts > 0).then(|| earlier.clone()),
            ..container("main", Role::Deciding, state)
        }],
        ..pod(running())
    };
    let cases = [
        (with(waiting("ContainerCreating", ""), 0), None),
        (with(running(), 0), Some(at(20))),
        (with(ended(1), 0), Some(at(20))),
        (with(running(), 1), Some(at(15))),
        (with(waiting("CrashLoopBackOff", ""), 1), Some(at(10))),
        (with(running(), 2), Some(at(10))),
    ];
    for (pod, expected) in cases {
        assert_eq!(pod.main_started_at(), expected);
    }
}
