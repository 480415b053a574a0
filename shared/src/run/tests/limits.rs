use jiff::Timestamp;
use serde_json::json;

use super::{at, container, created, ended, pod, running, waiting};
use crate::run::facts::{ContainerFacts, PodFacts, Role, Scheduling, Termination};
use crate::run::limits::{later, seconds_between, start_clock};
use crate::run::record::Record;

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

#[test]
fn the_waiting_budget_of_a_pod_that_others_let_in_begins_when_it_has_a_node() {
    let gated = |record: &Record, acknowledged_at| {
        let pod = PodFacts { scheduling: Scheduling::Gated, acknowledged_at, ..pod(waiting("", "")) };
        start_clock(record, &pod).ends_at
    };
    let let_in = |record: &Record, acknowledged_at| {
        start_clock(record, &PodFacts { acknowledged_at, ..pod(waiting("", "")) }).ends_at
    };
    let plain = created();
    assert_eq!(let_in(&plain, None), at(610));
    assert_eq!(gated(&plain, None), at(610), "a gate that the task does not speak of");
    let mut queued = created();
    queued.plan.pod = json!({"metadata": {"labels": {"kueue.x-k8s.io/queue-name": "team"}}});
    assert_eq!(gated(&queued, None), Timestamp::MAX);
    assert_eq!(let_in(&queued, None), Timestamp::MAX, "admitted, and no node yet");
    assert_eq!(let_in(&queued, Some(at(5000))), at(5600));
    let mut own = created();
    own.plan.pod = json!({"spec": {"schedulingGates": [{"name": "example.com/gate"}]}});
    assert_eq!(let_in(&own, Some(at(5000))), at(5600));
}
