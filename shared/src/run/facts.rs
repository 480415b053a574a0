//! What matters of a pod: plain facts, without the thousand fields that do not decide anything.

use jiff::Timestamp;

/// A pod's own uid, phase, conditions and containers, as one look at it showed them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodFacts {
    /// `metadata.name`.
    pub name: String,
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.creationTimestamp`, by the API server's clock.
    pub created_at: Option<Timestamp>,
    /// `status.startTime`: the kubelet has seen the pod.
    pub acknowledged_at: Option<Timestamp>,
    /// `status.startTime` plus `spec.activeDeadlineSeconds`: when the kubelet ends it.
    pub active_deadline_at: Option<Timestamp>,
    /// `status.phase`; it lags behind the container states by up to some seconds.
    pub phase: Phase,
    /// `status.reason`, one of [`super::reasons::POD_REASONS`] or a newer one.
    pub reason: Option<String>,
    /// `status.message`, for people.
    pub message: Option<String>,
    /// Somebody asked for the pod's deletion.
    pub deletion: Option<Deletion>,
    /// Condition `PodScheduled`.
    pub scheduling: Scheduling,
    /// When that condition became true: the pod has its node since then.
    pub scheduled_at: Option<Timestamp>,
    /// Condition `DisruptionTarget`, when true.
    pub disruption: Option<Disruption>,
    /// Condition `Ready`.
    pub ready: Ready,
    /// When that condition last changed.
    pub ready_changed_at: Option<Timestamp>,
    /// When condition `Initialized` became true: the init containers are done.
    pub initialized_at: Option<Timestamp>,
    /// Init containers first, each in the order of the spec.
    pub containers: Vec<ContainerFacts>,
}

/// `status.phase`. Never the ground of a success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not all containers have been started.
    Pending,
    /// At least one container runs, or is being restarted.
    Running,
    /// Every container ended with 0.
    Succeeded,
    /// Every container ended, one of them not with 0; or the pod was ended from outside.
    Failed,
    /// The node does not tell; also any phase that is not known here.
    Unknown,
}

/// `metadata.deletionTimestamp` and what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// When the pod should be gone: the time of the request plus the grace. It can move back once the kubelet has finished.
    pub deadline: Timestamp,
    /// `metadata.deletionGracePeriodSeconds`; 0 once the kubelet has finished.
    pub grace_seconds: u64,
}

/// Whether the pod has a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheduling {
    /// Nothing was said yet.
    Unknown,
    /// It has a node.
    Scheduled,
    /// The scheduler found none.
    Unschedulable {
        /// Its words: how many nodes, and what was wrong with each.
        message: String,
    },
    /// A scheduling gate holds the pod.
    Gated,
}

/// Condition `DisruptionTarget`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disruption {
    /// One of [`super::reasons::DISRUPTION_REASONS`] or a newer one.
    pub reason: String,
    /// For people.
    pub message: String,
    /// When the condition became true.
    pub since: Option<Timestamp>,
}

/// Condition `Ready`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// Nothing was said yet.
    Unknown,
    /// Every container is ready.
    True,
    /// Not every container is ready.
    False {
        /// The kubelet always gives a reason; the node controller, which speaks for a node that went silent, gives none.
        reason: Option<String>,
    },
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerFacts {
    /// Its name.
    pub name: String,
    /// What it is in the run.
    pub role: Role,
    /// What the kubelet does when it ends.
    pub restart: Restart,
    /// Its state.
    pub state: ContainerState,
    /// `restartCount`.
    pub restarts: u32,
    /// `lastState.terminated`: how the instance before this one ended.
    pub last: Option<Termination>,
}

/// What a container is in the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It says how the run ended.
    Deciding,
    /// An ordinary container beside the deciding one; it is ended with it and only warns.
    Companion,
    /// The carrier that fetches files before the main container starts.
    InitCarrier,
    /// The carrier that keeps the volume reachable afterwards.
    OutCarrier,
    /// An init container of the user.
    Init,
    /// An init container with `restartPolicy: Always`.
    NativeSidecar,
}

/// What the kubelet does when a container has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Restart {
    /// It stays ended.
    Never,
    /// It is started again unless it ended with 0.
    OnFailure,
    /// It is started again in any case.
    Always,
    /// `restartPolicyRules` of the container: started again when one matches, else as `otherwise` says.
    Rules {
        /// In order; the first that matches decides.
        rules: Vec<RestartRule>,
        /// Starts again after an end with another code than 0.
        otherwise_on_failure: bool,
    },
}

/// One of a container's `restartPolicyRules` with action `Restart`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartRule {
    /// `NotIn` instead of `In`.
    pub negated: bool,
    /// Exit codes.
    pub exit_codes: Vec<i32>,
}

/// `state` of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerState {
    /// The pod's status does not mention it.
    Absent,
    /// It has not started, or waits for a restart.
    Waiting {
        /// One of [`super::reasons::WAITING_REASONS`] or a newer one; empty when none was given.
        reason: String,
        /// For people.
        message: String,
    },
    /// It runs, as far as the node told last.
    Running {
        /// When it started.
        started_at: Option<Timestamp>,
    },
    /// It ended.
    Terminated(Termination),
}

/// How a container ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Termination {
    /// 128 plus the signal for a process that died of one.
    pub exit_code: i32,
    /// One of [`super::reasons::TERMINATED_REASONS`] or a newer one.
    pub reason: String,
    /// The termination message: what the program left in `/dev/termination-log`, or the runtime's error.
    pub message: String,
    /// `None` when it never really started (the runtime then says 1970).
    pub started_at: Option<Timestamp>,
    /// In whole seconds.
    pub finished_at: Option<Timestamp>,
}

impl Phase {
    /// Nothing runs any more and nothing will.
    pub fn is_terminal(self) -> bool {
        match self {
            Phase::Succeeded | Phase::Failed => true,
            Phase::Pending | Phase::Running | Phase::Unknown => false,
        }
    }

    /// As Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Phase::Pending => "Pending",
            Phase::Running => "Running",
            Phase::Succeeded => "Succeeded",
            Phase::Failed => "Failed",
            Phase::Unknown => "Unknown",
        }
    }
}

impl Restart {
    /// The kubelet starts the container again after this exit code.
    pub fn follows(&self, exit_code: i32) -> bool {
        match self {
            Restart::Never => false,
            Restart::OnFailure => exit_code != 0,
            Restart::Always => true,
            Restart::Rules { rules, otherwise_on_failure } => {
                rules.iter().any(|rule| rule.exit_codes.contains(&exit_code) != rule.negated)
                    || (*otherwise_on_failure && exit_code != 0)
            }
        }
    }
}

impl ContainerFacts {
    /// How it ended, if it has.
    pub fn termination(&self) -> Option<&Termination> {
        match &self.state {
            ContainerState::Terminated(termination) => Some(termination),
            ContainerState::Absent | ContainerState::Waiting { .. } | ContainerState::Running { .. } => None,
        }
    }

    /// It runs, as far as the node told last.
    pub fn is_running(&self) -> bool {
        matches!(self.state, ContainerState::Running { .. })
    }

    /// It runs, has run or has ended, in whatever way.
    pub fn has_begun(&self) -> bool {
        self.has_started() || self.termination().is_some()
    }

    /// It has been started at least once, as far as its status tells.
    pub fn has_started(&self) -> bool {
        match &self.state {
            ContainerState::Running { .. } => true,
            ContainerState::Terminated(termination) => termination.started_at.is_some() || self.restarts > 0,
            ContainerState::Waiting { .. } | ContainerState::Absent => {
                self.restarts > 0 || self.last.is_some()
            }
        }
    }
}
