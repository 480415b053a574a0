//! What the API server asks of the node that runs the pods.

use bytes::Bytes;
use futures::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

/// One container of one pod; the uid keeps a namesake created later apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContainerRef {
    /// Namespace of the pod.
    pub namespace: String,
    /// Name of the pod.
    pub pod: String,
    /// `metadata.uid` of the pod.
    pub uid: String,
    /// Name of the container.
    pub container: String,
}

/// The options of `pods/log`, as the query string gives them.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// Keep the stream open until the container ends.
    pub follow: bool,
    /// The log of the instance before the last restart.
    pub previous: bool,
    /// Only lines written at or after this time.
    pub since: Option<Timestamp>,
    /// Only that many lines from the end.
    pub tail_lines: Option<u64>,
    /// Stop after that many bytes.
    pub limit_bytes: Option<u64>,
    /// Put the RFC 3339 time (nanoseconds) and a space before every line.
    pub timestamps: bool,
}

/// A command to run inside a running container.
#[derive(Clone, Debug, Default)]
pub struct ExecOptions {
    /// Program and arguments.
    pub command: Vec<String>,
    /// Connect standard input.
    pub stdin: bool,
    /// Connect standard output.
    pub stdout: bool,
    /// Connect standard error.
    pub stderr: bool,
    /// Allocate a terminal (a node may refuse).
    pub tty: bool,
}

/// A piece of output of a command.
#[derive(Clone, Debug)]
pub enum Output {
    /// Standard output.
    Stdout(Bytes),
    /// Standard error.
    Stderr(Bytes),
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exit {
    /// It ended by itself; a signal counts as 128 plus its number.
    Code(i32),
    /// It could not be started or its container went away; the runtime's words.
    Failed(String),
}

/// A command under way.
#[derive(Debug)]
pub struct ExecSession {
    /// Bytes for standard input; dropping it closes standard input. `None` when stdin was not asked for.
    pub stdin: Option<mpsc::Sender<Bytes>>,
    /// What the command writes; closed once both streams have ended.
    pub output: mpsc::Receiver<Output>,
    /// How it ended; comes after `output` is closed.
    pub exit: oneshot::Receiver<Exit>,
}

/// Why a node could not do what was asked; the API server turns it into the answer a real one gives.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodeError {
    /// The container has not started (its waiting reason).
    #[error("container `{container}` is waiting to start: {reason}")]
    Waiting {
        /// Name of the container.
        container: String,
        /// The waiting reason, for example `ContainerCreating`.
        reason: String,
    },
    /// The container does not run (any more).
    #[error("container not found (`{0}`)")]
    NotRunning(String),
    /// There is no earlier instance of the container.
    #[error("previous terminated container `{0}` not found")]
    NoPrevious(String),
    /// The node does not answer (a fault that was asked for).
    #[error("the node does not answer")]
    Unreachable,
    /// This node does not do that; the text names what.
    #[error("the embedded node does not support {0}")]
    Unsupported(String),
    /// Something else, in the runtime's words.
    #[error("{0}")]
    Other(String),
}

/// The kubelet's side of `pods/log` and `pods/exec`.
pub trait Node: Send + Sync + 'static {
    /// The log of a container; the receiver closes at the end (or when a followed container has ended).
    fn logs(
        &self,
        container: ContainerRef,
        options: LogOptions,
    ) -> BoxFuture<'_, Result<mpsc::Receiver<Bytes>, NodeError>>;
    /// Run a command in a container.
    fn exec(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>>;
    /// Follow a container's output from now on, optionally feeding its standard input (`attach`).
    fn attach(
        &self,
        container: ContainerRef,
        options: ExecOptions,
    ) -> BoxFuture<'_, Result<ExecSession, NodeError>>;
}
