//! A command inside a running container.
//!
//! The first process joins the user and PID namespaces of the container and starts the second one, which is then inside
//! the PID namespace, joins the others and becomes the command.

use super::become_container::command;
use super::control::exit_code;
use super::keep::{join, number_of, spawn_thread};
use super::spec::{self, EnterSpec};
use super::{Doing, MARKER, Refusal, lookup};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, setsid};
use std::convert::Infallible;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode};
use std::sync::mpsc::channel;

/// Standard streams are those of the command; a refusal goes into a file.
pub fn enter(path: &Path) -> ExitCode {
    let Ok(spec) = spec::read::<EnterSpec>(path) else { return ExitCode::FAILURE };
    let outcome = start(path, &spec).and_then(|mut child| child.wait().doing("wait", path));
    match outcome {
        Ok(status) => ExitCode::from(u8::try_from(exit_code(status)).unwrap_or(u8::MAX)),
        Err(refusal) => refuse(File::create(&spec.refusal), &refusal),
    }
}

fn start(path: &Path, spec: &EnterSpec) -> Result<Child, Refusal> {
    let mut lifeline = open_lifeline(&spec.lifeline).doing("open", &spec.lifeline)?;
    let processes = format!("/proc/{}/ns/pid", spec.process);
    let processes = File::open(&processes).doing("open", &processes)?;
    join(spec.keeper, &[("user", CloneFlags::CLONE_NEWUSER)])?;
    // There may be one thread only until here, and no new one from the PID namespace on.
    let (process, started) = channel();
    spawn_thread(move || {
        if let Ok(process) = started.recv() {
            // Nothing is ever written: this returns when nobody wants the command any more.
            let _ = lifeline.read(&mut [0]);
            let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
        }
    })?;
    setns(processes, CloneFlags::CLONE_NEWPID).doing("enter", path)?;
    let child = Command::new("/proc/self/exe")
        .args([MARKER, "enter-inner"])
        .arg(path)
        .spawn()
        .doing("start", path)?;
    // The thread ends with the process.
    let _ = process.send(number_of(&child));
    Ok(child)
}

/// Opened without waiting for the other side: it may be gone already, and then reading ends at once.
fn open_lifeline(path: &Path) -> std::io::Result<File> {
    let lifeline = File::options().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    fcntl(&lifeline, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(lifeline)
}

/// The process that becomes the command.
pub fn enter_inner(path: &Path) -> ExitCode {
    let Ok(spec) = spec::read::<EnterSpec>(path) else { return ExitCode::FAILURE };
    let refusal_file = File::create(&spec.refusal);
    let Err(refusal) = become_command(&spec);
    refuse(refusal_file, &refusal)
}

fn become_command(spec: &EnterSpec) -> Result<Infallible, Refusal> {
    // In a session of its own, signals to its process group stay inside the container.
    setsid().doing("setsid", "/")?;
    let user = format!("/proc/{}/ns/user", spec.process);
    let nested = std::fs::read_link(&user).ok() != std::fs::read_link("/proc/self/ns/user").ok();
    let user = File::open(&user).doing("open", &user)?;
    join(
        spec.process,
        &[
            ("ipc", CloneFlags::CLONE_NEWIPC),
            ("uts", CloneFlags::CLONE_NEWUTS),
            ("mnt", CloneFlags::CLONE_NEWNS),
        ],
    )?;
    if nested {
        setns(user, CloneFlags::CLONE_NEWUSER).doing("enter", "user namespace")?;
    }
    let directory = &spec.program.working_directory;
    std::env::set_current_dir(directory).doing("chdir", directory)?;
    set_pdeathsig(Signal::SIGKILL).doing("prctl", directory)?;
    let error = command(&spec.program)?.exec();
    Err(lookup::refused(&spec.program, &error))
}

fn refuse(file: std::io::Result<File>, refusal: &Refusal) -> ExitCode {
    if let Ok(mut file) = file {
        // Without the words the exit code has to do.
        let _ = file.write_all(refusal.to_string().as_bytes());
    }
    ExitCode::FAILURE
}
