//! What the kubelet writes down for the processes that become or enter a container.

use super::Refusal;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::path::{Path, PathBuf};

/// Everything that makes one container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ContainerSpec {
    /// The container's own directory: root, writable layers.
    pub directory: PathBuf,
    /// What the container sees as its root file system.
    pub root: RootSpec,
    /// Refuse writes outside of volumes.
    pub read_only_root: bool,
    /// Volumes and files, in the order of mounting.
    pub mounts: Vec<MountSpec>,
    /// Host name inside.
    pub hostname: String,
    /// Who the processes are.
    pub identity: Identity,
    /// What runs.
    pub program: Program,
    /// Process whose user and mount namespace is the starting point, when the pod has volumes in memory.
    pub join: Option<i32>,
}

/// A program with all it needs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Program and arguments; the program is looked up in the `PATH` of the environment.
    pub command: Vec<String>,
    /// The whole environment.
    pub environment: Vec<(String, String)>,
    /// Working directory inside; made when missing.
    pub working_directory: PathBuf,
}

/// User and group as the container sees itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// User number.
    pub user: u32,
    /// Group number.
    pub group: u32,
}

/// A root file system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootSpec {
    /// The programs and libraries of this machine, without anybody's home.
    Userland {
        /// Further directories of this machine to show read-only at their own paths.
        visible: Vec<PathBuf>,
        /// Program that shall be found under the name `python` as well.
        python: Option<PathBuf>,
    },
    /// A directory that holds a whole root file system.
    Directory(PathBuf),
}

/// A directory or file of the host shown in the container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MountSpec {
    /// Where it is on the host.
    pub source: PathBuf,
    /// Where the container sees it.
    pub target: PathBuf,
    /// Refuse writes.
    pub read_only: bool,
}

/// A command to run in the namespaces of a running container.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnterSpec {
    /// The keeper of the container.
    pub keeper: i32,
    /// Process 1 of the container, as the host numbers it.
    pub process: i32,
    /// What to run.
    pub program: Program,
    /// Named pipe; when nobody holds its writing end any more, the command is killed.
    pub lifeline: PathBuf,
    /// File for the words of a refusal.
    pub refusal: PathBuf,
}

/// Volumes in memory, held by a process of their own as long as the pod lives.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct HoldSpec {
    /// The volumes.
    pub volumes: Vec<TmpfsSpec>,
}

/// A volume in memory.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TmpfsSpec {
    /// Where to mount it.
    pub directory: PathBuf,
    /// Its size, `None` for half of the memory.
    pub limit_bytes: Option<u64>,
}

pub(super) fn read<S: DeserializeOwned>(path: &Path) -> Result<S, Refusal> {
    let text = std::fs::read(path).map_err(|error| Refusal::at("open", path, error))?;
    serde_json::from_slice(&text).map_err(|error| Refusal::at("parse", path, error))
}
