//! Why a run did not succeed: one object in every failed result.

use serde::{Deserialize, Serialize};

/// `{class, cause, container, exitCode, signal, message, hint, evidence}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Diagnosis {
    /// Whose matter it is.
    pub class: Class,
    /// What happened; a closed list.
    pub cause: Cause,
    /// The container that gave the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// Its exit code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The signal that ended it, as far as the exit code tells (code minus 128 for 129 to 159).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// One sentence with the facts.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// What was seen: container states, conditions and events, one line each, most telling first.
    #[serde(default)]
    pub evidence: Vec<String>,
}

impl Diagnosis {
    /// A diagnosis that does not come from a pod; class and hint follow from the cause.
    pub fn new(cause: Cause, message: impl Into<String>) -> Self {
        super::diagnose::without_pod(cause, message)
    }
}

/// Whose matter a failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The task's own program.
    User,
    /// The task document or the cluster's configuration.
    Config,
    /// Nodes, evictions, the control plane.
    Infrastructure,
    /// Not enough room: scheduling, quota.
    Capacity,
    /// A time limit.
    Timeout,
    /// Somebody ended it.
    Cancelled,
    /// Longshore itself.
    Internal,
}

/// What happened. Stable names: `Catch` and `Retry` of a state machine may match them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// A deciding container ended with another code than 0.
    NonZeroExit,
    /// A container was killed for its memory.
    OomKilled,
    /// The program could not be started (not found, not executable).
    StartError,
    /// The image cannot be pulled.
    ImagePull,
    /// The image name is no valid reference.
    InvalidImageName,
    /// The image is not on the node and must not be pulled.
    ImageNeverPull,
    /// A secret, config map or setting that the container needs is missing or contradictory.
    ContainerConfig,
    /// A volume cannot be mounted.
    VolumeMount,
    /// No node fits.
    Unschedulable,
    /// A scheduling gate holds the pod.
    SchedulingGated,
    /// The node had no room after all (`OutOfcpu`, `OutOfmemory`, `NodeAffinity` …).
    NodeRefused,
    /// The namespace's quota is used up.
    QuotaExceeded,
    /// The kubelet or the API evicted the pod.
    Evicted,
    /// The node is gone or does not answer.
    NodeLost,
    /// A pod of higher priority took the place.
    Preempted,
    /// The node was shut down or the pod was removed with it.
    NodeShutdown,
    /// The main container did not start in time.
    WaitingDeadline,
    /// The pod did not become ready in time (`waitUntilReady`).
    ReadyDeadline,
    /// The run took longer than its limit.
    RunningDeadline,
    /// Somebody deleted the pod.
    PodDeleted,
    /// The pod is not there any more.
    PodVanished,
    /// An init container of the user failed.
    InitContainerFailed,
    /// A carrier failed.
    CarrierFailed,
    /// An input object cannot be read.
    InputMissing,
    /// A declared output is missing.
    OutputMissing,
    /// The return value is none that can be read.
    OutputInvalid,
    /// The log or the files could not be brought back.
    CollectionFailed,
    /// A hook or probe ended the container.
    ProbeOrHook,
    /// The container crashes again and again.
    CrashLoop,
    /// The API server refused for lack of rights.
    Forbidden,
    /// The API server or an admission plugin refused the pod.
    AdmissionRejected,
    /// Another object has the pod's name.
    NameTaken,
    /// The cluster could not be reached or its credentials were refused.
    ClusterUnreachable,
    /// The task names a cluster that `config/clusters.yaml` does not have.
    ClusterUnknown,
    /// Somebody asked for the end.
    Cancelled,
    /// Another submission of the run began an attempt of its own.
    Replaced,
    /// The submission cannot be carried out as written.
    InvalidSubmission,
    /// Longshore could not go on.
    Internal,
}
