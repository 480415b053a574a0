//! Runs the carrier's commands with real tools, for tests.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory that is gone when the test is over.
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("longshore-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path.canonicalize().unwrap())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn write(&self, name: &[u8], content: &[u8]) {
        let path = self.0.join(OsStr::from_bytes(name));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// `PATH`s under which the commands are tried: the host's own tools, and busybox alone where it is installed.
pub(super) fn tool_sets(folder: &Folder) -> Vec<String> {
    let mut sets = vec!["/usr/local/bin:/usr/bin:/bin".to_owned()];
    let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
    if let Some(busybox) = busybox {
        let tools = folder.path().join(".tools");
        std::fs::create_dir_all(&tools).unwrap();
        for tool in ["sh", "find", "stat", "tar", "printf", "["] {
            let _ = std::os::unix::fs::symlink(busybox, tools.join(tool));
        }
        sets.push(tools.to_str().unwrap().to_owned());
    }
    sets
}

/// Run a command of ours with the tools of one set.
pub(super) fn run(command: &[String], tools: &str) -> std::process::Output {
    let shell = tools.split(':').map(|path| Path::new(path).join("sh")).find(|shell| shell.exists()).unwrap();
    let (_, arguments) = command.split_first().unwrap();
    Command::new(shell).args(arguments).env_clear().env("PATH", tools).output().unwrap()
}
