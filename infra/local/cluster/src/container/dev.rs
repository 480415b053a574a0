//! `/proc` and `/dev` of a container.

use super::mounts::{self, bind};
use super::{Doing, Refusal};
use nix::mount::{MsFlags, mount};
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::Path;

/// A new `/proc` for the PID namespace; settings of the kernel are read-only.
pub fn mount_proc() -> Result<(), Refusal> {
    fs::create_dir_all("/proc").doing("mkdir", "/proc")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).doing("mount", "/proc")?;
    for setting in ["/proc/sys", "/proc/sysrq-trigger"].map(Path::new) {
        if setting.exists() {
            bind(setting, setting)?;
            mounts::remount_read_only(setting)?;
        }
    }
    Ok(())
}

/// The devices that every program may expect, from the host; `old` is where the host's root is visible.
pub fn mount_dev(old: &Path) -> Result<(), Refusal> {
    let dev = Path::new("/dev");
    fs::create_dir_all(dev).doing("mkdir", dev)?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_STRICTATIME;
    mount(Some("tmpfs"), dev, Some("tmpfs"), flags, Some("mode=755,size=64k")).doing("mount", dev)?;
    for name in ["null", "zero", "full", "random", "urandom", "tty"] {
        let target = dev.join(name);
        File::create(&target).doing("create", &target)?;
        bind(&old.join("dev").join(name), &target)?;
    }
    for (name, target) in [
        ("fd", "/proc/self/fd"),
        ("stdin", "/proc/self/fd/0"),
        ("stdout", "/proc/self/fd/1"),
        ("stderr", "/proc/self/fd/2"),
    ] {
        symlink(target, dev.join(name)).doing("symlink", dev.join(name))?;
    }
    let terminals = dev.join("pts");
    fs::create_dir(&terminals).doing("mkdir", &terminals)?;
    let options = Some("newinstance,ptmxmode=0666,mode=0620");
    // A program that makes terminals says so itself where the kernel does not allow it.
    if mount(Some("devpts"), &terminals, Some("devpts"), MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC, options)
        .is_ok()
    {
        symlink("pts/ptmx", dev.join("ptmx")).doing("symlink", dev.join("ptmx"))?;
    }
    let shm = dev.join("shm");
    fs::create_dir(&shm).doing("mkdir", &shm)?;
    // 64 MiB is what container runtimes give.
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mount(Some("shm"), &shm, Some("tmpfs"), flags, Some("mode=1777,size=65536k")).doing("mount", &shm)
}
