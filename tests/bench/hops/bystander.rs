//! When a pod is created, runs and ends, by the clock of somebody who watches: Kubernetes itself tells whole seconds only.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::StreamExt as _;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use shared::pod::identity_of;
use tokio::task::JoinHandle;

use crate::now;
use crate::stack::Stack;

/// The moments of one pod.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moments {
    /// It was there.
    pub created: Option<Timestamp>,
    /// Its main container ran, or had run.
    pub started: Option<Timestamp>,
    /// Its main container had ended.
    pub finished: Option<Timestamp>,
}

/// A watch on the tasks' namespace.
pub struct Bystander {
    seen: Arc<Mutex<BTreeMap<String, Moments>>>,
    watching: JoinHandle<()>,
}

impl Bystander {
    /// Watch from now on.
    ///
    /// # Errors
    /// When the cluster does not answer.
    pub async fn begin(stack: &Stack) -> Result<Bystander> {
        let api: Api<Pod> = Api::namespaced(stack.cluster().await?, "default");
        let mut version =
            api.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
        let seen: Arc<Mutex<BTreeMap<String, Moments>>> = Arc::default();
        let book = seen.clone();
        let watching = tokio::spawn(async move {
            while let Ok(events) = api.watch(&WatchParams::default(), &version).await {
                let mut events = events.boxed();
                while let Some(Ok(event)) = events.next().await {
                    let (WatchEvent::Added(pod) | WatchEvent::Modified(pod)) = event else { continue };
                    note(&mut book.lock().unwrap_or_else(PoisonError::into_inner), &pod);
                    version = pod.metadata.resource_version.unwrap_or(version);
                }
            }
        });
        Ok(Bystander { seen, watching })
    }

    /// What was seen of the pod of a run.
    pub fn of(&self, run_id: &str) -> Moments {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(run_id).copied().unwrap_or_default()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn note(book: &mut BTreeMap<String, Moments>, pod: &Pod) {
    let Some(identity) = identity_of(pod) else { return };
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let main = statuses.into_iter().find(|status| status.name == "main");
    let state = main.and_then(|status| status.state.as_ref());
    let ended = state.is_some_and(|state| state.terminated.is_some());
    let ran = ended || state.is_some_and(|state| state.running.is_some());
    let moments = book.entry(identity.run_id.to_owned()).or_default();
    moments.created.get_or_insert_with(now);
    if ran {
        moments.started.get_or_insert_with(now);
    }
    if ended {
        moments.finished.get_or_insert_with(now);
    }
}
