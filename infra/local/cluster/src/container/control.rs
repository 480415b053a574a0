//! The conversation of a keeper with the kubelet: signals one way, reports the other, one JSON line each.

use super::Refusal;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, dup2_stdin};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;

/// What a keeper has to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Report {
    /// The command runs as this process of the host.
    Started(i32),
    /// The command could not be started; the words.
    Refused(String),
    /// Process 1 ended; a signal counts as 128 plus its number.
    Exited(i32),
}

/// Take over standard input as the control socket; standard input is empty afterwards.
pub fn take() -> std::io::Result<UnixStream> {
    let control = std::io::stdin().as_fd().try_clone_to_owned()?;
    empty_input()?;
    Ok(UnixStream::from(control))
}

/// Make standard input `/dev/null`.
pub fn empty_input() -> std::io::Result<()> {
    Ok(dup2_stdin(std::fs::File::open("/dev/null")?)?)
}

/// Tell the kubelet. It may be gone; then there is nobody to tell.
pub fn tell(mut control: &UnixStream, report: &Report) {
    if let Ok(mut line) = serde_json::to_vec(report) {
        line.push(b'\n');
        let _ = control.write_all(&line);
    }
}

/// Refuse in the runtime's words.
pub fn refuse(control: &UnixStream, refusal: &Refusal) {
    tell(control, &Report::Refused(refusal.to_string()));
}

/// Pass on each signal number that comes, and kill once nobody is there to send any.
pub fn obey(control: UnixStream, process: Pid) {
    for line in BufReader::new(control).lines() {
        let Ok(line) = line else { break };
        if let Some(signal) = line.parse().ok().and_then(|number: i32| Signal::try_from(number).ok()) {
            let _ = kill(process, signal);
        }
    }
    let _ = kill(process, Signal::SIGKILL);
}

/// The exit code as a shell tells it: a signal counts as 128 plus its number.
pub fn exit_code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(255)
}
