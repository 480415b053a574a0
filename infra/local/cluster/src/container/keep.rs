//! The keeper of a container: makes its namespaces, starts process 1 in them, and reports how it ended.

use super::control::{self, Report, exit_code};
use super::spec::{self, ContainerSpec};
use super::{Doing, MARKER, Refusal, identity};
use nix::sched::{CloneFlags, setns, unshare};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, pipe};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::channel;

pub fn keep(spec: &Path) -> ExitCode {
    let Ok(control) = control::take() else { return ExitCode::FAILURE };
    match start(spec, &control) {
        Ok(mut child) => {
            control::tell(&control, &Report::Started(number_of(&child)));
            match child.wait() {
                Ok(status) => control::tell(&control, &Report::Exited(exit_code(status))),
                Err(error) => control::refuse(&control, &Refusal(error.to_string())),
            }
            ExitCode::SUCCESS
        }
        Err(refusal) => {
            control::refuse(&control, &refusal);
            ExitCode::FAILURE
        }
    }
}

/// Start process 1 and wait until it executes its command.
fn start(path: &Path, control: &UnixStream) -> Result<Child, Refusal> {
    let spec: ContainerSpec = spec::read(path)?;
    match spec.join {
        None => identity::unshare_as(identity::ROOT, CloneFlags::empty())?,
        Some(holder) => {
            join(holder, &[("user", CloneFlags::CLONE_NEWUSER), ("mnt", CloneFlags::CLONE_NEWNS)])?
        }
    }
    // There may be one thread only until here, and no new one from the PID namespace on.
    let (process, started) = channel();
    let listener = control.try_clone().doing("clone", path)?;
    spawn_thread(move || {
        if let Ok(process) = started.recv() {
            control::obey(listener, Pid::from_raw(process));
        }
    })?;
    unshare(
        CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWPID
            | CloneFlags::CLONE_NEWIPC
            | CloneFlags::CLONE_NEWUTS,
    )
    .doing("unshare", "namespaces")?;
    let (mut refusal, writer) = pipe().doing("pipe", path)?;
    // The own program by this name survives that its file is replaced.
    let mut command = Command::new("/proc/self/exe");
    command.args([MARKER, "become"]).arg(path).stdin(writer);
    let mut child = command.spawn().doing("start", path)?;
    drop(command);
    // From now on a kubelet that dies takes the container with it; the thread ends with the process.
    let _ = process.send(number_of(&child));
    let mut words = String::new();
    refusal.read_to_string(&mut words).doing("read", path)?;
    if words.is_empty() {
        return Ok(child);
    }
    child.wait().doing("wait", path)?;
    Err(Refusal(words))
}

/// The process number of a child.
pub fn number_of(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or_default()
}

/// A thread that lives as long as the process.
pub fn spawn_thread(work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
    std::thread::Builder::new().spawn(work).map(drop).doing("start", "thread")
}

/// Enter the named namespaces of a process.
pub fn join(process: i32, namespaces: &[(&str, CloneFlags)]) -> Result<(), Refusal> {
    let mut handles = Vec::new();
    for (name, kind) in namespaces {
        let path = format!("/proc/{process}/ns/{name}");
        handles.push((File::open(&path).doing("open", &path)?, *kind, path));
    }
    handles.iter().try_for_each(|(handle, kind, path)| setns(handle, *kind).doing("enter", path))
}
