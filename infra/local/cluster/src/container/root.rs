//! The root file system: the host's userland without anybody's home, or a directory.
//!
//! Writes go into the container's own directory by overlay mounts; where the kernel or the file system allows none
//! (an overlay on an overlay, a directory below itself), the same is shown read-only.

use super::mounts::{bind, inside, make_read_only, remount_read_only};
use super::spec::{ContainerSpec, RootSpec};
use super::{Doing, Refusal};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Top-level directories of the host that programs need; nobody's data is in them.
const USERLAND: [&str; 13] =
    ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt", "var", "srv", "nix", "gnu"];
/// Top-level directories that are there and empty.
const EMPTY: [&str; 8] = ["dev", "home", "mnt", "proc", "root", "run", "sys", "tmp"];
/// Files that say how names become addresses.
const NETWORK_FILES: [&str; 1] = ["/etc/resolv.conf"];
const OLD: &str = ".old-root";

/// Whether the userland shows this path of the host by itself.
pub fn is_in_userland(path: &Path) -> bool {
    USERLAND.iter().any(|name| path.starts_with(Path::new("/").join(name)))
}

/// Mount the root, go there, and tell where the host's root is still visible.
pub fn prepare_and_enter(spec: &ContainerSpec) -> Result<PathBuf, Refusal> {
    let slash = Path::new("/");
    mount(None::<&str>, slash, None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .doing("make private", slash)?;
    let root = spec.directory.join("root");
    fs::create_dir_all(&root).doing("mkdir", &root)?;
    match &spec.root {
        RootSpec::Userland { visible, python } => {
            bind(&root, &root)?;
            show_userland(spec, &root)?;
            for directory in visible {
                let target = inside(&root, directory);
                fs::create_dir_all(&target).doing("mkdir", &target)?;
                bind(directory, &target)?;
                make_read_only(&target)?;
            }
            if let Some(python) = python {
                name_python(&root, python)?;
            }
        }
        RootSpec::Directory(directory) => {
            show(spec, directory, &root, "image")?;
            for file in NETWORK_FILES.map(Path::new) {
                // An image may do without; then its own files or none are used.
                let _ = fs::copy(file, inside(&root, file));
            }
        }
    }
    for name in EMPTY {
        // An image that cannot be written to has its own, or fails later where it matters.
        let _ = fs::create_dir_all(root.join(name));
    }
    let _ = fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(0o1777));
    let old = root.join(OLD);
    fs::create_dir_all(&old).doing("mkdir", &old)?;
    pivot_root(&root, &old).doing("pivot_root", &root)?;
    std::env::set_current_dir(slash).doing("chdir", slash)?;
    Ok(slash.join(OLD))
}

/// Take the host's root away and, if asked for, the right to write.
pub fn finish(old: &Path, read_only: bool) -> Result<(), Refusal> {
    umount2(old, MntFlags::MNT_DETACH).doing("umount", old)?;
    fs::remove_dir(old).doing("rmdir", old)?;
    if read_only {
        remount_read_only(Path::new("/"))?;
        for name in USERLAND {
            let directory = Path::new("/").join(name);
            // Where it is no mount of its own, this fails and it is read-only already.
            let _ = remount_read_only(&directory);
        }
    }
    Ok(())
}

fn show_userland(spec: &ContainerSpec, root: &Path) -> Result<(), Refusal> {
    for name in USERLAND {
        let (source, target) = (Path::new("/").join(name), root.join(name));
        if let Ok(link) = fs::read_link(&source) {
            symlink(&link, &target).doing("symlink", &target)?;
        } else if source.is_dir() {
            fs::create_dir_all(&target).doing("mkdir", &target)?;
            show(spec, &source, &target, name)?;
        }
    }
    for file in NETWORK_FILES.map(Path::new) {
        // A link out of the userland, as a local resolver makes it: put the file where the link leads.
        if let Ok(file) = file.canonicalize()
            && !is_in_userland(&file)
        {
            let target = inside(root, &file);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent).doing("mkdir", parent)?;
            }
            fs::copy(&file, &target).doing("copy", &target)?;
        }
    }
    Ok(())
}

/// Show a directory so that writes to it stay in the container, or read-only where that cannot be.
fn show(spec: &ContainerSpec, source: &Path, target: &Path, name: &str) -> Result<(), Refusal> {
    let upper = spec.directory.join("upper").join(name);
    let work = spec.directory.join("work").join(name);
    for directory in [&upper, &work] {
        fs::create_dir_all(directory).doing("mkdir", directory)?;
    }
    let options = format!(
        "lowerdir={},upperdir={},workdir={},userxattr",
        escape(source),
        escape(&upper),
        escape(&work)
    );
    let overlay = mount(Some("overlay"), target, Some("overlay"), MsFlags::empty(), Some(options.as_str()));
    if overlay.is_ok() {
        return Ok(());
    }
    bind(source, target)?;
    make_read_only(target)
}

/// Colons and commas separate in the options of an overlay.
fn escape(path: &Path) -> String {
    path.display().to_string().replace('\\', "\\\\").replace(':', "\\:").replace(',', "\\,")
}

/// Where `python` is, when the machine has `python3` only.
pub const PYTHON_DIRECTORY: &str = "/run/python";

fn name_python(root: &Path, python: &Path) -> Result<(), Refusal> {
    let directory = inside(root, Path::new(PYTHON_DIRECTORY));
    fs::create_dir_all(&directory).doing("mkdir", &directory)?;
    for name in ["python", "python3"] {
        symlink(python, directory.join(name)).doing("symlink", directory.join(name))?;
    }
    Ok(())
}
