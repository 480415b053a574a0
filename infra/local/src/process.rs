//! Other processes: whether they still are who they were, and telling them to end.

use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often a process that is not a child is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// When a process started, in clock ticks since the machine did; with the id it names a process for good.
/// `None` when there is no such process any more; a zombie has ended.
pub(crate) fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name in parentheses may hold anything; the state is the first field after it, the start the twentieth.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Whether a process still runs and is the one that started then.
pub(crate) fn is_alive(pid: u32, started: u64) -> bool {
    start_time(pid) == Some(started)
}

/// Waits until a process has ended.
pub(crate) async fn ended(pid: u32, started: u64) {
    while is_alive(pid, started) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Asks a process to end.
pub(crate) fn terminate(pid: u32) {
    signal(pid, Signal::SIGTERM);
}

/// Ends a process.
pub(crate) fn destroy(pid: u32) {
    signal(pid, Signal::SIGKILL);
}

fn signal(pid: u32, signal: Signal) {
    if let Ok(pid) = i32::try_from(pid) {
        // The only failure that can happen here is that it has gone already.
        let _ = kill(Pid::from_raw(pid), signal);
    }
}

#[cfg(test)]
mod tests {
    use super::{is_alive, start_time};

    #[test]
    fn this_process_is_alive_and_is_not_one_that_started_at_another_time() {
        let me = std::process::id();
        let started = start_time(me).unwrap();
        assert!(is_alive(me, started));
        assert!(!is_alive(me, started + 1));
    }

    #[test]
    fn a_process_that_ended_but_was_not_waited_for_is_not_alive() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let deadline = std::time::Duration::from_secs(10);
        let mut waited = std::time::Duration::ZERO;
        while start_time(child.id()).is_some() {
            assert!(waited < deadline, "`true` does not end");
            std::thread::sleep(std::time::Duration::from_millis(5));
            waited += std::time::Duration::from_millis(5);
        }
        child.wait().unwrap();
    }
}
