//! The task's program: started, signalled, waited for. Its output goes where it would have gone, and into the log.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitStatus, waitpid};
use nix::unistd::Pid;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::clock;
use crate::failure::{Failure, say};
use crate::log::Log;
use crate::settings::GRANTS;
use crate::stamp::Stamper;

/// Signals that somebody may send to the container and mean the program.
const FORWARDED: [(SignalKind, Signal); 7] = [
    (SignalKind::terminate(), Signal::SIGTERM),
    (SignalKind::interrupt(), Signal::SIGINT),
    (SignalKind::hangup(), Signal::SIGHUP),
    (SignalKind::quit(), Signal::SIGQUIT),
    (SignalKind::user_defined1(), Signal::SIGUSR1),
    (SignalKind::user_defined2(), Signal::SIGUSR2),
    (SignalKind::window_change(), Signal::SIGWINCH),
];

/// How long output may come after the program has ended, from what it left running.
const LATE_OUTPUT: Duration = Duration::from_secs(2);

/// Run the program to its end; the exit code that the container would have had without this.
///
/// # Errors
/// When it cannot be started.
pub async fn run(arguments: &[OsString], log: &Arc<Log>) -> Result<u8, Failure> {
    let (name, arguments) = arguments.split_first().ok_or(Failure::Usage)?;
    let unstarted = |source| Failure::Program { program: name.to_string_lossy().into_owned(), source };
    let (signals, mut received) = mpsc::channel(16);
    for (kind, number) in FORWARDED {
        // Before the program is there: none of them may be lost, or end this process.
        let mut listener = signal(kind).map_err(Failure::Runtime)?;
        let signals = signals.clone();
        tokio::spawn(async move {
            while listener.recv().await.is_some() && signals.send(number).await.is_ok() {}
        });
    }
    let mut command = Command::new(name);
    command.args(arguments).env_remove(GRANTS).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(unstarted)?;
    let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let pumps = [
        child.stdout.take().map(|pipe| pump(pipe, io::stdout(), log.clone())),
        child.stderr.take().map(|pipe| pump(pipe, io::stderr(), log.clone())),
    ];
    let mut ended = wait(pid);
    let code = loop {
        tokio::select! {
            biased;
            status = &mut ended => break status.unwrap_or(1),
            Some(number) = received.recv() => {
                // It may just have ended by itself.
                let _ = kill(pid, number);
            }
        }
    };
    end_leftovers();
    let drained = async {
        for pump in pumps.into_iter().flatten() {
            let _ = pump.await;
        }
    };
    if tokio::time::timeout(LATE_OUTPUT, drained).await.is_err() {
        say("something that the program left running still holds its output; what it writes now is not kept");
    }
    log.close();
    Ok(code)
}

/// Copy a pipe to where it would have led, and into the log; told when it is closed.
fn pump(
    mut from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    log: Arc<Log>,
) -> oneshot::Receiver<()> {
    let (done, told) = oneshot::channel();
    std::thread::spawn(move || {
        let mut buffer = vec![0; 64 * 1024];
        let mut stamper = Stamper::default();
        loop {
            let chunk = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => buffer.get(..length).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => break,
            };
            // Nobody reads the container's log any more: the bucket still does.
            let _ = to.write_all(chunk).and_then(|()| to.flush());
            log.push(&stamper.push(chunk, clock::now()));
        }
        log.push(&stamper.finish(clock::now()));
        let _ = done.send(());
    });
    told
}

/// Wait for the program, and for whatever became ours when its parent ended: as the container's first process that is our duty.
fn wait(pid: Pid) -> oneshot::Receiver<u8> {
    let (ended, told) = oneshot::channel();
    let has_ended = AtomicBool::new(false);
    std::thread::spawn(move || {
        let mut ended = Some(ended);
        loop {
            let status = match waitpid(None, None) {
                Ok(status) => status,
                Err(nix::errno::Errno::EINTR) => continue,
                Err(_) => return,
            };
            let (who, code) = match status {
                WaitStatus::Exited(who, code) => (who, u8::try_from(code & 0xff).unwrap_or(1)),
                WaitStatus::Signaled(who, signal, _) => {
                    (who, u8::try_from(128 + signal as i32).unwrap_or(u8::MAX))
                }
                _ => continue,
            };
            if who == pid
                && !has_ended.swap(true, Ordering::Relaxed)
                && let Some(ended) = ended.take()
            {
                let _ = ended.send(code);
            }
        }
    });
    told
}

/// The container would have ended with its program, and everything in it. As its first process we see to that; elsewhere others live here too.
fn end_leftovers() {
    if nix::unistd::getpid() == Pid::from_raw(1) {
        let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
    }
}
