//! Why the helper cannot go on, and the exit code that says so. The codes are those of the shell carrier.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use shared::outputs::paths::PathError;

use crate::client::RequestError;
use crate::settings::Settings;

/// What keeps the helper from its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The arguments make no sense.
    #[error("say `in`, `out`, `out --at-end` or `run -- PROGRAM …`")]
    Usage,
    /// Threads cannot be started.
    #[error("cannot start")]
    Runtime(#[source] io::Error),
    /// The environment lacks the link to the grants.
    #[error("`LONGSHORE_GRANTS` is not set; the pod's builder sets it")]
    NoGrants,
    /// A link is no longer of use.
    #[error("the grant to read {what} has expired or was refused")]
    Refused {
        /// What was asked for.
        what: String,
    },
    /// Something cannot be read after all tries.
    #[error("cannot fetch {what}")]
    Fetch {
        /// What was asked for.
        what: String,
        /// The last error.
        #[source]
        source: RequestError,
    },
    /// What arrived is not what was announced.
    #[error("{0}")]
    Mismatch(String),
    /// A path of the manifest leaves the working directory.
    #[error("an input is refused")]
    Path(#[from] PathError),
    /// The disk.
    #[error("cannot {operation} `{}`", path.display())]
    File {
        /// What was tried.
        operation: &'static str,
        /// With which file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// That all is done cannot be said.
    #[error("cannot say that the outputs are uploaded")]
    Done(#[source] crate::form::FormError),
    /// The task's program cannot be started.
    #[error("cannot run `{program}`")]
    Program {
        /// As it was named.
        program: String,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl Failure {
    /// A failure with a file.
    pub fn file(operation: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Failure {
        let path = path.into();
        move |source| Failure::File { operation, path, source }
    }

    /// 77 an expired grant, 78 something else than was announced, 126 and 127 as a shell says it, 64 wrong arguments, 1 anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Refused { .. } => 77,
            Failure::Mismatch(_) | Failure::Path(_) => 78,
            Failure::Program { source, .. } if source.kind() == io::ErrorKind::NotFound => 127,
            Failure::Program { .. } => 126,
            Failure::Usage => 64,
            Failure::Runtime(_)
            | Failure::NoGrants
            | Failure::Fetch { .. }
            | Failure::File { .. }
            | Failure::Done(_) => 1,
        }
    }
}

/// An error and what it comes from, in one line. Links are never part of an error.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// Tell a failure: in the log, and as the container's termination message.
pub fn tell(failure: &Failure, settings: &Settings) -> ExitCode {
    let words = chain(failure);
    say(&words);
    // A container without such a file says it in its log only.
    let _ = std::fs::write(&settings.termination_log, format!("{words}\n"));
    ExitCode::from(failure.exit_code())
}

/// One line in the container's log.
#[expect(clippy::print_stderr, reason = "the container's log is where the helper speaks")]
pub fn say(words: &str) {
    eprintln!("longshore-helper: {words}");
}
