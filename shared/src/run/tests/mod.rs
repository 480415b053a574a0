//! Tables and properties of the judgements, and the recorded pods.

mod absence;
mod airflow;
mod answer;
mod cached;
mod carriers;
mod decide;
mod delivery;
mod last_words;
mod limits;
mod rank;
mod readiness;
mod reasons;
mod recordings;
mod refusal;
mod retry;
mod roles;
mod succession;
mod tolerance;
mod total;
mod transition;

use jiff::Timestamp;
use serde_json::json;

use super::facts::{
    ContainerFacts, ContainerState, Deletion, Phase, PodFacts, Ready, Restart, Role, Scheduling, Termination,
};
use super::limits::later;
use super::observation::Observation;
use super::record::Record;
use super::transition::Acceptance;
use crate::resolve::plan::{ClusterChoice, Deciding, FilePlan, Limits, Plan, Target, TaskName};
use crate::spec::answer::Asked;
use crate::spec::retry::RetryPolicy;

/// The run is accepted at second 0; everything else is told in seconds from there.
pub(super) fn at(seconds: u64) -> Timestamp {
    later("2026-01-01T00:00:00Z".parse().unwrap(), seconds)
}

pub(super) fn plan() -> Plan {
    Plan {
        task: TaskName { id: "task".to_owned(), ..TaskName::default() },
        target: Target { cluster: ClusterChoice::Default, namespace: None, fallback: None },
        pod: json!({"spec": {"containers": [{"name": "main"}]}}),
        deciding: Deciding::Container("main".to_owned()),
        files: FilePlan::default(),
        limits: Limits {
            scheduling_seconds: None,
            waiting_seconds: 600,
            running_seconds: 3600,
            late_log_seconds: 30,
            ready_seconds: None,
        },
        retry: RetryPolicy::never(),
        delete: true,
        keep_failed: false,
        skip_exit_codes: Vec::new(),
        resume: true,
        fail_on_missing_outputs: false,
        skip: None,
        cache: None,
        allow_failure: false,
        allow_warning: false,
        priority: 0,
        warnings: Vec::new(),
    }
}

/// A run accepted at 0, without a pod.
pub(super) fn accepted() -> Record {
    Record::accepted(Acceptance {
        run_id: "run".to_owned(),
        group: "group".to_owned(),
        submission_hash: "hash".to_owned(),
        source: "test".to_owned(),
        hops: 0,
        accepted_at: at(0),
        writer: "writer".to_owned(),
        plan: plan(),
        pod_name: "pod-1".to_owned(),
        asked: Asked::default(),
        execution_id: None,
    })
}

/// A run whose pod was created at 10.
pub(super) fn created() -> Record {
    accepted().with_pod("uid-1", at(10))
}

/// The pod of [`created`], scheduled, with `main` in the given state.
pub(super) fn pod(main: ContainerState) -> PodFacts {
    PodFacts {
        name: "pod-1".to_owned(),
        uid: "uid-1".to_owned(),
        created_at: Some(at(10)),
        acknowledged_at: Some(at(10)),
        active_deadline_at: None,
        phase: Phase::Pending,
        reason: None,
        message: None,
        deletion: None,
        scheduling: Scheduling::Scheduled,
        scheduled_at: Some(at(10)),
        disruption: None,
        ready: Ready::Unknown,
        ready_changed_at: None,
        initialized_at: Some(at(10)),
        containers: vec![container("main", Role::Deciding, main)],
    }
}

pub(super) fn container(name: &str, role: Role, state: ContainerState) -> ContainerFacts {
    ContainerFacts { name: name.to_owned(), role, restart: Restart::Never, state, restarts: 0, last: None }
}

pub(super) fn waiting(reason: &str, message: &str) -> ContainerState {
    ContainerState::Waiting { reason: reason.to_owned(), message: message.to_owned() }
}

/// Running since second 20.
pub(super) fn running() -> ContainerState {
    ContainerState::Running { started_at: Some(at(20)) }
}

/// Ended at 40 after a start at 20.
pub(super) fn ended(exit_code: i32) -> ContainerState {
    let reason = if exit_code == 0 { "Completed" } else { "Error" };
    ContainerState::Terminated(Termination {
        exit_code,
        reason: reason.to_owned(),
        message: String::new(),
        started_at: Some(at(20)),
        finished_at: Some(at(40)),
    })
}

pub(super) fn deleted(deadline_seconds: u64, grace_seconds: u64) -> Option<Deletion> {
    Some(Deletion { deadline: at(deadline_seconds), grace_seconds })
}

/// Seen now, which is what `seconds` says.
pub(super) fn seen(pod: PodFacts, seconds: u64) -> Observation {
    Observation { seen_at: at(seconds), pod: Some(pod), gone: false }
}

pub(super) fn vanished(seconds: u64) -> Observation {
    Observation::gone(at(seconds))
}
