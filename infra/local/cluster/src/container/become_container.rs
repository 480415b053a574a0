//! Process 1 of a container: mounts its root and becomes its command.

use super::spec::{self, ContainerSpec, Program};
use super::{Doing, Refusal, control, dev, identity, lookup, mounts, root};
use nix::sched::CloneFlags;
use nix::sys::prctl::set_pdeathsig;
use nix::sys::signal::Signal;
use nix::sys::stat::{Mode, umask};
use nix::unistd::{sethostname, setsid};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Standard input is where a refusal goes; it closes by itself when the command is executed.
pub fn become_container(spec: &Path) -> ExitCode {
    let Ok(reporter) = std::io::stdin().as_fd().try_clone_to_owned() else { return ExitCode::FAILURE };
    let Err(refusal) = start(spec);
    let _ = std::fs::File::from(reporter).write_all(refusal.to_string().as_bytes());
    ExitCode::FAILURE
}

fn start(path: &Path) -> Result<std::convert::Infallible, Refusal> {
    control::empty_input().doing("open", "/dev/null")?;
    let spec: ContainerSpec = spec::read(path)?;
    setsid().doing("setsid", path)?;
    umask(Mode::from_bits_truncate(0o022));
    sethostname(&spec.hostname).doing("sethostname", &spec.hostname)?;
    let old = root::prepare_and_enter(&spec)?;
    dev::mount_proc()?;
    dev::mount_dev(&old)?;
    mounts::mount_volumes(&old, &spec.mounts)?;
    make_working_directory(&spec.program)?;
    root::finish(&old, spec.read_only_root)?;
    std::env::set_current_dir(&spec.program.working_directory)
        .doing("chdir", &spec.program.working_directory)?;
    if spec.identity != identity::ROOT {
        identity::unshare_as(spec.identity, CloneFlags::empty())?;
    }
    // If the keeper is killed, so is the container.
    set_pdeathsig(Signal::SIGKILL).doing("prctl", path)?;
    let mut command = command(&spec.program)?;
    let error = command.exec();
    Err(lookup::refused(&spec.program, &error))
}

fn make_working_directory(program: &Program) -> Result<(), Refusal> {
    let directory = &program.working_directory;
    if directory.is_dir() {
        return Ok(());
    }
    std::fs::create_dir_all(directory).map_err(|_| {
        Refusal(format!("error during container init: mkdir {}: not a directory", directory.display()))
    })
}

/// The command with its environment, found in its `PATH`.
pub fn command(program: &Program) -> Result<Command, Refusal> {
    let mut words = program.command.iter();
    let name = words.next().ok_or_else(|| Refusal("args must not be empty".into()))?;
    let mut command = Command::new(lookup::find(name, &program.environment)?);
    command
        .arg0(name)
        .args(words)
        .env_clear()
        .envs(program.environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}
