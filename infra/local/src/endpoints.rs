//! Where a running stack answers.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::directory::Directory;
use crate::embedded::write_private;
use crate::{ClusterChoice, StackError, process};

/// The version of the file that [`Endpoints`] are kept in.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Where a running stack answers, as its daemon wrote it into `stack.json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoints {
    /// The version of this format; other versions are not read.
    pub format_version: u32,
    /// The daemon's process id.
    pub pid: u32,
    /// When that process started, in clock ticks since the machine did; keeps a later process with the same id apart.
    pub process_start: u64,
    /// When the stack became ready, RFC 3339.
    pub started_at: String,
    /// The AWS endpoint, `http://127.0.0.1:PORT`.
    pub endpoint_url: String,
    /// Its port.
    pub emulator_port: u16,
    /// The endpoint that answers for EKS (only DescribeCluster), when the cluster is the embedded one.
    pub eks_endpoint_url: Option<String>,
    /// The AWS region.
    pub region: String,
    /// The test credentials, the very ones that the functions have.
    pub access_key_id: String,
    /// Their secret.
    pub secret_access_key: String,
    /// The one bucket.
    pub bucket: String,
    /// URL of the submissions queue.
    pub submissions_queue: String,
    /// URL of the collect queue.
    pub collect_queue: String,
    /// URL of the cancel queue.
    pub cancel_queue: String,
    /// URL of the uploads queue.
    pub uploads_queue: String,
    /// URL of the notify queue.
    pub notify_queue: String,
    /// URL of the wake queue.
    pub wake_queue: String,
    /// Name of the function `submit`.
    pub submit_function: String,
    /// Name of the function `poll`.
    pub poll_function: String,
    /// Name of the function `collect`.
    pub collect_function: String,
    /// Name of the function `cancel`.
    pub cancel_function: String,
    /// Name of the function `trigger`.
    pub trigger_function: String,
    /// Name of the function `notify`.
    pub notify_function: String,
    /// Whether the functions are refused what their roles do not allow.
    #[serde(default)]
    pub enforces_roles: bool,
    /// What the stack was asked to run tasks on.
    pub cluster: ClusterChoice,
    /// The EKS name of the embedded cluster.
    pub cluster_name: Option<String>,
    /// The API server of the embedded cluster.
    pub cluster_url: Option<String>,
    /// Where it is said what goes wrong in the embedded cluster; whoever knows it may.
    pub faults_url: Option<String>,
    /// A kubeconfig for the cluster, the embedded one's or the user's own.
    pub kubeconfig: PathBuf,
    /// The images that directories stand for.
    pub images: Vec<(String, PathBuf)>,
}

impl Endpoints {
    pub(crate) fn save(&self, directory: &Directory) -> Result<(), StackError> {
        let path = directory.endpoints();
        let incomplete = path.with_extension("json.new");
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        text.and_then(|text| write_private(&incomplete, &text))
            .and_then(|()| std::fs::rename(&incomplete, &path))
            .map_err(StackError::file("write", path))
    }
}

/// The stack that runs in a state directory: its daemon is alive and is the process that wrote the file.
pub fn running(state: &Path) -> Option<Endpoints> {
    let text = std::fs::read(Directory::new(state).ok()?.endpoints()).ok()?;
    let endpoints: Endpoints = serde_json::from_slice(&text).ok()?;
    let ours = endpoints.format_version == FORMAT_VERSION
        && process::is_alive(endpoints.pid, endpoints.process_start);
    ours.then_some(endpoints)
}
