//! Why a local stack could not be brought up or down.

use std::io;
use std::path::PathBuf;

/// Why a local stack could not be brought up or down.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A file or directory could not be read, written, made or removed.
    #[error("cannot {operation} `{path}`")]
    File {
        /// What was tried, as a verb.
        operation: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A program could not be started.
    #[error("cannot start `{program}`")]
    Start {
        /// The program.
        program: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no Python.
    #[error(
        "`python3` was not found; install Python 3.10 or later (on Debian and Ubuntu: `apt install python3 python3-venv`)"
    )]
    PythonMissing,
    /// Python is there, its module `venv` is not.
    #[error(
        "`python3` cannot make virtual environments; install its `venv` module (on Debian and Ubuntu: `apt install python3-venv`): {said}"
    )]
    VenvMissing {
        /// The last lines of Python's output.
        said: String,
    },
    /// The emulator could not be installed.
    #[error(
        "cannot install the AWS emulator `{requirement}` with pip; it needs Python 3.10 or later and the Python package index: {said}"
    )]
    Install {
        /// What was to be installed.
        requirement: String,
        /// The last lines of pip's output.
        said: String,
    },
    /// Cargo could not build the functions.
    #[error("cannot build the functions in `{workspace}`:\n{said}")]
    Build {
        /// Where it ran.
        workspace: PathBuf,
        /// The last lines of cargo's output.
        said: String,
    },
    /// A function's program is missing.
    #[error(
        "the program of the function `{function}` is not at `{path}`; build it or give the directory that holds it"
    )]
    FunctionMissing {
        /// The function.
        function: &'static str,
        /// Where it was looked for.
        path: PathBuf,
    },
    /// A package could not be written.
    #[error("cannot package the function `{function}`")]
    Package {
        /// The function.
        function: &'static str,
        /// What the archive's writer said.
        #[source]
        source: zip::result::ZipError,
    },
    /// The emulator ended by itself.
    #[error("the AWS emulator ended ({status}); see `{log}`: {said}")]
    EmulatorEnded {
        /// How it ended.
        status: String,
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        said: String,
    },
    /// The emulator did not become ready.
    #[error("the AWS emulator did not answer within {seconds} s; see `{log}`")]
    EmulatorSilent {
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// The emulator could not be asked.
    #[error("cannot ask the AWS emulator to {operation}")]
    Request {
        /// What was asked.
        operation: String,
        /// What went wrong on the wire.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The emulator refused.
    #[error("the AWS emulator refused to {operation} ({status}): {said}")]
    Refused {
        /// What was asked.
        operation: String,
        /// The HTTP status.
        status: u16,
        /// The answer.
        said: String,
    },
    /// The template does not name the code of a function as it should.
    #[error("`{template}` should have exactly one line with `{uri}`")]
    Template {
        /// The template.
        template: PathBuf,
        /// The value that was looked for.
        uri: String,
    },
    /// The deployment failed.
    #[error("the deployment of `template.yaml` ended as `{status}`: {reasons}")]
    Deployment {
        /// The stack's status.
        status: String,
        /// What the events say about the resources that failed.
        reasons: String,
    },
    /// The deployment lacks an output.
    #[error("`template.yaml` has no output `{0}`")]
    Output(&'static str),
    /// `infra/rbac.yaml` cannot be read.
    #[error("`{path}` is not what the embedded cluster can load: {problem}")]
    Rbac {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The script of hollow pods cannot be read.
    #[error("`{path}` is not a script for hollow pods: {problem}")]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The embedded cluster did not start.
    #[error("cannot start the embedded cluster")]
    Cluster(#[source] cluster::ClusterError),
    /// Another `up` or `down` is at it.
    #[error("another `up` or `down` is under way in `{0}`; wait for it and try again")]
    Busy(PathBuf),
    /// A stack runs already, made differently.
    #[error(
        "a stack with {running} is running; end it with `longshore down` before starting one with {wanted}"
    )]
    Different {
        /// What the running one has.
        running: String,
        /// What was asked for.
        wanted: String,
    },
    /// The daemon said why it gave up.
    #[error("{0}")]
    Daemon(String),
    /// The daemon ended without a word.
    #[error("the stack's daemon ended before it was ready; see `{log}`: {said}")]
    DaemonEnded {
        /// Its log.
        log: PathBuf,
        /// The last lines of the log.
        said: String,
    },
    /// The daemon does not end.
    #[error("the daemon of the stack in `{0}` does not end")]
    StillRunning(PathBuf),
    /// The stack was told to end before it was ready.
    #[error("the stack was told to end before it was ready")]
    Interrupted,
}

impl StackError {
    /// For `map_err` on file operations.
    pub(crate) fn file(
        operation: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> StackError {
        let path = path.into();
        move |source| StackError::File { operation, path, source }
    }
}
