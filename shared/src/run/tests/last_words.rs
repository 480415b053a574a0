//! What the last state of a pod settles.

use super::{at, created, ended, pod, running};
use crate::run::decision::{Ending, Outcome};
use crate::run::diagnosis::Diagnosis;
use crate::run::last_words::settled_by;
use crate::run::observation::Observation;
use crate::run::state::State;
use crate::run::transition::Successor;

fn last(main: crate::run::facts::ContainerState) -> Observation {
    Observation { seen_at: at(50), pod: Some(pod(main)), gone: true }
}

#[test]
fn the_last_state_of_a_pod_settles_how_its_attempt_ended() {
    let settled = settled_by(&created(), 1, &last(ended(0)), at(50)).unwrap();
    assert_eq!(settled.ending.unwrap().outcome, Outcome::Finish(State::Succeeded));
}

#[test]
fn the_last_state_of_a_pod_says_nothing_of_the_attempt_after_it() {
    let unexplained = Diagnosis::new(crate::run::diagnosis::Cause::PodDeleted, "gone");
    let next = created().next_attempt(Successor {
        pod_name: "pod-2".to_owned(),
        counted: true,
        not_before: at(45),
        diagnosis: unexplained,
        ended_at: at(45),
    });
    assert_eq!(settled_by(&next, 1, &last(ended(0)), at(50)), None);
}

#[test]
fn what_is_settled_or_asked_for_stays_as_it_is() {
    let ending = Ending::plain(State::TimedOut);
    assert_eq!(settled_by(&created().settled(ending), 1, &last(ended(0)), at(50)), None);
    assert_eq!(settled_by(&created().cancelled(at(30), "enough"), 1, &last(ended(0)), at(50)), None);
    let still_there = Observation { gone: false, ..last(running()) };
    assert_eq!(settled_by(&created(), 1, &still_there, at(50)), None);
}
