//! Does this machine let an ordinary process make the namespaces of a container?

use super::{Doing, MARKER, Refusal, identity};
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode};

/// Ends well if it does, else writes the reason to standard output.
pub fn probe() -> ExitCode {
    report(namespaces())
}

fn namespaces() -> Result<(), Refusal> {
    let namespaces = CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS;
    identity::unshare_as(identity::ROOT, namespaces)?;
    let slash = Path::new("/");
    mount(None::<&str>, slash, None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .doing("make private", slash)?;
    mount(Some("tmpfs"), "/tmp", Some("tmpfs"), MsFlags::empty(), None::<&str>).doing("mount", "/tmp")?;
    // Only a process in the new PID namespace may mount its /proc.
    let inner = Command::new("/proc/self/exe").args([MARKER, "probe-proc"]).output();
    let inner = inner.doing("start", "/proc/self/exe")?;
    if inner.status.success() {
        Ok(())
    } else {
        Err(Refusal(String::from_utf8_lossy(&inner.stdout).into_owned()))
    }
}

/// The part of the probe inside the namespaces.
pub fn probe_proc() -> ExitCode {
    report(mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), None::<&str>).doing("mount", "/proc"))
}

fn report(result: Result<(), Refusal>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(refusal) => {
            // The exit code says enough when nobody reads.
            let _ = write!(std::io::stdout(), "{refusal}");
            ExitCode::FAILURE
        }
    }
}
