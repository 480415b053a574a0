//! The program entered again: as the daemon, or as a container of the embedded cluster.

use std::ffi::OsString;
use std::io::Write as _;
use std::process::ExitCode;

use serde::{Deserialize, Serialize};

use crate::daemon::{News, serve_and_tell};
use crate::{Endpoints, Progress, StackError, StackOptions};

/// The first argument of a program that shall be the daemon.
const MARKER: &str = "__stack";

/// What the daemon is told, as its second argument.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub options: StackOptions,
    /// The process that waits for the stack.
    pub starter: u32,
}

impl Order {
    /// The arguments of the program that carries the order out.
    pub fn arguments(&self) -> serde_json::Result<[String; 2]> {
        Ok([MARKER.to_owned(), serde_json::to_string(self)?])
    }
}

/// A line that the daemon writes to standard output while it comes up.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Line {
    Progress(Progress),
    Ready(Box<Endpoints>),
    Failed(String),
}

/// First thing in `main` of every program that is named as [`StackOptions::program`], before any thread is started:
/// if the arguments say so, be the daemon or a part of a container.
///
/// Takes all arguments, the program's name included. Returns `None` when the program was started for something else,
/// and else the exit code to end with at once.
pub fn reenter<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Option<ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    if let Some(code) = cluster::container::stage(arguments.clone()) {
        return Some(code);
    }
    if arguments.get(1)? != MARKER {
        return None;
    }
    let order = arguments.get(2).and_then(|text| serde_json::from_str::<Order>(text.to_str()?).ok());
    Some(order.map_or(ExitCode::from(2), run))
}

fn run(order: Order) -> ExitCode {
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
    // Ctrl-C in the terminal of whoever started the stack is not meant for it.
    let _ = nix::unistd::setsid();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return fail(&StackError::Start { program: "the daemon's runtime".into(), source }),
    };
    let ended = runtime.block_on(serve_and_tell(order.options, Some(order.starter), |news| match news {
        News::Progress(step) => tell(&Line::Progress(step)),
        News::Ready(endpoints) => tell(&Line::Ready(endpoints)),
    }));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn fail(error: &StackError) -> ExitCode {
    let mut message = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(source) = cause {
        message.push_str(&format!(": {source}"));
        cause = source.source();
    }
    tracing::error!(error = message, "the stack failed");
    tell(&Line::Failed(message));
    ExitCode::FAILURE
}

/// Whoever started the stack may have gone; then there is nobody to tell, and `starter` notices.
fn tell(line: &Line) {
    let mut output = std::io::stdout().lock();
    let _ = serde_json::to_writer(&mut output, line)
        .map_err(std::io::Error::from)
        .and_then(|()| output.write_all(b"\n"))
        .and_then(|()| output.flush());
}
