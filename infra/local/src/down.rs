//! Ending a stack.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::directory::Directory;
use crate::{StackError, process};

/// The daemon ends within a few seconds: it kills functions and pods and does not wait for them.
const END_WITHIN: Duration = Duration::from_secs(30);

/// A killed daemon ends at once.
const KILLED_WITHIN: Duration = Duration::from_secs(5);

/// What ending a stack found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// A stack ran and has ended; the state directory keeps the logs only.
    Stopped,
    /// No stack ran.
    NotRunning,
}

/// How often the daemon is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Ends the stack of a state directory, ready or not, and waits until it has ended; clears up after one that was killed.
///
/// # Errors
///
/// Another `up` or `down` is under way, or the daemon does not end.
pub async fn down(state: &Path) -> Result<Stopped, StackError> {
    if !state.is_dir() {
        return Ok(Stopped::NotRunning);
    }
    let directory = Directory::new(state)?;
    let _one_at_a_time = directory.lock_change()?;
    let (_no_daemon, stopped) = match directory.daemon()? {
        Ok(lock) => (lock, Stopped::NotRunning),
        Err(_) => (end(&directory).await?, Stopped::Stopped),
    };
    directory.clear()?;
    Ok(stopped)
}

async fn end(directory: &Directory) -> Result<File, StackError> {
    if let Ok(ended) = tokio::time::timeout(END_WITHIN, ended(directory, process::terminate)).await {
        return ended;
    }
    // Killing it is safe, only unkind: emulator, functions and pods end when it does.
    let killed = tokio::time::timeout(KILLED_WITHIN, ended(directory, process::destroy)).await;
    killed.unwrap_or_else(|_| Err(StackError::StillRunning(directory.path().to_path_buf())))
}

/// Tells the daemon once and waits until its lock is free and its process has ended.
async fn ended(directory: &Directory, tell: impl Fn(u32)) -> Result<File, StackError> {
    let mut told = None;
    loop {
        match directory.daemon()? {
            Ok(lock) => {
                if let Some((pid, started)) = told {
                    process::ended(pid, started).await;
                }
                return Ok(lock);
            }
            Err(Some(pid)) if told.is_none() => {
                told = process::start_time(pid).map(|started| (pid, started));
                tell(pid);
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
