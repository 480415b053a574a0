//! One look at a run's pod, made from what the API server says. The only place of judgement that knows Kubernetes' own types.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::{
    Container, ContainerState as KubernetesState, ContainerStateTerminated, ContainerStatus, Event, Pod,
    PodCondition,
};
use serde::{Deserialize, Serialize};

use super::facts::{
    ContainerFacts, ContainerState, Deletion, Disruption, Phase, PodFacts, Ready, Role, Scheduling,
    Termination,
};
use super::rank::Candidate;
pub use super::roles::Roles;
use super::roles::restart;
use crate::pod::{INIT_CARRIER, OUT_CARRIER};
use crate::resolve::plan::Deciding;

/// What was seen of a run's pod, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When it was seen.
    pub seen_at: Timestamp,
    /// The facts; for a pod that is gone, those of its last status, if that is known.
    pub pod: Option<PodFacts>,
    /// The API server does not have the pod any more.
    pub gone: bool,
}

impl Observation {
    /// The pod as it is.
    pub fn of(pod: &Pod, roles: &Roles, seen_at: Timestamp) -> Self {
        Observation { seen_at, pod: Some(facts(pod, roles)), gone: false }
    }

    /// No such pod.
    pub fn gone(seen_at: Timestamp) -> Self {
        Observation { seen_at, pod: None, gone: true }
    }

    /// The pod is gone and this is its last status: the object of a watch's `DELETED` event. It may tell how the main container ended.
    pub fn last(pod: &Pod, roles: &Roles, seen_at: Timestamp) -> Self {
        Observation { seen_at, pod: Some(facts(pod, roles)), gone: true }
    }
}

impl Roles {
    /// For a pod whose plan is not known: the container `main_container`, else the one called `main`, else the first that is no carrier.
    pub fn guess(pod: &Pod, main_container: Option<&str>) -> Self {
        let names: Vec<&str> = pod
            .spec
            .iter()
            .flat_map(|spec| &spec.containers)
            .map(|container| container.name.as_str())
            .collect();
        let main = main_container
            .or_else(|| names.iter().copied().find(|name| *name == "main"))
            .or_else(|| names.iter().copied().find(|name| *name != OUT_CARRIER))
            .unwrap_or("main");
        Roles { deciding: Deciding::Container(main.to_owned()), rules: Default::default() }
    }
}

impl Candidate {
    /// What decides whether an attempt carries on with the pod.
    pub fn of(pod: &Pod) -> Self {
        Candidate {
            name: pod.metadata.name.clone().unwrap_or_default(),
            uid: pod.metadata.uid.clone().unwrap_or_default(),
            phase: phase(pod.status.as_ref().and_then(|status| status.phase.as_deref())),
            is_ending: pod.metadata.deletion_timestamp.is_some(),
            created_at: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
        }
    }
}

/// An event about the pod, as far as it matters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventFact {
    /// `Normal` or `Warning`.
    pub kind: String,
    /// One of [`super::reasons::EVENT_REASONS`] or another.
    pub reason: String,
    /// For people.
    pub message: String,
    /// How often it was seen.
    pub count: u32,
    /// When it was seen last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    /// The container it is about: `spec.containers{main}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field_path: Option<String>,
}

impl EventFact {
    /// The facts of a core/v1 event. The scheduler's have neither count nor timestamps but `eventTime`.
    pub fn of(event: &Event) -> Self {
        let series = event.series.as_ref();
        let count = series.and_then(|series| series.count).or(event.count).unwrap_or(1);
        EventFact {
            kind: event.type_.clone().unwrap_or_else(|| "Normal".to_owned()),
            reason: event.reason.clone().unwrap_or_default(),
            message: event.message.clone().unwrap_or_default(),
            count: u32::try_from(count).unwrap_or(1),
            last_at: series
                .and_then(|series| series.last_observed_time.as_ref())
                .map(|time| time.0)
                .or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
                .or_else(|| event.event_time.as_ref().map(|time| time.0))
                .or_else(|| event.first_timestamp.as_ref().map(|time| time.0)),
            field_path: event.involved_object.field_path.clone(),
        }
    }

    /// It warns.
    pub fn is_warning(&self) -> bool {
        self.kind == "Warning"
    }

    /// The container that it names.
    pub fn container(&self) -> Option<&str> {
        let (_, rest) = self.field_path.as_deref()?.split_once('{')?;
        rest.strip_suffix('}')
    }
}

fn facts(pod: &Pod, roles: &Roles) -> PodFacts {
    let status = pod.status.as_ref();
    let spec = pod.spec.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    let condition = |kind: &str| conditions.iter().find(|condition| condition.type_ == kind);
    let acknowledged_at = status.and_then(|status| status.start_time.as_ref()).map(|time| time.0);
    let active_deadline = spec.and_then(|spec| spec.active_deadline_seconds).map(SignedDuration::from_secs);
    PodFacts {
        name: pod.metadata.name.clone().unwrap_or_default(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
        created_at: pod.metadata.creation_timestamp.as_ref().map(|time| time.0),
        acknowledged_at,
        active_deadline_at: acknowledged_at
            .zip(active_deadline)
            .and_then(|(start, duration)| start.checked_add(duration).ok()),
        phase: phase(status.and_then(|status| status.phase.as_deref())),
        reason: status.and_then(|status| status.reason.clone()),
        message: status.and_then(|status| status.message.clone()),
        deletion: pod.metadata.deletion_timestamp.as_ref().map(|time| Deletion {
            deadline: time.0,
            grace_seconds: pod
                .metadata
                .deletion_grace_period_seconds
                .and_then(|seconds| u64::try_from(seconds).ok())
                .unwrap_or(0),
        }),
        scheduling: scheduling(condition("PodScheduled")),
        scheduled_at: became_true(condition("PodScheduled")),
        disruption: condition("DisruptionTarget").filter(|found| found.status == "True").map(|found| {
            Disruption {
                reason: found.reason.clone().unwrap_or_default(),
                message: found.message.clone().unwrap_or_default(),
                since: found.last_transition_time.as_ref().map(|time| time.0),
            }
        }),
        ready_changed_at: condition("Ready")
            .and_then(|found| found.last_transition_time.as_ref())
            .map(|time| time.0),
        ready: ready(condition("Ready")),
        initialized_at: became_true(condition("Initialized")),
        containers: containers(pod, roles),
    }
}

/// When a condition became true; `None` when it is not.
fn became_true(condition: Option<&PodCondition>) -> Option<Timestamp> {
    let found = condition.filter(|found| found.status == "True")?;
    Some(found.last_transition_time.as_ref()?.0)
}

fn phase(phase: Option<&str>) -> Phase {
    match phase {
        Some("Pending") | None => Phase::Pending,
        Some("Running") => Phase::Running,
        Some("Succeeded") => Phase::Succeeded,
        Some("Failed") => Phase::Failed,
        Some(_) => Phase::Unknown,
    }
}

fn scheduling(condition: Option<&PodCondition>) -> Scheduling {
    match condition {
        None => Scheduling::Unknown,
        Some(found) if found.status == "True" => Scheduling::Scheduled,
        Some(found) if found.reason.as_deref() == Some("SchedulingGated") => Scheduling::Gated,
        Some(found) => Scheduling::Unschedulable { message: found.message.clone().unwrap_or_default() },
    }
}

fn ready(condition: Option<&PodCondition>) -> Ready {
    match condition {
        None => Ready::Unknown,
        Some(found) if found.status == "True" => Ready::True,
        Some(found) => Ready::False { reason: found.reason.clone() },
    }
}

fn containers(pod: &Pod, roles: &Roles) -> Vec<ContainerFacts> {
    let Some(spec) = pod.spec.as_ref() else {
        return Vec::new();
    };
    let status = pod.status.as_ref();
    let init_statuses =
        status.and_then(|status| status.init_container_statuses.as_deref()).unwrap_or_default();
    let statuses = status.and_then(|status| status.container_statuses.as_deref()).unwrap_or_default();
    let pod_policy = spec.restart_policy.as_deref();
    let init = spec.init_containers.iter().flatten().map(|container| {
        // A pod with restartPolicy Always repeats a failing init container like OnFailure: an end with 0 is final.
        let inherited = if pod_policy == Some("Never") { Some("Never") } else { Some("OnFailure") };
        container_facts(container, init_role(container), inherited, init_statuses, roles)
    });
    let ordinary = spec.containers.iter().map(|container| {
        container_facts(container, ordinary_role(&container.name, roles), pod_policy, statuses, roles)
    });
    init.chain(ordinary).collect()
}

fn init_role(container: &Container) -> Role {
    if container.name == INIT_CARRIER {
        Role::InitCarrier
    } else if container.restart_policy.as_deref() == Some("Always") {
        Role::NativeSidecar
    } else {
        Role::Init
    }
}

fn ordinary_role(name: &str, roles: &Roles) -> Role {
    if name == OUT_CARRIER {
        return Role::OutCarrier;
    }
    match &roles.deciding {
        Deciding::All => Role::Deciding,
        Deciding::Container(main) if main == name => Role::Deciding,
        Deciding::Container(_) => Role::Companion,
    }
}

fn container_facts(
    container: &Container,
    role: Role,
    inherited_policy: Option<&str>,
    statuses: &[ContainerStatus],
    roles: &Roles,
) -> ContainerFacts {
    let status = statuses.iter().find(|status| status.name == container.name);
    ContainerFacts {
        name: container.name.clone(),
        role,
        restart: restart(
            container.restart_policy.as_deref(),
            inherited_policy,
            roles.rules.get(&container.name),
        ),
        state: status.map_or(ContainerState::Absent, |status| state(status.state.as_ref())),
        restarts: status.map_or(0, |status| u32::try_from(status.restart_count).unwrap_or(0)),
        last: status
            .and_then(|status| status.last_state.as_ref())
            .and_then(|last| last.terminated.as_ref())
            .map(termination),
    }
}

/// No state at all means waiting, as the API's documentation has it.
fn state(state: Option<&KubernetesState>) -> ContainerState {
    let Some(state) = state else {
        return ContainerState::Waiting { reason: String::new(), message: String::new() };
    };
    if let Some(terminated) = &state.terminated {
        ContainerState::Terminated(termination(terminated))
    } else if let Some(running) = &state.running {
        ContainerState::Running { started_at: running.started_at.as_ref().map(|time| time.0) }
    } else {
        let waiting = state.waiting.clone().unwrap_or_default();
        ContainerState::Waiting {
            reason: waiting.reason.unwrap_or_default(),
            message: waiting.message.unwrap_or_default(),
        }
    }
}

fn termination(terminated: &ContainerStateTerminated) -> Termination {
    Termination {
        exit_code: terminated.exit_code,
        reason: terminated.reason.clone().unwrap_or_default(),
        message: terminated.message.clone().unwrap_or_default(),
        // A container that could not be started has 1970 here.
        started_at: terminated
            .started_at
            .as_ref()
            .map(|time| time.0)
            .filter(|started_at| *started_at > Timestamp::UNIX_EPOCH),
        finished_at: terminated.finished_at.as_ref().map(|time| time.0),
    }
}
