//! Bind mounts.

use super::spec::MountSpec;
use super::{Doing, Refusal};
use nix::mount::{MsFlags, mount};
use nix::sys::statvfs::{FsFlags, statvfs};
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// Show `source`, with what is mounted below it, at `target`.
pub fn bind(source: &Path, target: &Path) -> Result<(), Refusal> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount(Some(source), target, None::<&str>, flags, None::<&str>).doing("mount", target)
}

/// Refuse writes at `target` and at what is mounted below it.
pub fn make_read_only(target: &Path) -> Result<(), Refusal> {
    let table = fs::read_to_string("/proc/self/mountinfo").doing("open", "/proc/self/mountinfo")?;
    // The fifth field is the mount point; blanks in it are written as octal escapes.
    let points =
        table.lines().filter_map(|line| line.split(' ').nth(4)).map(|point| PathBuf::from(unescape(point)));
    remount_read_only(target)?;
    for point in points.filter(|point| point.starts_with(target) && point != target) {
        // A mount point that is covered by another mount cannot be reached, and needs not.
        let _ = remount_read_only(&point);
    }
    Ok(())
}

/// Refuse writes at `target`, and at nothing mounted below it.
pub fn remount_read_only(target: &Path) -> Result<(), Refusal> {
    let kept = statvfs(target).doing("statvfs", target)?.flags();
    let mut flags = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    // A user namespace may not take these away from what it was given.
    for (kept_flag, flag) in [
        (FsFlags::ST_NOSUID, MsFlags::MS_NOSUID),
        (FsFlags::ST_NODEV, MsFlags::MS_NODEV),
        (FsFlags::ST_NOEXEC, MsFlags::MS_NOEXEC),
        (FsFlags::ST_NOATIME, MsFlags::MS_NOATIME),
        (FsFlags::ST_NODIRATIME, MsFlags::MS_NODIRATIME),
        (FsFlags::ST_RELATIME, MsFlags::MS_RELATIME),
    ] {
        if kept.contains(kept_flag) {
            flags |= flag;
        }
    }
    mount(None::<&str>, target, None::<&str>, flags, None::<&str>).doing("remount", target)
}

/// Mount volumes and files; `old` is where the host's root is visible.
pub fn mount_volumes(old: &Path, mounts: &[MountSpec]) -> Result<(), Refusal> {
    for MountSpec { source, target, read_only } in mounts {
        let source = inside(old, source);
        make_target(&source, target)?;
        bind(&source, target)?;
        if *read_only {
            make_read_only(target)?;
        }
    }
    Ok(())
}

/// Make a mount point of the kind of `source`.
pub fn make_target(source: &Path, target: &Path) -> Result<(), Refusal> {
    if source.is_dir() {
        return fs::create_dir_all(target).doing("mkdir", target);
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).doing("mkdir", parent)?;
    }
    if target.exists() { Ok(()) } else { File::create(target).map(drop).doing("create", target) }
}

/// An absolute path of the host below `root`.
pub fn inside(root: &Path, path: &Path) -> PathBuf {
    root.join(path.strip_prefix("/").unwrap_or(path))
}

fn unescape(point: &str) -> String {
    point.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n").replace("\\134", "\\")
}
