//! What a run will do: everything a task document means once templates are rendered and defaults are filled in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::spec::cache::TaskCache;
use crate::spec::connection::Connection;
use crate::spec::layout::VOLUME_PATH;
use crate::spec::namespace_files::NamespaceFiles;
use crate::spec::retry::RetryPolicy;
use crate::spec::transfer::Transfer;
use crate::spec::value_file::ValueFile;
use crate::spec::worker_group::Fallback;

/// A resolved task: nothing optional left that a later step would have to guess. Kept in the run's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// What the run is called: for labels, names and templates.
    pub task: TaskName,
    /// Where the pod goes.
    pub target: Target,
    /// `metadata` (labels, annotations, maybe name or generateName) and `spec` of the pod: every user layer merged, templates
    /// rendered; without carriers, system labels and run identity, which `pod::build` adds for each attempt.
    pub pod: Value,
    /// Which containers say how the run ended.
    pub deciding: Deciding,
    /// What goes in and what comes out.
    pub files: FilePlan,
    /// Time limits, in seconds.
    pub limits: Limits,
    /// How often and when a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// Delete the pod after collection (a cancel deletes it in any case).
    pub delete: bool,
    /// The pod of a run that did not succeed stays in spite of `delete`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_failed: bool,
    /// Exit codes of the deciding container that end the run as skipped; 0 can be one of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub skip_exit_codes: Vec<i32>,
    /// A new submission under an existing run id joins the run; false: it becomes a new attempt.
    pub resume: bool,
    /// A declared output that is missing fails the run (default: a warning).
    pub fail_on_missing_outputs: bool,
    /// Why the run does nothing (`disabled`, `runIf`), in words; `None`: it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<String>,
    /// An earlier success may stand for the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache: Option<TaskCache>,
    /// A run that fails or takes too long ends as a success with a warning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_failure: bool,
    /// A success with warnings is as good as one without: it may be cached.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub allow_warning: bool,
    /// Place among the runs that wait for a free place in their cluster: -1000 to 1000, the highest first.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub priority: i32,
    /// What the author should know though it does not stop the run.
    pub warnings: Vec<String>,
}

/// Label that hands a pod to a queue of Kueue (<https://kueue.sigs.k8s.io/docs/tasks/run/plain_pods/>).
const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";

impl Plan {
    /// Somebody else lets the pod in, and nobody knows when: the task's author speaks of a gate, the pod's own or that of Kueue, which puts one on every
    /// pod of its queues. One that nobody speaks of holds a pod no longer than the budget.
    pub fn is_let_in(&self) -> bool {
        let is_queued =
            self.pod.pointer("/metadata/labels").and_then(|labels| labels.get(QUEUE_LABEL)).is_some();
        let gates = self.pod.pointer("/spec/schedulingGates").and_then(Value::as_array);
        is_queued || gates.is_some_and(|gates| !gates.is_empty())
    }

    /// The pod of a run that ends may stay.
    pub fn may_keep(&self) -> bool {
        !self.delete || self.keep_failed
    }
}

/// The names a run is known by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskName {
    /// `id` of the task.
    pub id: String,
    /// `id` of the flow around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<String>,
    /// `namespace` of the flow (the author's, not Kubernetes').
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// `type` of the task as written.
    pub kind: String,
}

/// The cluster and the namespace in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// Which cluster.
    pub cluster: ClusterChoice,
    /// Kubernetes namespace of the pod; `None` means the deployment's default, filled in when the run is accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What becomes of the run when the cluster is not known or cannot be reached; `None`: it waits for as long as it may wait to begin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference over")]
fn is_zero(number: &i32) -> bool {
    *number == 0
}

/// How a cluster is named.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum ClusterChoice {
    /// The deployment's default cluster.
    Default,
    /// A cluster of `config/clusters.yaml`, by its name.
    Named(String),
    /// A connection written in the task document.
    Explicit(Box<Connection>),
}

/// Which containers decide how a run ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum Deciding {
    /// One container by name (`main`, or an operator's base container); the others are ended when it has terminated and only warn.
    Container(String),
    /// Every container but the carriers; all must exit 0.
    All,
}

/// Files in and out. Carriers exist only when there is something to carry.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FilePlan {
    /// Files to place in the working directory before the main container starts; sorted by path, paths unique and safe.
    pub inputs: Vec<InputFile>,
    /// Shared files that are added to `inputs` when the run begins, where no input has the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<NamespaceFiles>,
    /// Globs relative to the working directory, normalised (no leading `./` or `/`).
    pub outputs: Vec<String>,
    /// Name of the output directory below the working directory, all of whose files are outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_dir: Option<String>,
    /// A file outside of the working directory whose value becomes an output.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<ValueFile>,
    /// The carriers' container fields after merging (image, resources, securityContext …); name, command and mounts of the
    /// working directory are added when the pod is built.
    pub carrier: Value,
    /// How the files are to move.
    #[serde(default, skip_serializing_if = "Transfer::is_auto")]
    pub transfer: Transfer,
    /// Image of the helper that moves them, which was settled when the run was accepted; `None`: they move by exec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub helper: Option<String>,
    /// `emptyDir` settings of the volume: `medium`, `sizeLimit`.
    #[serde(default)]
    pub volume: BTreeMap<String, String>,
}

impl FilePlan {
    /// Something goes in: an init container fetches it.
    pub fn has_inputs(&self) -> bool {
        !self.inputs.is_empty() || self.namespace.is_some()
    }

    /// Something is read by exec once the task is over: a sidecar keeps the volumes reachable.
    pub fn has_sidecar(&self) -> bool {
        self.helper.is_none() && (self.has_outputs() || self.value.is_some())
    }

    /// Files are to come out of the working directory.
    pub fn has_outputs(&self) -> bool {
        !self.outputs.is_empty() || self.output_dir.is_some()
    }

    /// Where the sidecar looks for the file that tells it to end, in a pod that is to stay.
    pub fn end_mark(&self) -> Option<String> {
        let directory = match &self.value {
            _ if self.has_outputs() => VOLUME_PATH,
            Some(value) => value.directory.as_str(),
            None => return None,
        };
        self.has_sidecar().then(|| format!("{directory}/.longshore-ended"))
    }

    /// A helper in the pod uploads the outputs.
    pub fn uploads(&self) -> bool {
        self.helper.is_some() && self.has_outputs()
    }

    /// The pod needs the volume of the working directory.
    pub fn is_needed(&self) -> bool {
        self.has_inputs() || self.has_outputs()
    }
}

/// One file for the working directory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputFile {
    /// Path below the working directory: relative, normalised, `/` between parts.
    pub path: String,
    /// Where the bytes come from.
    pub source: InputSource,
    /// The file may be executed (scripts).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub executable: bool,
}

/// Where an input's bytes come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "kind", content = "value")]
pub enum InputSource {
    /// Text written in the document, after rendering.
    Inline(String),
    /// An object: `s3://bucket/key`, taken apart.
    Object {
        /// Bucket name.
        bucket: String,
        /// Key, as it is (not URL-encoded).
        key: String,
    },
    /// A file of the author's namespace, in Longshore's own bucket.
    Shared {
        /// Key, below `config/namespaces/`.
        key: String,
        /// Bytes, as listed.
        size: u64,
        /// Tells one content from another.
        etag: String,
    },
}

/// Time limits of a run, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// From pod creation until it has a node (`schedule_timeout_seconds`); `None`: this time is part of `waiting_seconds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_seconds: Option<u64>,
    /// From pod creation, or with `scheduling_seconds` from its having a node, to the main container's start (`waitUntilRunning`, default 600).
    pub waiting_seconds: u64,
    /// From pod creation until the pod is ready (`waitUntilReady`); `None`: it need not become ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_seconds: Option<u64>,
    /// From the main container's start to its end (`timeout`, else `waitUntilCompletion`, default 3600).
    pub running_seconds: u64,
    /// Upper bound on retrying for late logs (`waitForLogs`, default 30).
    pub late_log_seconds: u64,
}

impl Limits {
    /// The longest time from a pod's creation to the start of its main container.
    pub fn start_seconds(&self) -> u64 {
        self.scheduling_seconds.unwrap_or(0).saturating_add(self.waiting_seconds)
    }
}
