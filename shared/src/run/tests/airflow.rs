//! What Airflow's provider and its executor do with a pod, and what is done here: a start, an end, an attempt that is found again.

use super::{accepted, at, container, created, deleted, ended, pod, running, seen, waiting};
use crate::run::decide;
use crate::run::facts::{Phase, PodFacts, Role, Scheduling};
use crate::run::observation::Observation;
use crate::run::rank::{Candidate, keep};
use crate::run::record::Record;
use crate::run::refusal::{AfterWait, Refusal, after_wait, judge};
use crate::run::render;

fn told(record: &Record, observation: &Observation) -> String {
    render::decision(&decide(record, observation, observation.seen_at), at(0))
}

/// With a clock for the node and one for the start, as a call of the operator has them.
fn two_clocks(scheduling_seconds: u64, waiting_seconds: u64) -> Record {
    let mut record = created();
    record.plan.limits.scheduling_seconds = Some(scheduling_seconds);
    record.plan.limits.waiting_seconds = waiting_seconds;
    record
}

/// Created at 10, and the scheduler has found no node.
fn nowhere() -> PodFacts {
    let scheduling = Scheduling::Unschedulable { message: "0/3 nodes are available".to_owned() };
    PodFacts { scheduling, scheduled_at: None, acknowledged_at: None, ..pod(waiting("", "")) }
}

/// With a node since that second.
fn on_node(since: u64) -> PodFacts {
    let since = Some(at(since));
    PodFacts { scheduled_at: since, acknowledged_at: since, ..pod(waiting("ContainerCreating", "")) }
}

#[test]
fn a_node_and_a_start_have_a_clock_each_and_the_second_begins_when_the_first_ends() {
    let unscheduled = || PodFacts { scheduling: Scheduling::Unknown, ..nowhere() };
    let untimed = || PodFacts { scheduled_at: None, acknowledged_at: None, ..on_node(20) };
    let late = "COLLECTING -> stop, collect, then TIMED_OUT: ";
    for (id, pod, now, expected) in [
        ("no node yet", nowhere(), 129, "PENDING -> wait until +130 s".to_owned()),
        ("A-START-02", nowhere(), 131, format!("{late}Capacity/Unschedulable")),
        ("nobody says why there is none", unscheduled(), 131, format!("{late}Timeout/WaitingDeadline")),
        ("the second clock is fresh", on_node(125), 184, "PENDING -> wait until +185 s".to_owned()),
        ("A-START-03", on_node(125), 186, format!("{late}Timeout/WaitingDeadline")),
        ("a node at once leaves no time over", on_node(10), 70, format!("{late}Timeout/WaitingDeadline")),
        ("when it got its node is not known", untimed(), 189, "PENDING -> wait until +190 s".to_owned()),
        ("it has started", pod(running()), 500, "RUNNING -> wait until +3620 s".to_owned()),
    ] {
        assert_eq!(told(&two_clocks(120, 60), &seen(pod, now)), expected, "{id}");
    }
}

#[test]
fn the_message_of_a_late_start_says_which_clock_it_was() {
    for (pod, now, words) in [
        (nowhere(), 130, "the pod did not get a node within 120 s: "),
        (on_node(20), 80, "the main container did not start within 60 s after the pod got a node"),
    ] {
        let decision = decide(&two_clocks(120, 60), &seen(pod, now), at(now));
        let text = format!("{decision:?}");
        assert!(text.contains(words), "{text}");
    }
}

#[test]
fn a_pod_that_cannot_be_created_waits_as_long_as_both_clocks() {
    let mut record = accepted();
    record.plan.limits.scheduling_seconds = Some(120);
    record.plan.limits.waiting_seconds = 60;
    let Refusal::Wait { seconds, diagnosis } = judge(403, "Forbidden", "exceeded quota: q", None) else {
        panic!("A-EXE-01: a quota is waited for here");
    };
    let until = AfterWait::Again { not_before: at(180) };
    assert_eq!(after_wait(&record, seconds, diagnosis.clone(), at(170)), until);
    assert!(matches!(after_wait(&record, seconds, diagnosis, at(180)), AfterWait::GiveUp(_)));
}

#[test]
fn a_pod_that_is_deleted_when_its_clock_is_over_timed_out() {
    let gone = |pod: PodFacts, deadline: u64| Observation {
        gone: true,
        ..seen(PodFacts { deletion: deleted(deadline, 30), ..pod }, 300)
    };
    for (pod, deadline, expected) in [
        (nowhere(), 131, "TIMED_OUT -> end: TIMED_OUT: Timeout/WaitingDeadline"),
        (on_node(125), 186, "TIMED_OUT -> end: TIMED_OUT: Timeout/WaitingDeadline"),
        (on_node(125), 150, "FAILED -> end: FAILED: Cancelled/PodDeleted"),
    ] {
        assert_eq!(told(&two_clocks(120, 60), &gone(pod, deadline)), expected);
    }
}

#[test]
fn images_that_do_not_come_are_waited_for_where_waiting_can_help() {
    let stuck = "COLLECTING -> stop, collect, then FAILED: Config/ImagePull in main";
    let waits = "PENDING -> wait until +610 s";
    for (id, reason, message, now, expected) in [
        ("A-IMG-03", "ErrImagePull", "rpc error: 502 Bad Gateway from auth.docker.io", 100, waits),
        (
            "A-IMG-05: at once there",
            "ImagePullBackOff",
            "Back-off pulling image \"nonexistent:latest\"",
            69,
            "PENDING -> wait until +70 s",
        ),
        (
            "A-IMG-05: after a minute here",
            "ImagePullBackOff",
            "Back-off pulling image \"nonexistent:latest\"",
            70,
            stuck,
        ),
        ("A-IMG-06", "ImagePullBackOff", "Back-off pulling image \"u\": 502 Bad Gateway", 100, waits),
        ("A-EXE-06", "ErrImagePull", "pull QPS exceeded", 100, waits),
    ] {
        assert_eq!(told(&created(), &seen(pod(waiting(reason, message)), now)), expected, "{id}");
    }
}

#[test]
fn pods_that_end_before_or_while_they_run() {
    let failed = |pod: PodFacts| PodFacts { phase: Phase::Failed, ..pod };
    let silent = failed(PodFacts { containers: Vec::new(), ..pod(running()) });
    let evicted = PodFacts { reason: Some("Evicted".to_owned()), ..failed(pod(waiting("", ""))) };
    let init = vec![
        container("init", Role::Init, ended(1)),
        container("main", Role::Deciding, waiting("PodInitializing", "")),
    ];
    let of_init = failed(PodFacts { containers: init, initialized_at: None, ..pod(running()) });
    let away = |pod: PodFacts| Observation { gone: true, ..seen(pod, 50) };
    let again = "COLLECTING -> collect, then RETRYING not before +55 s (not counted): ";
    let deleted_elsewhere = "FAILED -> end: FAILED: Cancelled/PodDeleted".to_owned();
    for (id, observation, expected) in [
        (
            "A-START-01, A-EXE-02: one more try that counts for nothing",
            seen(silent, 50),
            format!("{again}Infrastructure/NodeRefused"),
        ),
        ("A-REA-02: deleted and created anew", seen(evicted, 50), format!("{again}Infrastructure/Evicted")),
        (
            "A-EXE-04",
            away(PodFacts { deletion: deleted(60, 30), ..pod(running()) }),
            deleted_elsewhere.clone(),
        ),
        ("A-EXE-05: no other scheduler adopts pods here", away(pod(running())), deleted_elsewhere),
        (
            "A-EXE-07",
            seen(of_init, 50),
            "COLLECTING -> collect, then FAILED: User/InitContainerFailed in init, exit 1".to_owned(),
        ),
        (
            "A-DEF-04: what the base container did counts",
            seen(PodFacts { phase: Phase::Unknown, ..pod(ended(0)) }, 50),
            "COLLECTING -> collect, then SUCCEEDED".to_owned(),
        ),
    ] {
        let told = told(&created(), &observation);
        assert!(told.starts_with(&expected), "{id}: {told}");
    }
}

#[test]
fn of_several_pods_of_an_attempt_one_is_carried_on_with() {
    let candidate = |uid: &str, second: u64| Candidate {
        name: format!("pod-{uid}"),
        uid: uid.to_owned(),
        phase: Phase::Running,
        is_ending: false,
        created_at: Some(at(second)),
    };
    let found = [candidate("newer", 9), candidate("older", 3)];
    assert_eq!(keep(None, &found), Some("older"), "A-REA-05, an error there; A-REA-06, the newest there");
}

#[test]
fn a_busy_api_server_says_when_to_come_again() {
    let Refusal::Wait { seconds, .. } = judge(429, "", "", Some(15)) else { panic!("A-API-01: no wait") };
    assert_eq!(seconds, 15, "A-API-01");
}
