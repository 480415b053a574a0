//! What to do about each cause.

use super::diagnosis::Cause;

/// What a reader can do about it.
pub(super) fn hint(cause: Cause) -> &'static str {
    match cause {
        Cause::NonZeroExit => "read the end of the log: the program itself ended with an error",
        Cause::OomKilled => {
            "raise `resources.limits.memory` of the container, or make the program use less; an in-memory emptyDir counts as well"
        }
        Cause::StartError => {
            "check that `command` exists in the image and is executable, and that `workingDir` is a directory"
        }
        Cause::ImagePull => {
            "check the image's name and tag, that the nodes reach the registry, and `imagePullSecrets` or the nodes' right to pull"
        }
        Cause::InvalidImageName => "write the image as `registry/repository:tag`, in lower case",
        Cause::ImageNeverPull => "set `imagePullPolicy` to `IfNotPresent`, or put the image on the nodes",
        Cause::ContainerConfig => {
            "create the secret, config map or key that the container names in this namespace, or correct `securityContext`, and submit again"
        }
        Cause::VolumeMount => {
            "create what the volume names (secret, config map, claim) in this namespace, or check its storage driver"
        }
        Cause::Unschedulable => {
            "compare the pod's requests, node selector, affinity, tolerations and claims with the nodes; raise `waitUntilRunning` if nodes take longer to come"
        }
        Cause::SchedulingGated => {
            "whoever set `schedulingGates` has to remove the gate; check that controller, or leave the gates out"
        }
        Cause::NodeRefused => {
            "the pod was placed on a node without room for it: leave `nodeName` out, or lower the requests; retrying may help"
        }
        Cause::QuotaExceeded => {
            "wait for other pods of the namespace to end, raise its ResourceQuota, or lower the requests"
        }
        Cause::Evicted => {
            "the node was needed elsewhere or is being emptied: set `retry`, or keep the task off such nodes"
        }
        Cause::NodeLost => "the node went away; set `retry` for tasks that may run again",
        Cause::Preempted => "give the pod a higher `priorityClassName`, or set `retry`",
        Cause::NodeShutdown => {
            "set `retry`, or keep the task off nodes that may be taken away (spot capacity)"
        }
        Cause::WaitingDeadline => {
            "look at the events; raise `waitUntilRunning` if the start only takes longer"
        }
        Cause::ReadyDeadline => {
            "check the readiness probes of the containers; raise `waitUntilReady` if they only take longer"
        }
        Cause::RunningDeadline => {
            "raise the task's `timeout` (or `waitUntilCompletion`), or find out from the log what it waits for"
        }
        Cause::PodDeleted => {
            "find out who deletes pods in this namespace; cancel runs through Longshore instead of deleting their pods"
        }
        Cause::PodVanished => {
            "the pod disappeared without a trace of its end: find out who deletes pods, or whether its node was removed"
        }
        Cause::InitContainerFailed => "read the log of that init container",
        Cause::CarrierFailed => {
            "check that the carrier's image has a shell and wget or curl, that the pod reaches S3, and that the volume has room"
        }
        Cause::InputMissing => "check the object's bucket and key, and that Longshore's role may read it",
        Cause::OutputInvalid => "write one JSON value into the file, as `json.dumps` does, and nothing else",
        Cause::OutputMissing => "check `outputFiles`: patterns are relative to the working directory",
        Cause::CollectionFailed => {
            "the task itself may have succeeded: look at its log, and whether the API server allows exec and logs"
        }
        Cause::ProbeOrHook => "check the container's probes and lifecycle hooks; a task seldom needs any",
        Cause::CrashLoop => "read the log; with `restartPolicy: Never` a failure ends the run at once",
        Cause::Forbidden => "grant Longshore's account the right that the message names",
        Cause::AdmissionRejected => "change what the message names in the task document or in the namespace",
        Cause::NameTaken => "delete or rename the pod that has this name, or choose another run id",
        Cause::ClusterUnreachable => "check the cluster's endpoint, network path and credentials",
        Cause::ClusterUnknown => {
            "add the cluster to `config/clusters.yaml`, or correct the `key` of `workerGroup`"
        }
        Cause::Cancelled => "submit again if it was not meant",
        Cause::Replaced => "look at the attempt that followed; leave `resume` out to join the one under way",
        Cause::InvalidSubmission => "correct what the problems name and submit again",
        Cause::Internal => "this is a defect of Longshore: report it with the record and the pod",
    }
}

/// The kubelet itself evicted the pod.
pub(super) const EVICTED_BY_KUBELET: &str = "if the message names a limit, raise it (emptyDir `sizeLimit`, ephemeral-storage); if it names the node's room, set `requests` and `retry`";

/// The pod failed before it began, and nobody says why.
pub(super) const NOTHING_BEGAN: &str =
    "look at the events of the pod and of its node; set `retry` for tasks that may run again";

/// A signal ended the program, and neither the kernel's memory limit nor the kubelet sent it.
pub(super) const SIGNALLED: &str = "a signal ended the program, or its shell passed such a code on: look in the log for who sent it (a `timeout` command, a supervisor, a crash)";

/// The secret named in `imagePullSecrets` is missing.
pub(super) const PULL_SECRET_MISSING: &str =
    "create the secret that `imagePullSecrets` names in this namespace";

/// The registry is in trouble, not the image name.
pub(super) const REGISTRY_BUSY: &str = "the registry limits pulls or is overloaded: try again later, authenticate, or use a mirror or pull-through cache";

/// A grant expired before the carrier used it.
pub(super) const GRANT_EXPIRED: &str = "the pod waited longer for its node than its access to the input files lived; it is created again with a fresh one";

/// An input object is not what it was when the run was accepted.
pub(super) const INPUT_CHANGED: &str = "an input object was replaced while the run was waiting: submit again, and do not change inputs of runs under way";

/// The carrier's image cannot fetch.
pub(super) const NO_FETCHER: &str =
    "use a carrier image (`fileSidecar.image`) that has `wget` or `curl`, such as busybox";

/// A container of a pod with `restartPolicy: Always` never ends.
pub(super) const ALWAYS_RESTARTED: &str = "the container ends and is started again: set `restartPolicy: Never` (or `OnFailure`) so that the run can end";
