//! The holder of a pod's volumes in memory: containers start from its namespaces, so that they share the volumes.

use super::control::{self, Report};
use super::spec::{self, HoldSpec};
use super::{Doing, Refusal, identity};
use nix::mount::{MsFlags, mount};
use nix::sched::CloneFlags;
use std::io::Read;
use std::path::Path;
use std::process::ExitCode;

pub fn hold(path: &Path) -> ExitCode {
    let Ok(mut control) = control::take() else { return ExitCode::FAILURE };
    if let Err(refusal) = start(path) {
        control::refuse(&control, &refusal);
        return ExitCode::FAILURE;
    }
    control::tell(&control, &Report::Started(i32::try_from(std::process::id()).unwrap_or_default()));
    // The end of the socket is the end of the pod.
    let _ = control.read_to_end(&mut Vec::new());
    ExitCode::SUCCESS
}

fn start(path: &Path) -> Result<(), Refusal> {
    let spec: HoldSpec = spec::read(path)?;
    identity::unshare_as(identity::ROOT, CloneFlags::CLONE_NEWNS)?;
    let slash = Path::new("/");
    mount(None::<&str>, slash, None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .doing("make private", slash)?;
    for volume in &spec.volumes {
        let size = volume.limit_bytes.map(|bytes| format!(",size={bytes}")).unwrap_or_default();
        let options = format!("mode=1777{size}");
        let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("tmpfs"), &volume.directory, Some("tmpfs"), flags, Some(options.as_str()))
            .doing("mount", &volume.directory)?;
    }
    Ok(())
}
