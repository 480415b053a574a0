//! The one table of foreign strings: every reason and every text of Kubernetes that a judgement depends on, with where it comes from.
//!
//! A reason that is not here is treated with patience: the run waits for its limit, and the diagnosis quotes it.

use super::diagnosis::{Cause, Class};

/// How long a waiting reason is borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Patience {
    /// Part of every start, or nothing known: until the waiting limit.
    Wait,
    /// It may pass by itself: [`super::limits::START_GRACE_SECONDS`].
    Grace,
    /// It will not pass by itself.
    None,
}

/// What a container's waiting reason means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The reason as the kubelet writes it.
    pub reason: &'static str,
    /// How long it is borne.
    pub patience: Patience,
    /// What it is called in a diagnosis; `None` for a normal part of a start.
    pub cause: Option<Cause>,
}

const fn waiting_row(reason: &'static str, patience: Patience, cause: Option<Cause>) -> Waiting {
    Waiting { reason, patience, cause }
}

/// `state.waiting.reason`.
///
/// Sources: `pkg/kubelet/images/types.go` (image errors), `pkg/kubelet/kuberuntime/kuberuntime_container.go` and
/// `pkg/kubelet/container/sync_result.go` (creation, start, signature), `pkg/kubelet/kubelet_pods.go` (`ContainerCreating`, `PodInitializing`), all in
/// <https://github.com/kubernetes/kubernetes/tree/v1.36.0>.
///
/// `CreateContainerConfigError` is not final in Kubernetes: the container starts once the missing secret or config map is there. A run still
/// ends at once, since its author is waiting and nobody is known to be about to create it.
pub const WAITING_REASONS: &[Waiting] = &[
    waiting_row("ContainerCreating", Patience::Wait, None),
    waiting_row("PodInitializing", Patience::Wait, None),
    waiting_row("ErrImagePull", Patience::Grace, Some(Cause::ImagePull)),
    waiting_row("ImagePullBackOff", Patience::Grace, Some(Cause::ImagePull)),
    waiting_row("ImageInspectError", Patience::Grace, Some(Cause::ImagePull)),
    waiting_row("RegistryUnavailable", Patience::Wait, Some(Cause::ImagePull)),
    waiting_row("SignatureValidationFailed", Patience::Grace, Some(Cause::ImagePull)),
    waiting_row("ErrImageNeverPull", Patience::None, Some(Cause::ImageNeverPull)),
    waiting_row("InvalidImageName", Patience::None, Some(Cause::InvalidImageName)),
    waiting_row("CreateContainerConfigError", Patience::None, Some(Cause::ContainerConfig)),
    waiting_row("CreateContainerError", Patience::Grace, Some(Cause::StartError)),
    waiting_row("RunContainerError", Patience::Grace, Some(Cause::StartError)),
    waiting_row("PreCreateHookError", Patience::Grace, Some(Cause::StartError)),
    waiting_row("PreStartHookError", Patience::Grace, Some(Cause::StartError)),
    waiting_row("PostStartHookError", Patience::Grace, Some(Cause::ProbeOrHook)),
    waiting_row("CrashLoopBackOff", Patience::Wait, Some(Cause::CrashLoop)),
];

/// The row of a waiting reason.
pub fn waiting(reason: &str) -> Option<&'static Waiting> {
    WAITING_REASONS.iter().find(|row| row.reason == reason)
}

/// Parts of an image-pull message that tell of trouble which passes: the registry's or the kubelet's limits on pulls, and answers of a registry or
/// a proxy that is overloaded. Compared in lower case, outside quotes and outside words with a slash (image names, URLs).
///
/// Sources: `ErrImagePull` with `pull QPS exceeded` is `pkg/kubelet/images/image_manager.go`; `toomanyrequests` is the error code of
/// <https://github.com/opencontainers/distribution-spec/blob/main/spec.md#error-codes>; the status texts are Go's `net/http` and those of
/// RFC 9110; `deadline exceeded` and `timeout` are Go's `context` and `net` packages.
pub const TRANSIENT_PULL_TEXTS: &[&str] = &[
    "pull qps exceeded",
    "toomanyrequests",
    "too many requests",
    "rate limit",
    "quota exceeded",
    "account limit",
    "temporarily unavailable",
    "timeout",
    "deadline exceeded",
    "internal server error",
    "bad gateway",
    "service unavailable",
    "gateway timeout",
];

/// An image-pull message tells of trouble that passes by itself.
pub fn is_transient_pull(message: &str) -> bool {
    let outside_quotes: String = message.split('"').step_by(2).collect::<Vec<_>>().join(" ");
    let words: Vec<&str> =
        outside_quotes.split_whitespace().filter(|word| *word == "i/o" || !word.contains('/')).collect();
    let text = words.join(" ").to_lowercase();
    TRANSIENT_PULL_TEXTS.iter().any(|transient| text.contains(transient))
}

/// What `status.reason` of a pod means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodReason {
    /// `activeDeadlineSeconds` is over.
    DeadlineExceeded,
    /// The kubelet needed the node's room, or the pod used more than it may.
    Evicted,
    /// A critical pod took the place.
    Preempted,
    /// The node is being shut down.
    NodeShutdown,
    /// The node does not answer.
    NodeLost,
    /// The kubelet refused to run the pod on its node.
    NodeRefused,
}

/// `status.reason` of a pod.
///
/// Sources: `pkg/kubelet/active_deadline.go`, `pkg/kubelet/eviction/helpers.go`, `pkg/kubelet/preemption/preemption.go`,
/// `pkg/kubelet/nodeshutdown/nodeshutdown_manager.go`, `pkg/util/node/node.go` (`NodeLost`); refusals:
/// `pkg/kubelet/lifecycle/predicate.go` and `handlers.go`, `pkg/kubelet/sysctl/allowlist.go`, `pkg/kubelet/cm/topologymanager/topology_manager.go`,
/// `pkg/kubelet/cm/cpumanager/policy_static.go`; all in <https://github.com/kubernetes/kubernetes/tree/v1.36.0>.
pub const POD_REASONS: &[(&str, PodReason)] = &[
    ("DeadlineExceeded", PodReason::DeadlineExceeded),
    ("Evicted", PodReason::Evicted),
    ("Preempting", PodReason::Preempted),
    ("Terminated", PodReason::NodeShutdown),
    ("NodeShutdown", PodReason::NodeShutdown),
    ("Shutdown", PodReason::NodeShutdown),
    ("NodeLost", PodReason::NodeLost),
    ("OutOfcpu", PodReason::NodeRefused),
    ("OutOfmemory", PodReason::NodeRefused),
    ("OutOfpods", PodReason::NodeRefused),
    ("OutOfephemeral-storage", PodReason::NodeRefused),
    ("NodeAffinity", PodReason::NodeRefused),
    ("NodeName", PodReason::NodeRefused),
    ("NodePorts", PodReason::NodeRefused),
    ("TaintToleration", PodReason::NodeRefused),
    ("UnexpectedAdmissionError", PodReason::NodeRefused),
    ("TopologyAffinityError", PodReason::NodeRefused),
    ("SMTAlignmentError", PodReason::NodeRefused),
    ("InvalidNodeInfo", PodReason::NodeRefused),
    ("PodOSSelectorNodeLabelDoesNotMatch", PodReason::NodeRefused),
    ("PodOSNotSupported", PodReason::NodeRefused),
    ("SupplementalGroupsPolicyNotSupported", PodReason::NodeRefused),
    ("InitContainerRestartPolicyForbidden", PodReason::NodeRefused),
    ("SysctlForbidden", PodReason::NodeRefused),
    ("AppArmor", PodReason::NodeRefused),
    ("UnexpectedPredicateFailureType", PodReason::NodeRefused),
    ("UnknownReason", PodReason::NodeRefused),
    ("VolumeAttachmentLimitExceeded", PodReason::NodeRefused),
];

/// What a pod's reason means. Every `OutOf…` is a refusal: the rest of the word is the resource, extended ones included.
pub fn pod(reason: Option<&str>) -> Option<PodReason> {
    let reason = reason?;
    POD_REASONS
        .iter()
        .find(|(known, _)| *known == reason)
        .map(|(_, meaning)| *meaning)
        .or_else(|| reason.starts_with("OutOf").then_some(PodReason::NodeRefused))
}

/// What the reason of an ended container means, beyond its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminatedReason {
    /// It ended with 0.
    Completed,
    /// It ended with another code; also a plain SIGKILL (137).
    Error,
    /// The kernel killed it, or a process in it, for its memory. The exit code may be 0.
    OomKilled,
    /// The runtime could not start it.
    StartError,
    /// The kubelet does not know how it ended, or whether it ever ran.
    StatusUnknown,
}

/// `state.terminated.reason`.
///
/// Sources: `pkg/kubelet/kubelet_pods.go` (`ContainerStatusUnknown`), <https://github.com/kubernetes/kubernetes/tree/v1.36.0>;
/// `internal/cri/server/container_status.go` and `container_start.go` of <https://github.com/containerd/containerd/tree/v2.3.0>
/// (`Completed`, `Error`, `OOMKilled`, `StartError`, `Unknown`); `ContainerCannotRun` is the older name of `StartError`.
pub const TERMINATED_REASONS: &[(&str, TerminatedReason)] = &[
    ("Completed", TerminatedReason::Completed),
    ("Error", TerminatedReason::Error),
    ("OOMKilled", TerminatedReason::OomKilled),
    ("StartError", TerminatedReason::StartError),
    ("ContainerCannotRun", TerminatedReason::StartError),
    ("ContainerStatusUnknown", TerminatedReason::StatusUnknown),
    ("Unknown", TerminatedReason::StatusUnknown),
];

/// What an ended container's reason means; an unknown one says no more than the exit code.
pub fn terminated(reason: &str) -> TerminatedReason {
    TERMINATED_REASONS
        .iter()
        .find(|(known, _)| *known == reason)
        .map_or(TerminatedReason::Error, |(_, meaning)| *meaning)
}

/// Reasons of condition `DisruptionTarget`.
///
/// Source: <https://kubernetes.io/docs/concepts/workloads/pods/disruptions/#pod-disruption-conditions>. `TerminationByKubelet` is a node-pressure
/// eviction or a node shutdown; the pod's own reason tells which. A taint eviction may be the end of a lost node: events tell.
pub const DISRUPTION_REASONS: &[(&str, Cause)] = &[
    ("PreemptionByScheduler", Cause::Preempted),
    ("DeletionByTaintManager", Cause::Evicted),
    ("EvictionByEvictionAPI", Cause::Evicted),
    ("DeletionByPodGC", Cause::NodeLost),
    ("TerminationByKubelet", Cause::Evicted),
];

/// What a disruption is called; an unknown one is an eviction.
pub fn disruption(reason: &str) -> Cause {
    DISRUPTION_REASONS.iter().find(|(known, _)| *known == reason).map_or(Cause::Evicted, |(_, cause)| *cause)
}

/// What an event adds to what the pod's status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventMeaning {
    /// No node fits.
    Unschedulable,
    /// A volume cannot be attached or mounted.
    VolumeMount,
    /// The image cannot be pulled; the message says why.
    Image,
    /// The secret with the registry's credentials is missing.
    PullSecretMissing,
    /// A probe failed.
    Probe,
    /// A lifecycle hook failed.
    Hook,
    /// The kubelet ends a container.
    Killing,
    /// The node stopped answering.
    NodeSilent,
    /// The pod's sandbox (network, runtime) cannot be made.
    Sandbox,
    /// A pod of higher priority takes the place.
    Preempted,
    /// The kubelet ends the pod.
    Evicted,
}

/// `reason` of an event.
///
/// Sources: `pkg/kubelet/events/event.go` (kubelet), `pkg/scheduler/schedule_one.go` (`FailedScheduling`),
/// `pkg/controller/nodelifecycle` and `pkg/controller/util/node/controller_utils.go` (`NodeNotReady`),
/// `pkg/controller/volume/attachdetach` (`FailedAttachVolume`), `pkg/scheduler/framework/preemption/executor.go` (`Preempted`),
/// `pkg/kubelet/eviction/helpers.go` (`Evicted`), all in <https://github.com/kubernetes/kubernetes/tree/v1.36.0>.
pub const EVENT_REASONS: &[(&str, EventMeaning)] = &[
    ("FailedScheduling", EventMeaning::Unschedulable),
    ("FailedMount", EventMeaning::VolumeMount),
    ("FailedAttachVolume", EventMeaning::VolumeMount),
    ("FailedMapVolume", EventMeaning::VolumeMount),
    ("Failed", EventMeaning::Image),
    ("InspectFailed", EventMeaning::Image),
    ("FailedToRetrieveImagePullSecret", EventMeaning::PullSecretMissing),
    ("Unhealthy", EventMeaning::Probe),
    ("FailedPostStartHook", EventMeaning::Hook),
    ("FailedPreStopHook", EventMeaning::Hook),
    ("Killing", EventMeaning::Killing),
    ("NodeNotReady", EventMeaning::NodeSilent),
    ("FailedCreatePodSandBox", EventMeaning::Sandbox),
    ("NetworkNotReady", EventMeaning::Sandbox),
    ("Preempted", EventMeaning::Preempted),
    // Not TaintManagerEviction: it is the reason of a cancelled eviction too.
    ("Evicted", EventMeaning::Evicted),
];

/// What an event means; `None` when it adds nothing.
pub fn event(reason: &str) -> Option<EventMeaning> {
    EVENT_REASONS.iter().find(|(known, _)| *known == reason).map(|(_, meaning)| *meaning)
}

/// The waiting reason that a kubelet event with reason `Failed` repeats: `Error: ErrImagePull`
/// (`pkg/kubelet/kuberuntime/kuberuntime_container.go`).
pub fn waiting_in_event(message: &str) -> Option<&'static Waiting> {
    waiting(message.strip_prefix("Error: ")?)
}

/// What kind of 403 the API server gave to a pod's creation; the status alone does not tell them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forbidden {
    /// The account lacks the right.
    Rights,
    /// The namespace's quota is used up.
    Quota,
    /// An admission plugin or webhook refuses this pod: security level, limits, a service account or class that does not exist.
    Admission,
    /// The server has just started and does not know its roles yet.
    Starting,
}

/// Texts of a refused creation, in the order in which they are looked for.
///
/// Sources: `exceeded quota` is `staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go`; `RBAC: ` with `not found` is
/// `plugin/pkg/auth/authorizer/rbac/rbac.go`; `User "…" cannot` is
/// `staging/src/k8s.io/apiserver/pkg/endpoints/handlers/responsewriters/errors.go`; ` is forbidden: ` without it is an admission plugin's
/// (`staging/src/k8s.io/apiserver/pkg/admission/errors.go`); `denied the request` is a webhook's
/// (`staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/errors/statuserror.go`), all in
/// <https://github.com/kubernetes/kubernetes/tree/v1.36.0>.
pub fn forbidden(message: &str) -> Forbidden {
    let names_rights = message.contains("User \"") && message.contains("\" cannot ");
    if message.contains("exceeded quota") {
        Forbidden::Quota
    } else if names_rights && message.contains("RBAC: ") && message.contains("not found") {
        Forbidden::Starting
    } else if !names_rights && (message.contains(" is forbidden: ") || message.contains("denied the request"))
    {
        Forbidden::Admission
    } else {
        Forbidden::Rights
    }
}

/// Answers with 5xx that no repetition changes: `etcdserver: request is too large`
/// (<https://github.com/etcd-io/etcd/blob/main/api/v3rpc/rpctypes/error.go>).
pub fn is_permanent_server_error(message: &str) -> bool {
    message.contains("request is too large")
}

/// Whose matter a cause is.
pub fn class(cause: Cause) -> Class {
    match cause {
        Cause::NonZeroExit
        | Cause::OomKilled
        | Cause::InitContainerFailed
        | Cause::ProbeOrHook
        | Cause::CrashLoop
        | Cause::OutputMissing
        | Cause::OutputInvalid => Class::User,
        Cause::StartError
        | Cause::ImagePull
        | Cause::InvalidImageName
        | Cause::ImageNeverPull
        | Cause::ContainerConfig
        | Cause::VolumeMount
        | Cause::SchedulingGated
        | Cause::InputMissing
        | Cause::Forbidden
        | Cause::AdmissionRejected
        | Cause::NameTaken
        | Cause::ClusterUnknown
        | Cause::InvalidSubmission => Class::Config,
        Cause::Unschedulable | Cause::QuotaExceeded => Class::Capacity,
        Cause::NodeRefused
        | Cause::Evicted
        | Cause::NodeLost
        | Cause::Preempted
        | Cause::NodeShutdown
        | Cause::PodVanished
        | Cause::CarrierFailed
        | Cause::CollectionFailed
        | Cause::ClusterUnreachable => Class::Infrastructure,
        Cause::WaitingDeadline | Cause::ReadyDeadline | Cause::RunningDeadline => Class::Timeout,
        Cause::PodDeleted | Cause::Cancelled | Cause::Replaced => Class::Cancelled,
        Cause::Internal => Class::Internal,
    }
}
