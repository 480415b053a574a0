//! The process side of a pod: what a freshly started program does to become a container.
//!
//! The kubelet starts the *keeper* (`keep`), which makes the namespaces, writes the id maps and waits; its only child (`become`)
//! is process 1 of the new PID namespace, mounts the root and executes the command. When the control socket of the
//! keeper closes, because the kubelet wants it or has died, the child is killed, and with it everything in its PID
//! namespace. Nothing here is async: changing a user namespace needs a process with one thread.

mod become_container;
mod control;
mod dev;
mod enter;
mod hold;
mod identity;
mod keep;
mod lookup;
mod mounts;
mod probe;
mod root;
mod spec;

pub(crate) use control::{Report, exit_code};
pub(crate) use root::{PYTHON_DIRECTORY, is_in_userland};
pub use spec::{ContainerSpec, EnterSpec, HoldSpec, Identity, MountSpec, Program, RootSpec, TmpfsSpec};

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The first argument of a program that shall become a container.
pub const MARKER: &str = "__container";

/// How to start a program that calls [`stage`] first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageCommand {
    /// The program.
    pub program: PathBuf,
    /// Its leading arguments; the first is [`MARKER`].
    pub arguments: Vec<OsString>,
}

impl StageCommand {
    /// A program that calls [`stage`] first thing in its `main`.
    pub fn new(program: impl Into<PathBuf>) -> StageCommand {
        StageCommand { program: program.into(), arguments: vec![MARKER.into()] }
    }

    /// The running program itself, which must call [`stage`] first thing in its `main`.
    pub fn this_program() -> StageCommand {
        StageCommand::new("/proc/self/exe")
    }
}

/// First thing in `main` of every program that hosts the cluster: if the arguments say so, be a part of a container.
///
/// Takes all arguments, the program's name included. Returns `None` when the program was started for something else,
/// and else the exit code to end with at once.
pub fn stage<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().map(Into::into).skip(1);
    if arguments.next()? != *MARKER {
        return None;
    }
    close_inherited();
    let step = arguments.next()?;
    let spec = PathBuf::from(arguments.next().unwrap_or_default());
    Some(match step.to_str() {
        Some("keep") => keep::keep(&spec),
        Some("become") => become_container::become_container(&spec),
        Some("enter") => enter::enter(&spec),
        Some("enter-inner") => enter::enter_inner(&spec),
        Some("hold") => hold::hold(&spec),
        Some("probe") => probe::probe(),
        Some("probe-proc") => probe::probe_proc(),
        _ => ExitCode::FAILURE,
    })
}

/// Close what the host program had open beside the standard streams: it is nothing for a container.
fn close_inherited() {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else { return };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let open: Vec<i32> = numbers.filter(|number| *number > 2).collect();
    for number in open {
        // One of them is the directory that was read, closed already.
        let _ = nix::unistd::close(number);
    }
}

/// What went wrong while becoming a container, in the words that a container runtime has for it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Refusal(String);

impl Refusal {
    /// A failed operation on a path.
    fn at(operation: &str, path: &Path, error: impl std::fmt::Display) -> Refusal {
        Refusal(format!("error during container init: {operation} {}: {error}", path.display()))
    }
}

/// Turns the result of an operation on a path into one with a [`Refusal`].
trait Doing<T> {
    /// Name the operation and the path.
    fn doing(self, operation: &str, path: impl AsRef<Path>) -> Result<T, Refusal>;
}

impl<T, E: std::fmt::Display> Doing<T> for Result<T, E> {
    fn doing(self, operation: &str, path: impl AsRef<Path>) -> Result<T, Refusal> {
        self.map_err(|error| Refusal::at(operation, path.as_ref(), error))
    }
}
