//! What a local stack is made of.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::StackError;

/// How to bring up a local stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StackOptions {
    /// Where the stack keeps its state; one stack runs per state directory. Created when missing.
    pub state: PathBuf,
    /// Where things that outlive a stack are kept: the emulator's Python environment and the packages. May be shared.
    pub cache: PathBuf,
    /// The root of this repository: `template.yaml`, `infra/rbac.yaml` and the functions' sources.
    pub workspace: PathBuf,
    /// Directories that stand for container images, by image name; every other image is the host's own userland.
    pub images: Vec<(String, PathBuf)>,
    /// A program whose `main` calls [`crate::reenter`] first; started again as the daemon and for the containers.
    pub program: PathBuf,
    /// Where the functions come from.
    pub functions: FunctionBuild,
    /// The cluster that runs the tasks.
    pub cluster: ClusterChoice,
    /// Whether the emulator refuses the functions what their roles do not allow.
    pub enforce_roles: bool,
    /// The process whose end ends the stack; `None` for a stack that stays until [`crate::down`].
    pub owner: Option<u32>,
}

impl StackOptions {
    /// The same with absolute paths, since not everything in a stack has the same current directory.
    pub(crate) fn absolute(self) -> Result<StackOptions, StackError> {
        let path = |path: PathBuf| std::path::absolute(&path).map_err(StackError::file("find", path));
        let mut images = Vec::with_capacity(self.images.len());
        for (image, directory) in self.images {
            images.push((image, path(directory)?));
        }
        Ok(StackOptions {
            state: path(self.state)?,
            cache: path(self.cache)?,
            workspace: path(self.workspace)?,
            images,
            functions: match self.functions {
                FunctionBuild::Directory(directory) => FunctionBuild::Directory(path(directory)?),
                cargo @ FunctionBuild::Cargo(_) => cargo,
            },
            cluster: match self.cluster {
                ClusterChoice::Kubeconfig { file, advertise } => {
                    ClusterChoice::Kubeconfig { file: path(file)?, advertise }
                }
                ClusterChoice::Hollow { script } => ClusterChoice::Hollow { script: path(script)? },
                ClusterChoice::Embedded => ClusterChoice::Embedded,
            },
            ..self
        })
    }
}

/// Where the functions' binaries come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FunctionBuild {
    /// Build them in the workspace.
    Cargo(Profile),
    /// Take the programs `submit`, `poll`, `collect`, `notify` and `cancel` from a directory.
    Directory(PathBuf),
}

/// How cargo builds the functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Profile {
    /// As they are deployed.
    Release,
    /// Faster to build, slower to run.
    Debug,
}

/// The cluster that runs the tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ClusterChoice {
    /// The embedded cluster, which the functions find as the EKS cluster of the deployment.
    Embedded,
    /// The embedded cluster with hollow pods: nothing runs, everything happens as a script says.
    Hollow {
        /// The script, YAML or JSON; see `cluster::hollow`.
        script: PathBuf,
    },
    /// A cluster of the user's; every submission must bring its connection, since no EKS cluster is deployed.
    Kubeconfig {
        /// The kubeconfig file.
        file: PathBuf,
        /// The host name or address at which that cluster's pods reach this machine, and the host in the links that
        /// pods get. When it is none of loopback the emulator listens on every interface.
        advertise: Option<String>,
    },
}
