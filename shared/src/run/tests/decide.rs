use super::{accepted, at, container, created, deleted, ended, pod, running, seen, vanished, waiting};
use crate::run::decide;
use crate::run::decision::{Ending, Next, Outcome};
use crate::run::diagnosis::Cause;
use crate::run::facts::{
    ContainerState, Disruption, Phase, PodFacts, Ready, Restart, Role, Scheduling, Termination,
};
use crate::run::observation::{EventFact, Observation};
use crate::run::record::Record;
use crate::run::render;
use crate::run::state::State;

/// The decision as text; times from the acceptance on.
fn told(record: &Record, observation: &Observation) -> String {
    render::decision(&decide(record, observation, observation.seen_at), at(0))
}

#[test]
fn a_run_without_a_pod_is_created_waited_for_cancelled_or_vanished() {
    let cases = [
        ("just accepted", accepted(), "ACCEPTED -> create"),
        ("told to wait", accepted().waiting(at(90), "quota"), "ACCEPTED -> wait until +90 s"),
        ("the wait is over", accepted().waiting(at(50), "quota"), "ACCEPTED -> create"),
        (
            "cancelled before its pod",
            accepted().cancelled(at(5), "by id"),
            "CANCELLED -> end: CANCELLED: Cancelled/Cancelled",
        ),
        ("had a pod", created(), "FAILED -> end: FAILED: Infrastructure/PodVanished"),
        (
            "cancelled, and its pod is gone",
            created().cancelled(at(5), "by id"),
            "CANCELLED -> end: CANCELLED: Cancelled/Cancelled",
        ),
    ];
    for (case, record, expected) in cases {
        assert_eq!(told(&record, &vanished(50)), expected, "{case}");
    }
}

#[test]
fn a_pod_with_another_uid_is_not_ours() {
    let somebody_elses = PodFacts { uid: "uid-2".to_owned(), ..pod(ended(0)) };
    assert_eq!(
        told(&created(), &seen(somebody_elses, 50)),
        "FAILED -> end: FAILED: Infrastructure/PodVanished"
    );
}

#[test]
fn a_pod_found_before_its_uid_was_written_is_ours() {
    assert_eq!(told(&accepted(), &seen(pod(ended(0)), 50)), "COLLECTING -> collect, then SUCCEEDED");
}

#[test]
fn waiting_and_running_limits_end_the_attempt_when_they_are_reached_and_not_before() {
    let creating = || pod(waiting("ContainerCreating", ""));
    let unschedulable = || PodFacts {
        scheduling: Scheduling::Unschedulable { message: "0/3 nodes".to_owned() },
        ..pod(waiting("", ""))
    };
    let pulling = || pod(waiting("ImagePullBackOff", "429 Too Many Requests"));
    let cases = [
        ("before the waiting limit", creating(), 609, "PENDING -> wait until +610 s"),
        (
            "at the waiting limit",
            creating(),
            610,
            "COLLECTING -> stop, collect, then TIMED_OUT: Timeout/WaitingDeadline",
        ),
        ("no node", unschedulable(), 609, "PENDING -> wait until +610 s"),
        (
            "no node, too long",
            unschedulable(),
            610,
            "COLLECTING -> stop, collect, then TIMED_OUT: Capacity/Unschedulable",
        ),
        ("the registry is busy", pulling(), 609, "PENDING -> wait until +610 s"),
        (
            "the registry is busy, too long",
            pulling(),
            610,
            "COLLECTING -> stop, collect, then TIMED_OUT: Infrastructure/ImagePull in main",
        ),
        ("before the running limit", pod(running()), 3619, "RUNNING -> wait until +3620 s"),
        (
            "at the running limit",
            pod(running()),
            3620,
            "COLLECTING -> stop, collect, then TIMED_OUT: Timeout/RunningDeadline",
        ),
        ("ended late but by itself", pod(ended(0)), 9000, "COLLECTING -> collect, then SUCCEEDED"),
    ];
    for (case, pod, now, expected) in cases {
        assert_eq!(told(&created(), &seen(pod, now)), expected, "{case}");
    }
}

#[test]
fn a_start_that_cannot_come_about_ends_at_once_or_after_its_grace() {
    let cases = [
        ("InvalidImageName", 11, "FAILED: Config/InvalidImageName in main"),
        ("ErrImageNeverPull", 11, "FAILED: Config/ImageNeverPull in main"),
        ("CreateContainerConfigError", 11, "FAILED: Config/ContainerConfig in main"),
        ("ErrImagePull", 70, "FAILED: Config/ImagePull in main"),
        ("ImagePullBackOff", 70, "FAILED: Config/ImagePull in main"),
        ("CreateContainerError", 70, "FAILED: Config/StartError in main"),
    ];
    for (reason, now, expected) in cases {
        let observation = seen(pod(waiting(reason, "no such thing")), now);
        assert_eq!(
            told(&created(), &observation),
            format!("COLLECTING -> stop, collect, then {expected}"),
            "{reason}"
        );
    }
    for reason in ["ErrImagePull", "ImagePullBackOff", "CreateContainerError"] {
        let observation = seen(pod(waiting(reason, "no such thing")), 69);
        assert_eq!(told(&created(), &observation), "PENDING -> wait until +70 s", "{reason}");
    }
}

#[test]
fn the_grace_of_an_image_begins_when_the_kubelet_does_and_not_while_the_pod_waited_for_a_node() {
    let late_node = PodFacts { acknowledged_at: Some(at(300)), ..pod(waiting("ErrImagePull", "not found")) };
    assert_eq!(told(&created(), &seen(late_node, 310)), "PENDING -> wait until +360 s");
}

#[test]
fn a_companion_neither_holds_the_run_up_nor_fails_it() {
    let beside = |main, companion| PodFacts {
        containers: vec![
            container("main", Role::Deciding, main),
            container("side", Role::Companion, companion),
        ],
        ..pod(running())
    };
    let cases = [
        (running(), waiting("InvalidImageName", ""), "RUNNING -> wait until +3620 s"),
        (running(), ended(9), "RUNNING -> wait until +3620 s"),
        (ended(0), running(), "COLLECTING -> collect, then SUCCEEDED"),
        (
            ended(0),
            ended(9),
            "COLLECTING -> collect, then SUCCEEDED; warning: container `side` beside the main one failed with exit code 9",
        ),
        (ended(4), running(), "COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 4"),
        (
            ended(0),
            waiting("InvalidImageName", ""),
            "COLLECTING -> collect, then SUCCEEDED; warning: container `side` beside the main one did not start: InvalidImageName",
        ),
    ];
    for (main, companion, expected) in cases {
        assert_eq!(told(&created(), &seen(beside(main, companion), 50)), expected);
    }
}

#[test]
fn when_all_containers_decide_the_run_is_over_with_the_last_and_every_one_counts() {
    let both = |one, other| PodFacts {
        containers: vec![container("one", Role::Deciding, one), container("other", Role::Deciding, other)],
        ..pod(running())
    };
    let cases = [
        (ended(0), running(), "RUNNING -> wait until +3620 s"),
        (ended(1), running(), "RUNNING -> wait until +3620 s"),
        (ended(0), ended(0), "COLLECTING -> collect, then SUCCEEDED"),
        (ended(0), ended(2), "COLLECTING -> collect, then FAILED: User/NonZeroExit in other, exit 2"),
        (running(), waiting("ContainerCreating", ""), "RUNNING -> wait until +610 s"),
        (
            running(),
            waiting("InvalidImageName", ""),
            "COLLECTING -> stop, collect, then FAILED: Config/InvalidImageName in other",
        ),
    ];
    for (one, other, expected) in cases {
        assert_eq!(told(&created(), &seen(both(one, other), 50)), expected);
    }
}

#[test]
fn a_container_that_will_be_started_again_has_not_ended() {
    let with = |restart, exit_code| {
        let mut pod = pod(ended(exit_code));
        pod.containers[0].restart = restart;
        pod
    };
    let cases = [
        (Restart::OnFailure, 1, "RUNNING -> wait until +3620 s"),
        (Restart::OnFailure, 0, "COLLECTING -> collect, then SUCCEEDED"),
        (Restart::Always, 0, "RUNNING -> wait until +3620 s"),
        (Restart::Never, 1, "COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 1"),
    ];
    for (restart, exit_code, expected) in cases {
        assert_eq!(told(&created(), &seen(with(restart, exit_code), 50)), expected);
    }
}

#[test]
fn a_cancel_stops_what_runs_and_keeps_what_has_ended() {
    let cancelled = created().cancelled(at(30), "by id");
    let cases = [
        (pod(running()), "COLLECTING -> stop, collect, then CANCELLED: Cancelled/Cancelled"),
        (
            pod(waiting("ContainerCreating", "")),
            "COLLECTING -> stop, collect, then CANCELLED: Cancelled/Cancelled",
        ),
        (pod(ended(0)), "COLLECTING -> collect, then CANCELLED: Cancelled/Cancelled"),
    ];
    for (pod, expected) in cases {
        assert_eq!(told(&cancelled, &seen(pod, 50)), expected);
    }
}

#[test]
fn a_deleted_pod_comes_to_its_own_end_unless_its_node_is_lost() {
    let terminating = |state| PodFacts { deletion: deleted(60, 30), ..pod(state) };
    let silent = || PodFacts { ready: Ready::False { reason: None }, ..terminating(running()) };
    let cases = [
        ("still running", terminating(running()), 50, "RUNNING -> wait until +120 s"),
        (
            "ended with 143",
            terminating(ended(143)),
            50,
            "COLLECTING -> collect, then FAILED: Cancelled/PodDeleted in main, exit 143, signal 15",
        ),
        (
            "had ended before",
            PodFacts { deletion: deleted(110, 30), ..pod(ended(3)) },
            90,
            "COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 3",
        ),
        ("never confirmed", silent(), 119, "RUNNING -> wait until +120 s"),
        (
            "held by a finalizer, without a node",
            PodFacts { scheduling: Scheduling::Unknown, ..terminating(waiting("", "")) },
            120,
            "COLLECTING -> collect, then FAILED: Cancelled/PodDeleted",
        ),
        (
            "never confirmed, too long",
            silent(),
            120,
            "COLLECTING -> collect, then FAILED: Infrastructure/NodeLost",
        ),
    ];
    for (case, pod, now, expected) in cases {
        assert_eq!(told(&created(), &seen(pod, now)), expected, "{case}");
    }
}

#[test]
fn a_pod_deleted_because_its_limit_was_over_timed_out() {
    let mut late = pod(ended(143));
    if let ContainerState::Terminated(end) = &mut late.containers[0].state {
        end.finished_at = Some(at(3625));
    }
    late.deletion = deleted(3650, 30);
    assert_eq!(
        told(&created(), &seen(late, 3626)),
        "COLLECTING -> collect, then TIMED_OUT: Timeout/RunningDeadline"
    );
    let never = PodFacts { deletion: deleted(640, 30), ..pod(waiting("ContainerCreating", "")) };
    let gone = Observation { gone: true, ..seen(never, 615) };
    assert_eq!(told(&created(), &gone), "TIMED_OUT -> end: TIMED_OUT: Timeout/WaitingDeadline");
}

#[test]
fn a_disruption_counts_only_while_the_main_container_had_not_ended() {
    let disrupted = |since| PodFacts {
        disruption: Some(Disruption {
            reason: "EvictionByEvictionAPI".to_owned(),
            message: "evicting".to_owned(),
            since: Some(at(since)),
        }),
        ..pod(ended(3))
    };
    let by_itself = "COLLECTING -> collect, then FAILED: User/NonZeroExit in main, exit 3";
    let evicted = "COLLECTING -> collect, then FAILED: Infrastructure/Evicted in main, exit 3";
    assert_eq!(told(&created(), &seen(disrupted(41), 50)), by_itself);
    assert_eq!(told(&created(), &seen(disrupted(30), 50)), evicted);
}

#[test]
fn a_settled_ending_absorbs_and_only_a_cancel_goes_before_another_attempt() {
    let timed_out = Ending {
        outcome: Outcome::Finish(State::TimedOut),
        diagnosis: None,
        stop: true,
        warnings: Vec::new(),
    };
    let again =
        Ending { outcome: Outcome::Retry { not_before: at(100), counted: true }, ..timed_out.clone() };
    let finished = created().settled(timed_out);
    assert_eq!(told(&finished, &seen(pod(running()), 50)), "COLLECTING -> stop, collect, then TIMED_OUT");
    assert_eq!(told(&finished, &seen(pod(ended(0)), 50)), "COLLECTING -> collect, then TIMED_OUT");
    assert_eq!(told(&finished, &vanished(50)), "TIMED_OUT -> end: TIMED_OUT");
    assert_eq!(told(&finished.cancelled(at(45), "by id"), &vanished(50)), "TIMED_OUT -> end: TIMED_OUT");
    let retried = created().settled(again);
    assert_eq!(told(&retried, &vanished(50)), "RETRYING -> end: RETRYING not before +100 s (counted)");
    assert_eq!(
        told(&retried.cancelled(at(45), "by id"), &vanished(50)),
        "CANCELLED -> end: CANCELLED: Cancelled/Cancelled"
    );
}

#[test]
fn the_last_status_of_a_pod_that_is_gone_still_tells_how_it_ended() {
    let gone = |state| Observation { gone: true, ..seen(pod(state), 50) };
    assert_eq!(told(&created(), &gone(ended(0))), "SUCCEEDED -> end: SUCCEEDED");
    assert_eq!(told(&created(), &gone(ended(3))), "FAILED -> end: FAILED: User/NonZeroExit in main, exit 3");
    assert_eq!(told(&created(), &gone(running())), "FAILED -> end: FAILED: Cancelled/PodDeleted");
}

#[test]
fn a_pod_that_says_succeeded_without_its_deciding_container_is_no_success() {
    let silent = PodFacts { phase: Phase::Succeeded, containers: Vec::new(), ..pod(running()) };
    let decision = decide(&created(), &seen(silent, 50), at(50));
    assert!(matches!(decision.next, Next::Collect(Ending { outcome: Outcome::Finish(State::Failed), .. })));
}

#[test]
fn the_events_of_a_pod_that_is_gone_tell_who_took_it() {
    for (reason, message, cause) in [
        ("Preempted", "Preempted by pod 1 on node n", Cause::Preempted),
        ("Evicted", "The node was low on resource: memory.", Cause::Evicted),
        ("TaintManagerEviction", "Cancelling deletion of Pod a/b", Cause::PodVanished),
        ("Killing", "Stopping container main", Cause::PodVanished),
    ] {
        let event = EventFact {
            kind: "Normal".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            count: 1,
            last_at: None,
            field_path: None,
        };
        let Next::End(ending) = decide(&created(), &vanished(50), at(50)).next else { panic!("{reason}") };
        let diagnosis = ending.with_events(&vanished(50), &[event]).diagnosis.unwrap();
        assert_eq!(diagnosis.cause, cause, "{}", diagnosis.message);
        if cause != Cause::PodVanished {
            assert!(diagnosis.message.ends_with(message), "{}", diagnosis.message);
        }
    }
}

#[test]
fn an_image_that_cannot_be_pulled_for_a_restart_has_the_grace_of_a_start() {
    let restarted = |reason: &str| {
        let mut pod = PodFacts { phase: Phase::Running, ..pod(waiting(reason, "connection refused")) };
        let main = pod.containers.first_mut().unwrap();
        main.restart = Restart::OnFailure;
        main.restarts = 1;
        main.last = match ended(1) {
            ContainerState::Terminated(end) => Some(Termination { finished_at: Some(at(1000)), ..end }),
            _ => None,
        };
        pod
    };
    for (seconds, expected) in [
        (1001, "RUNNING -> wait until +1060 s"),
        (1059, "RUNNING -> wait until +1060 s"),
        (1060, "COLLECTING -> stop, collect, then FAILED: Config/ImagePull in main"),
    ] {
        assert_eq!(told(&created(), &seen(restarted("ErrImagePull"), seconds)), expected, "{seconds}");
    }
}
