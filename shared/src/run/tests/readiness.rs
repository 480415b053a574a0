//! `waitUntilReady`.

use super::{at, created, ended, pod, running, seen, waiting};
use crate::run::facts::{PodFacts, Ready};
use crate::run::record::Record;
use crate::run::{decide, render};

fn record() -> Record {
    let mut record = created();
    record.plan.limits.ready_seconds = Some(60);
    record
}

fn not_ready(since: u64) -> PodFacts {
    let ready = Ready::False { reason: Some("ContainersNotReady".to_owned()) };
    PodFacts { ready, ready_changed_at: Some(at(since)), ..pod(running()) }
}

#[test]
fn a_pod_has_to_be_ready_in_time_and_may_stop_being_so_later() {
    let ready = |since| PodFacts { ready: Ready::True, ready_changed_at: Some(at(since)), ..pod(running()) };
    let unknown = || pod(waiting("ContainerCreating", ""));
    let late = "COLLECTING -> stop, collect, then TIMED_OUT: Timeout/ReadyDeadline";
    // created at 10: ready by 70
    for (case, facts, second, expected) in [
        ("not yet, and there is time", not_ready(10), 69, "RUNNING -> wait until +70 s"),
        ("the time is over", not_ready(10), 70, late),
        ("nothing was said yet", unknown(), 30, "PENDING -> wait until +70 s"),
        ("nothing was ever said", unknown(), 80, late),
        ("ready", ready(30), 80, "RUNNING -> wait until +3620 s"),
        ("ready, seen late", ready(75), 80, "RUNNING -> wait until +3620 s"),
        ("it was ready and is not any more", not_ready(75), 80, "RUNNING -> wait until +3620 s"),
        ("over before it was ready", pod(ended(0)), 80, "COLLECTING -> collect, then SUCCEEDED"),
    ] {
        let told = render::decision(&decide(&record(), &seen(facts, second), at(second)), at(0));
        assert_eq!(told, expected, "{case}");
    }
}

#[test]
fn without_a_time_nothing_has_to_be_ready() {
    let told = render::decision(&decide(&created(), &seen(not_ready(10), 500), at(500)), at(0));
    assert_eq!(told, "RUNNING -> wait until +3620 s");
}
