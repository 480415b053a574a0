//! Pods as a bystander sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Result;
use futures::StreamExt as _;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use shared::pod::identity_of;
use tokio::task::JoinHandle;

use crate::stack::Stack;
use crate::wait::{self, SOON};

/// Every namespace that tasks run in here.
const NAMESPACE: &str = "default";

/// The pods of the tasks' namespace.
pub async fn api(stack: &Stack) -> Result<Api<Pod>> {
    Ok(Api::namespaced(stack.cluster().await?, NAMESPACE))
}

/// Wait until no pod of a run is there.
pub async fn gone(stack: &Stack, run_id: &str) -> Result<()> {
    let api = api(stack).await?;
    wait::until(&format!("the end of the pods of run `{run_id}`"), SOON, || async {
        let pods = api.list(&ListParams::default()).await?;
        Ok((!pods.items.iter().any(|pod| is_of(pod, run_id))).then_some(()))
    })
    .await
}

/// Wait until the main container of a run's pod runs; the pod's name.
pub async fn running(stack: &Stack, run_id: &str) -> Result<String> {
    let api = api(stack).await?;
    wait::until(&format!("the start of run `{run_id}`"), SOON, || async {
        let pods = api.list(&ListParams::default()).await?;
        let running = pods.items.iter().find(|pod| is_of(pod, run_id) && runs(pod));
        Ok(running.and_then(|pod| pod.metadata.name.clone()))
    })
    .await
}

fn is_of(pod: &Pod, run_id: &str) -> bool {
    identity_of(pod).is_some_and(|identity| identity.run_id == run_id)
}

fn runs(pod: &Pod) -> bool {
    let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let main = statuses.into_iter().find(|status| status.name == "main");
    main.and_then(|status| status.state.as_ref()).is_some_and(|state| state.running.is_some())
}

/// Somebody who watches from a moment on and remembers every pod that ever was.
pub struct Witness {
    seen: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>,
    watching: JoinHandle<()>,
}

impl Witness {
    /// Watch from now on.
    pub async fn begin(stack: &Stack) -> Result<Witness> {
        let api = api(stack).await?;
        let mut version =
            api.list(&ListParams::default()).await?.metadata.resource_version.unwrap_or_default();
        let seen: Arc<Mutex<BTreeMap<String, BTreeSet<String>>>> = Arc::default();
        let book = seen.clone();
        let watching = tokio::spawn(async move {
            while let Ok(events) = api.watch(&WatchParams::default(), &version).await {
                let mut events = events.boxed();
                while let Some(Ok(event)) = events.next().await {
                    let (WatchEvent::Added(pod) | WatchEvent::Modified(pod) | WatchEvent::Deleted(pod)) =
                        event
                    else {
                        continue;
                    };
                    version = pod.metadata.resource_version.clone().unwrap_or(version);
                    if let (Some(identity), Some(uid)) = (identity_of(&pod), &pod.metadata.uid) {
                        let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
                        book.entry(identity.run_id.to_owned()).or_default().insert(uid.clone());
                    }
                }
            }
        });
        Ok(Witness { seen, watching })
    }

    /// How many pods a run has had.
    pub fn pods_of(&self, run_id: &str) -> usize {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(run_id).map_or(0, BTreeSet::len)
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}
