//! Properties: every combination has a decision, and what has ended stays ended.

use proptest::prelude::*;

use super::{accepted, at, created};
use crate::run::decision::{Decision, Next, Outcome};
use crate::run::facts::{
    ContainerFacts, ContainerState, Deletion, Disruption, Phase, PodFacts, Ready, Restart, Role, Scheduling,
    Termination,
};
use crate::run::observation::Observation;
use crate::run::reasons::{DISRUPTION_REASONS, POD_REASONS, TERMINATED_REASONS, WAITING_REASONS};
use crate::run::record::Record;
use crate::run::state::State;
use crate::run::{decide, diagnose};
use crate::spec::retry::Behavior;

const LAST_SECOND: u64 = 5_000;

fn one_of(names: Vec<&'static str>) -> impl Strategy<Value = String> {
    proptest::sample::select(names).prop_map(str::to_owned)
}

fn termination() -> impl Strategy<Value = Termination> {
    let reasons = TERMINATED_REASONS.iter().map(|row| row.0).chain(["Other"]).collect();
    (0_i32..160, one_of(reasons), any::<bool>(), 0..LAST_SECOND).prop_map(
        |(exit_code, reason, started, finished)| Termination {
            exit_code: if exit_code % 2 == 0 { 0 } else { exit_code },
            reason,
            message: String::new(),
            started_at: started.then(|| at(finished.saturating_sub(10))),
            finished_at: Some(at(finished)),
        },
    )
}

fn state() -> impl Strategy<Value = ContainerState> {
    let reasons = WAITING_REASONS.iter().map(|row| row.reason).chain(["", "Other"]).collect();
    prop_oneof![
        Just(ContainerState::Absent),
        (one_of(reasons), one_of(vec!["", "not found", "503 Service Unavailable"]))
            .prop_map(|(reason, message)| ContainerState::Waiting { reason, message }),
        (0..LAST_SECOND).prop_map(|second| ContainerState::Running { started_at: Some(at(second)) }),
        termination().prop_map(ContainerState::Terminated),
    ]
}

fn container() -> impl Strategy<Value = ContainerFacts> {
    let role = proptest::sample::select(vec![
        Role::Deciding,
        Role::Companion,
        Role::InitCarrier,
        Role::OutCarrier,
        Role::Init,
        Role::NativeSidecar,
    ]);
    let restart = proptest::sample::select(vec![Restart::Never, Restart::OnFailure, Restart::Always]);
    (role, restart, state(), 0_u32..4, proptest::option::of(termination())).prop_map(
        |(role, restart, state, restarts, last)| ContainerFacts {
            name: format!("{role:?}"),
            role,
            restart,
            state,
            restarts,
            last,
        },
    )
}

fn pod() -> impl Strategy<Value = PodFacts> {
    let phase = proptest::sample::select(vec![
        Phase::Pending,
        Phase::Running,
        Phase::Succeeded,
        Phase::Failed,
        Phase::Unknown,
    ]);
    let pod_reasons = POD_REASONS.iter().map(|row| row.0).chain(["Other"]).collect();
    let disruptions = DISRUPTION_REASONS.iter().map(|row| row.0).chain(["Other"]).collect();
    let scheduling = prop_oneof![
        Just(Scheduling::Unknown),
        Just(Scheduling::Scheduled),
        Just(Scheduling::Gated),
        Just(Scheduling::Unschedulable { message: "0/1 nodes".to_owned() }),
    ];
    (
        phase,
        proptest::option::of(one_of(pod_reasons)),
        proptest::option::of((0..LAST_SECOND, 0_u64..60)),
        proptest::option::of((one_of(disruptions), 0..LAST_SECOND)),
        scheduling,
        proptest::option::of(0..LAST_SECOND),
        any::<bool>(),
        proptest::collection::vec(container(), 0..4),
    )
        .prop_map(|(phase, reason, deletion, disruption, scheduling, deadline, silent, containers)| {
            PodFacts {
                name: "pod-1".to_owned(),
                uid: "uid-1".to_owned(),
                created_at: Some(at(10)),
                acknowledged_at: Some(at(10)),
                active_deadline_at: deadline.map(at),
                phase,
                reason,
                message: None,
                deletion: deletion
                    .map(|(deadline, grace_seconds)| Deletion { deadline: at(deadline), grace_seconds }),
                scheduling,
                scheduled_at: None,
                disruption: disruption.map(|(reason, since)| Disruption {
                    reason,
                    message: String::new(),
                    since: Some(at(since)),
                }),
                ready: if silent { Ready::False { reason: None } } else { Ready::True },
                ready_changed_at: None,
                initialized_at: None,
                containers,
            }
        })
}

fn observation() -> impl Strategy<Value = Observation> {
    (proptest::option::of(pod()), any::<bool>(), 0..LAST_SECOND).prop_map(|(pod, gone, second)| Observation {
        seen_at: at(second),
        gone: gone || pod.is_none(),
        pod,
    })
}

fn record() -> impl Strategy<Value = Record> {
    (
        any::<bool>(),
        any::<bool>(),
        proptest::option::of(0..LAST_SECOND),
        1_u32..4,
        0_u32..5,
        any::<(bool, bool)>(),
    )
        .prop_map(|(has_pod, cancelled, not_before, max_attempts, free, (anew, ready))| {
            let record = if has_pod { created() } else { accepted() };
            let mut record = if cancelled { record.cancelled(at(5), "by id") } else { record };
            record.not_before = not_before.map(at);
            record.plan.retry.max_attempts = max_attempts;
            if anew {
                record.plan.retry.behavior = Behavior::CreateNewExecution;
            }
            record.plan.limits.ready_seconds = ready.then_some(100);
            record.attempt.infrastructure_failures = free;
            record
        })
}

/// Every deciding container ended, with 0.
fn has_exited_0(observation: &Observation) -> bool {
    observation.pod.as_ref().is_some_and(|pod| {
        pod.deciding().next().is_some()
            && pod.deciding().all(|container| container.termination().is_some_and(|end| end.exit_code == 0))
    })
}

fn outcome(decision: &Decision) -> Option<&Outcome> {
    match &decision.next {
        Next::Collect(ending) | Next::End(ending) => Some(&ending.outcome),
        Next::Wait { .. } | Next::Create => None,
    }
}

proptest! {
    #[test]
    fn every_combination_has_a_decision_that_makes_sense(record in record(), observation in observation()) {
        let now = observation.seen_at;
        let decision = decide(&record, &observation, now);
        prop_assert_eq!(&decision, &decide(&record, &observation, now));
        match &decision.next {
            // A wait that is over already would be a loop.
            Next::Wait { until } => prop_assert!(*until > now),
            Next::Create => prop_assert!(!record.has_pod() && record.cancel.is_none() && observation.pod.is_none()),
            Next::Collect(ending) => {
                prop_assert!(!observation.gone);
                prop_assert!(!ending.stop || ending.outcome != Outcome::Finish(State::Succeeded));
            }
            Next::End(ending) => prop_assert!(observation.gone && !ending.stop),
        }
        match outcome(&decision) {
            Some(Outcome::Finish(state)) => {
                prop_assert!(state.is_terminal());
                prop_assert!(*state != State::Succeeded || has_exited_0(&observation));
            }
            Some(Outcome::Retry { not_before, .. }) => prop_assert!(*not_before >= now && record.cancel.is_none()),
            Some(Outcome::NewRun { state, not_before }) => {
                prop_assert!(state.is_terminal() && *state != State::Succeeded && *not_before >= now && record.cancel.is_none());
            }
            None => prop_assert!(record.cancel.is_none()),
        }
    }

    #[test]
    fn waiting_ends_by_itself_after_a_few_looks(record in record(), observation in observation()) {
        let mut observation = observation;
        for _ in 0..8 {
            let decision = decide(&record, &observation, observation.seen_at);
            match decision.next {
                Next::Wait { until } => observation.seen_at = until,
                Next::Create | Next::Collect(_) | Next::End(_) => return Ok(()),
            }
        }
        prop_assert!(false, "still waiting at {}", observation.seen_at);
    }

    #[test]
    fn an_ended_pod_stays_ended_as_time_goes_by(record in record(), observation in observation(), later in 0..LAST_SECOND) {
        let decision = decide(&record, &observation, observation.seen_at);
        if outcome(&decision).is_some() {
            let afterwards = Observation { seen_at: observation.seen_at.max(at(later)), ..observation };
            prop_assert!(outcome(&decide(&record, &afterwards, afterwards.seen_at)).is_some());
        }
    }

    #[test]
    fn a_settled_ending_is_never_changed(first in observation(), second in observation()) {
        let decision = decide(&created(), &first, first.seen_at);
        if let Next::Collect(ending) | Next::End(ending) = decision.next {
            let settled = created().settled(ending.clone());
            let again = decide(&settled, &second, second.seen_at);
            prop_assert_eq!(outcome(&again), Some(&ending.outcome));
        }
    }

    #[test]
    fn every_pod_has_a_diagnosis_with_a_hint(observation in observation()) {
        let diagnosis = diagnose(&observation, &[]);
        prop_assert!(!diagnosis.message.is_empty() && !diagnosis.hint.is_empty());
    }
}
