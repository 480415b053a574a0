//! A bystander who sees every pod come and go, by a watch of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use shared::pod::identity_of;
use tokio::task::JoinHandle;

use crate::stack::Stack;

/// How the bystander calls itself, so that faults which are about the functions' requests leave it alone.
const NAME: &str = "bystander";

/// Every namespace that tasks run in here.
const NAMESPACE: &str = "default";

/// What was seen.
#[derive(Debug, Default)]
pub struct Book {
    /// The uids of the pods of each run and attempt.
    pub pods: BTreeMap<(String, u32), BTreeSet<String>>,
    /// The pods that have not ended and are not gone, by uid.
    live: BTreeSet<String>,
    /// Most of them at once.
    pub peak: usize,
    /// The pods that are there, ended or not, by name.
    pub there: BTreeSet<String>,
    /// The watch was refused or broke in a way that may hide a pod.
    pub gap: Option<String>,
}

impl Book {
    fn note(&mut self, event: &WatchEvent<Pod>) {
        let (pod, is_gone) = match event {
            WatchEvent::Added(pod) | WatchEvent::Modified(pod) => (pod, false),
            WatchEvent::Deleted(pod) => (pod, true),
            WatchEvent::Error(error) => {
                self.gap = Some(format!("the watch said {error:?}"));
                return;
            }
            WatchEvent::Bookmark(_) => return,
        };
        let (Some(identity), Some(uid)) = (identity_of(pod), &pod.metadata.uid) else { return };
        let key = (identity.run_id.to_owned(), identity.attempt);
        self.pods.entry(key).or_default().insert(uid.clone());
        let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
        let has_ended = matches!(phase, Some("Succeeded" | "Failed"));
        if is_gone || has_ended {
            self.live.remove(uid)
        } else {
            self.live.insert(uid.clone())
        };
        self.peak = self.peak.max(self.live.len());
        let name = pod.metadata.name.clone().unwrap_or_default();
        if is_gone {
            self.there.remove(&name)
        } else {
            self.there.insert(name)
        };
    }
}

/// A watch on the tasks' namespace from a moment on.
pub struct Witness {
    book: Arc<Mutex<Book>>,
    watching: JoinHandle<()>,
}

impl Witness {
    /// Watch from now on; no pod is there yet.
    pub async fn begin(stack: &Stack) -> Result<Witness> {
        let file = kube::config::Kubeconfig::read_from(&stack.endpoints.kubeconfig)?;
        let mut config = kube::Config::from_custom_kubeconfig(file, &Default::default()).await?;
        config.headers.push((http::header::USER_AGENT, http::HeaderValue::from_static(NAME)));
        let api: Api<Pod> = Api::namespaced(kube::Client::try_from(config)?, NAMESPACE);
        let version = api.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
        let book: Arc<Mutex<Book>> = Arc::default();
        let watching = tokio::spawn(watch(api, version, book.clone()));
        Ok(Witness { book, watching })
    }

    /// What was seen so far.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A watch that ends is taken up where it was; one that cannot be is a gap.
async fn watch(api: Api<Pod>, mut version: String, book: Arc<Mutex<Book>>) {
    let noted = || book.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let mut events = match api.watch(&WatchParams::default(), &version).await {
            Ok(events) => events.boxed(),
            Err(error) => {
                noted().gap = Some(format!("the watch was refused: {error}"));
                return;
            }
        };
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    if let WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod) =
                        &event
                    {
                        version = pod.metadata.resource_version.clone().unwrap_or(version);
                    }
                    noted().note(&event);
                }
                Err(error) => {
                    noted().gap = Some(format!("the watch broke: {error}"));
                    return;
                }
            }
        }
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
