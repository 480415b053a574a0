//! The state directory: where a stack keeps what.

use std::fs::{File, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::StackError;

/// The file that the daemon locks.
const DAEMON_LOCK: &str = "daemon.lock";

/// The state directory of one stack.
#[derive(Clone, Debug)]
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// The emulator works in another current directory, so the path becomes absolute.
    pub fn new(state: &Path) -> Result<Directory, StackError> {
        std::path::absolute(state).map(Directory).map_err(StackError::file("find", state))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Written when the stack is ready, removed when it ends.
    pub fn endpoints(&self) -> PathBuf {
        self.0.join("stack.json")
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.0.join("kubeconfig")
    }

    pub fn daemon_log(&self) -> PathBuf {
        self.0.join("daemon.log")
    }

    pub fn emulator_log(&self) -> PathBuf {
        self.0.join("emulator.log")
    }

    /// Everything the emulator writes.
    pub fn emulator(&self) -> PathBuf {
        self.0.join("emulator")
    }

    /// Everything the embedded cluster writes: volumes and logs of pods.
    pub fn cluster(&self) -> PathBuf {
        self.0.join("cluster")
    }

    pub fn create(&self) -> Result<(), StackError> {
        std::fs::create_dir_all(&self.0).map_err(StackError::file("make", &self.0))
    }

    /// Held while a stack is being brought up or down.
    pub fn lock_change(&self) -> Result<File, StackError> {
        self.lock("change.lock")
    }

    /// Held by the daemon as long as it lives; it has its process id in it.
    pub fn lock_daemon(&self) -> Result<File, StackError> {
        let mut file = self.lock(DAEMON_LOCK)?;
        file.set_len(0)
            .and_then(|()| file.write_all(std::process::id().to_string().as_bytes()))
            .map_err(StackError::file("write", self.0.join(DAEMON_LOCK)))?;
        Ok(file)
    }

    /// The process id of the daemon that lives, ready or not, `None` in the moment before it has written it; and when
    /// there is no daemon, a lock that keeps one from starting.
    pub fn daemon(&self) -> Result<Result<File, Option<u32>>, StackError> {
        match self.lock(DAEMON_LOCK) {
            Ok(file) => Ok(Ok(file)),
            Err(StackError::Busy(_)) => {
                let path = self.0.join(DAEMON_LOCK);
                let pid = std::fs::read_to_string(&path).map_err(StackError::file("read", path))?;
                Ok(Err(pid.parse().ok()))
            }
            Err(error) => Err(error),
        }
    }

    /// Removes what a stack leaves while it runs; the logs stay.
    pub fn clear(&self) -> Result<(), StackError> {
        for file in [self.endpoints(), self.kubeconfig()] {
            absent(std::fs::remove_file(&file)).map_err(StackError::file("remove", file))?;
        }
        for directory in [self.emulator(), self.cluster()] {
            absent(std::fs::remove_dir_all(&directory)).map_err(StackError::file("remove", directory))?;
        }
        Ok(())
    }

    fn lock(&self, name: &str) -> Result<File, StackError> {
        let path = self.0.join(name);
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(StackError::file("open", &path))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(StackError::Busy(self.0.clone())),
            Err(TryLockError::Error(source)) => Err(StackError::File { operation: "lock", path, source }),
        }
    }
}

fn absent(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
