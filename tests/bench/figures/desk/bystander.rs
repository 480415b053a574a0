//! When pods are created, run and end, by the store of the cluster itself: nothing goes over the wire for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use cluster::store::{Kind, Store, text};
use serde_json::Value;
use shared::pod::labels::RUN_ID;
use tokio::sync::broadcast::error::RecvError;
use tokio::task::JoinHandle;

use super::now;

/// The moments of one pod.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// It was there.
    pub created: Instant,
    /// Its main container had ended.
    pub finished: Option<Instant>,
}

/// Who follows all pods from a moment on.
pub struct Bystander {
    seen: Arc<Mutex<BTreeMap<String, Moments>>>,
    watching: JoinHandle<()>,
}

impl Bystander {
    /// Follow from now on.
    pub fn begin(store: &Store) -> Bystander {
        let mut changes = store.subscribe();
        let seen: Arc<Mutex<BTreeMap<String, Moments>>> = Arc::default();
        let book = seen.clone();
        let watching = tokio::spawn(async move {
            loop {
                match changes.recv().await {
                    Ok(change) if change.kind == Kind::Pod => note(&book, &change.object),
                    Ok(_) | Err(RecvError::Lagged(_)) => {}
                    Err(RecvError::Closed) => return,
                }
            }
        });
        Bystander { seen, watching }
    }

    /// What was seen of the pod of a run, or of a pod with that name.
    pub fn of(&self, run_id: &str) -> Option<Moments> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).get(run_id).copied()
    }

    /// How many pods have ended.
    pub fn finished(&self) -> usize {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.values().filter(|moments| moments.finished.is_some()).count()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

fn note(book: &Mutex<BTreeMap<String, Moments>>, pod: &Value) {
    let run_id = pod.get("metadata").and_then(|metadata| metadata.get("annotations")?.get(RUN_ID)?.as_str());
    let name = run_id.unwrap_or_else(|| text(pod, "/metadata/name"));
    let statuses = pod.pointer("/status/containerStatuses").and_then(Value::as_array);
    let main = statuses.and_then(|all| all.iter().find(|status| text(status, "/name") == "main"));
    let has_ended = main.is_some_and(|status| status.pointer("/state/terminated").is_some());
    let mut book = book.lock().unwrap_or_else(PoisonError::into_inner);
    let moments = book.entry(name.to_owned()).or_insert_with(|| Moments { created: now(), finished: None });
    if has_ended && moments.finished.is_none() {
        moments.finished = Some(now());
    }
}
