use super::{at, container, created, ended, pod, running, seen, waiting};
use crate::run::facts::{PodFacts, Role};
use crate::run::{decide, render};

fn told(init: crate::run::facts::ContainerState) -> String {
    let pod = PodFacts {
        containers: vec![
            container("init-files", Role::InitCarrier, init),
            container("main", Role::Deciding, waiting("PodInitializing", "")),
        ],
        ..pod(running())
    };
    render::decision(&decide(&created(), &seen(pod, 50), at(50)), at(0))
}

#[test]
fn a_carrier_that_cannot_fetch_fails_the_run_or_is_tried_again_by_its_exit_code() {
    let cases = [
        (77, "RETRYING not before +55 s (not counted): Infrastructure/CarrierFailed in init-files, exit 77"),
        (78, "FAILED: Config/CarrierFailed in init-files, exit 78"),
        (79, "FAILED: Config/CarrierFailed in init-files, exit 79"),
        (1, "RETRYING not before +55 s (not counted): Infrastructure/CarrierFailed in init-files, exit 1"),
    ];
    for (exit_code, expected) in cases {
        assert_eq!(told(ended(exit_code)), format!("COLLECTING -> collect, then {expected}"));
    }
    assert_eq!(told(ended(0)), "PENDING -> wait until +610 s");
}

#[test]
fn a_carrier_whose_image_is_missing_fails_the_run_before_the_task_begins_but_not_once_it_works() {
    let with = |main| PodFacts {
        containers: vec![
            container("main", Role::Deciding, main),
            container("out-files", Role::OutCarrier, waiting("InvalidImageName", "")),
        ],
        ..pod(running())
    };
    let told = |main| render::decision(&decide(&created(), &seen(with(main), 50), at(50)), at(0));
    assert_eq!(
        told(waiting("ContainerCreating", "")),
        "COLLECTING -> stop, collect, then FAILED: Config/InvalidImageName in out-files"
    );
    assert_eq!(told(running()), "RUNNING -> wait until +3620 s");
}
