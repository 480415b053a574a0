//! The kubelet: makes the pods of the store happen as processes of this machine.
//!
//! A pod is a set of processes in Linux namespaces of their own, made without any privilege. It shares the network
//! of the machine. What a process in namespaces cannot have without more rights is left out: limits of memory and
//! CPU are not enforced, so nothing is ever `OOMKilled`; capabilities are not dropped; a container has one user and
//! one group (and may not change to others). Probes and hooks are commands, and containers of a pod do not see each
//! other's processes. Images are not pulled, see [`image`].

mod admit;
pub(crate) mod container;
mod discard;
mod disturb;
pub(crate) mod environment;
mod exec;
mod health;
pub mod image;
mod instance;
mod log;
mod log_reader;
mod namespaces;
pub(crate) mod phase;
mod pod;
mod probe;
mod python;
mod quantity;
mod release;
mod serve;
mod start;
pub(crate) mod status;
mod stop;
mod view;
mod volumes;

pub use crate::container::StageCommand;
pub(crate) use release::release;

use crate::faults::Faults;
use crate::store::{Kind, Store, Subscription, Verb, text};
use pod::Notice;
use python::Python;
use serde_json::Value;
use std::collections::HashMap;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use view::View;

/// Where and how pods run.
#[derive(Clone, Debug)]
pub struct KubeletConfig {
    /// Directory for pods and logs; everything in it is the kubelet's. An absolute path.
    pub directory: PathBuf,
    /// How to start a process that becomes a container.
    pub stage: StageCommand,
    /// Directories that stand for images.
    pub images: Vec<(String, PathBuf)>,
    /// Name of the node; pods with this `spec.nodeName` run here.
    pub node_name: String,
    /// Variables for every container.
    pub environment: Vec<(String, String)>,
    /// What goes wrong on request.
    pub faults: Faults,
}

/// Why the kubelet could not start.
#[derive(Debug, thiserror::Error)]
pub enum KubeletError {
    /// This machine does not let ordinary processes make namespaces.
    #[error("this machine does not allow user namespaces, which pods need: {advice}")]
    Namespaces {
        /// Which setting to change.
        advice: String,
        /// The words of the system.
        #[source]
        cause: io::Error,
    },
    /// The stage program could not be started.
    #[error("failed to start the stage program `{}`", program.display())]
    Stage {
        /// The program.
        program: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
    /// The directory could not be prepared.
    #[error("failed to prepare the directory `{}` for pods", directory.display())]
    Directory {
        /// The directory.
        directory: PathBuf,
        /// The cause.
        #[source]
        cause: io::Error,
    },
}

/// What every pod needs from its node.
pub(crate) struct Host {
    store: Store,
    config: KubeletConfig,
    python: Python,
}

/// The kubelet of the only node. Dropping it without [`Kubelet::shutdown`] leaves its pods to the end of the program.
pub struct Kubelet {
    host: Arc<Host>,
    pods: Pods,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Clone, Default)]
struct Pods(Arc<Mutex<HashMap<String, Worker>>>);

struct Worker {
    notices: mpsc::UnboundedSender<Notice>,
    view: Arc<View>,
    task: JoinHandle<()>,
}

impl Pods {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Worker>> {
        // Each change of the map is one insertion or removal.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kubelet {
    /// Check the machine, then run every pod of the store that is assigned to this node.
    ///
    /// # Errors
    ///
    /// When user namespaces are not allowed, or when the directory cannot be written.
    pub async fn start(store: Store, config: KubeletConfig) -> Result<Arc<Kubelet>, KubeletError> {
        let mut config = config;
        config.directory = prepare(&config.directory)
            .map_err(|cause| KubeletError::Directory { directory: config.directory.clone(), cause })?;
        let ((), python) =
            tokio::try_join!(namespaces::check(&config.stage), async { Ok(Python::find().await) })?;
        let changes = store.subscribe();
        let host = Arc::new(Host { store, config, python });
        let pods = Pods::default();
        let watcher = tokio::spawn(watch(host.clone(), pods.clone(), changes));
        Ok(Arc::new(Kubelet { host, pods, watcher: Mutex::new(Some(watcher)) }))
    }

    /// Kill every process of every pod, and remove everything from the directory.
    pub async fn shutdown(&self) {
        let watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(watcher) = watcher {
            watcher.abort();
            // It ends as cancelled.
            let _ = watcher.await;
        }
        self.host.config.faults.clear();
        let workers: Vec<Worker> = self.pods.lock().drain().map(|(_, worker)| worker).collect();
        for worker in &workers {
            // One that has ended needs no telling.
            let _ = worker.notices.send(Notice::Shutdown);
        }
        for worker in workers {
            if let Err(error) = worker.task.await {
                tracing::error!(%error, "a pod's worker failed");
            }
        }
        if let Err(error) = discard::discard(&self.host.config.directory.join("pods")) {
            tracing::warn!(%error, "the directory of the pods could not be removed");
        }
    }
}

/// Empty what an earlier kubelet may have left; only the owner may look inside, since secrets are there.
fn prepare(directory: &Path) -> io::Result<PathBuf> {
    let directory = std::path::absolute(directory)?;
    let pods = directory.join("pods");
    discard::discard(&pods)?;
    std::fs::create_dir_all(&directory)?;
    std::fs::DirBuilder::new().mode(0o700).create(&pods)?;
    Ok(directory)
}

/// Hand every change of a pod to its worker.
async fn watch(host: Arc<Host>, pods: Pods, mut changes: Subscription) {
    look_at_all(&host, &pods);
    loop {
        match changes.recv().await {
            Ok(change) if change.kind == Kind::Pod => {
                let notice = match change.verb {
                    Verb::Deleted => Notice::Removed,
                    Verb::Added | Verb::Modified => Notice::Changed(change.object.clone()),
                };
                tell(&host, &pods, &change.object, notice);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => look_at_all(&host, &pods),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Make up for changes that were missed.
fn look_at_all(host: &Arc<Host>, pods: &Pods) {
    let (all, _) = host.store.objects(Kind::Pod, None, None);
    let mut gone: Vec<String> = pods.lock().keys().cloned().collect();
    for pod in all {
        gone.retain(|uid| uid != pod.uid());
        let pod = pod.value();
        tell(host, pods, &pod, Notice::Changed(pod.clone()));
    }
    for uid in gone {
        if let Some(worker) = pods.lock().get(&uid) {
            let _ = worker.notices.send(Notice::Removed);
        }
    }
}

fn tell(host: &Arc<Host>, pods: &Pods, pod: &Arc<Value>, notice: Notice) {
    if text(pod, "/spec/nodeName") != host.config.node_name {
        return;
    }
    let uid = text(pod, "/metadata/uid").to_owned();
    let mut workers = pods.lock();
    if let Some(worker) = workers.get(&uid) {
        // A worker that has ended has nothing to do with its pod any more.
        let _ = worker.notices.send(notice);
        return;
    }
    let is_over = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
    if matches!(notice, Notice::Removed) || is_over {
        return;
    }
    if host.config.faults.refuse(&host.store, pod) {
        return;
    }
    let (sender, receiver) = mpsc::unbounded_channel();
    let view = Arc::new(View::default());
    let worker = pod::Worker::new(host.clone(), pod.clone(), view.clone(), sender.clone());
    let registry = pods.clone();
    let task = tokio::spawn({
        let uid = uid.clone();
        async move {
            worker.run(receiver).await;
            registry.lock().remove(&uid);
        }
    });
    workers.insert(uid, Worker { notices: sender, view, task });
}
