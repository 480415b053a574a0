//! What controllers, the scheduler and people do to pods from outside.

use super::Faults;
use super::kind::{Ender, Outside, PodFault};
use super::node;
use crate::api::delete::delete_from_outside;
use crate::clock;
use crate::scheduler::condition;
use crate::store::{Change, EventRecord, Kind, Store, Verb, set, text};
use serde_json::{Value, json};
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

/// The component whose events tell of evictions for a taint.
pub(super) const TAINT_CONTROLLER: &str = "taint-eviction-controller";

/// Follow the plans and, as long as one is about pods from outside, the pods.
pub(crate) async fn run(store: Store, faults: Faults) {
    let mut plans = faults.plans();
    loop {
        plans.mark_unchanged();
        if let Some(lifted) = faults.lifted() {
            follow(&store, &faults, &lifted).await;
        } else if plans.changed().await.is_err() {
            return;
        }
    }
}

async fn follow(store: &Store, faults: &Faults, lifted: &CancellationToken) {
    let mut changes = store.subscribe();
    let all = || store.list(Kind::Pod, None).0;
    all().iter().for_each(|pod| consider(store, faults, pod, lifted));
    loop {
        let change = tokio::select! {
            () = lifted.cancelled() => return,
            change = changes.recv() => change,
        };
        match change {
            Ok(Change { kind: Kind::Pod, verb: Verb::Added | Verb::Modified, object, .. }) => {
                consider(store, faults, &object, lifted);
            }
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => all().iter().for_each(|pod| consider(store, faults, pod, lifted)),
            Err(RecvError::Closed) => return,
        }
    }
}

/// Begin what happens to this pod now that it is in its phase.
fn consider(store: &Store, faults: &Faults, pod: &Value, lifted: &CancellationToken) {
    for (fault, moment) in faults.outside(pod) {
        let (store, faults, pod, lifted) = (store.clone(), faults.clone(), pod.clone(), lifted.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = lifted.cancelled() => return,
                () = tokio::time::sleep(moment.after) => {}
            }
            tracing::info!(pod.name = text(&pod, "/metadata/name"), ?fault, "a pod meets its fault");
            match fault {
                PodFault::Ended(outside) => end(&store, &pod, &outside),
                PodFault::NodeLost(lost) => node::lose(&store, &faults, &lost, &lifted).await,
                _ => {}
            }
        });
    }
}

/// End a pod as somebody from outside does; one that is gone by now is left alone.
fn end(store: &Store, pod: &Value, outside: &Outside) {
    // pods/93-eviction-api, 94-preempted, 95-taint-noexecute-evicted
    let told = match outside.by {
        Ender::EvictionApi => Some(("EvictionByEvictionAPI", "Eviction API: evicting")),
        Ender::Taint => Some(BY_TAINT),
        Ender::Preemption => Some((
            "PreemptionByScheduler",
            "default-scheduler: preempting to accommodate a higher priority pod",
        )),
        Ender::Somebody => None,
    };
    if let Some((reason, message)) = told {
        disrupt(store, pod, reason, message);
    }
    match outside.by {
        Ender::Preemption => {
            let node = text(pod, "/spec/nodeName");
            let by = crate::random::uuid();
            let message = format!("Preempted by pod {by} on node {node}");
            tell(store, pod, "default-scheduler", ("Normal", "Preempted"), message);
        }
        Ender::Taint => tell_of_deletion(store, pod),
        Ender::EvictionApi | Ender::Somebody => {}
    }
    delete_from_outside(store, pod, outside.grace_seconds);
}

/// Reason and message of a deletion for a taint.
const BY_TAINT: (&str, &str) = ("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint");

/// Delete a pod for a taint of its node.
pub(super) fn end_for_taint(store: &Store, pod: &Value) {
    disrupt(store, pod, BY_TAINT.0, BY_TAINT.1);
    tell_of_deletion(store, pod);
    delete_from_outside(store, pod, None);
}

fn tell_of_deletion(store: &Store, pod: &Value) {
    let message = format!("Marking for deletion Pod {}", path(pod));
    tell(store, pod, TAINT_CONTROLLER, ("Normal", "TaintManagerEviction"), message);
}

/// `namespace/name`.
pub(super) fn path(pod: &Value) -> String {
    format!("{}/{}", text(pod, "/metadata/namespace"), text(pod, "/metadata/name"))
}

/// Put the condition `DisruptionTarget` on a pod.
pub(crate) fn disrupt(store: &Store, pod: &Value, reason: &str, message: &str) {
    change(store, pod, |pod| {
        condition(
            pod,
            json!({"type": "DisruptionTarget", "observedGeneration": 1, "status": "True",
                   "reason": reason, "message": message}),
        );
    });
}

/// Change a pod, unless it is gone or another one by now.
pub(super) fn change(store: &Store, pod: &Value, change: impl FnOnce(&mut Value)) {
    let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
    if let Err(error) = store.update(Kind::Pod, namespace, name, Some(text(pod, "/metadata/uid")), change) {
        tracing::debug!(%error, "the pod was gone before its fault");
    }
}

/// Record an event about a pod.
pub(super) fn tell(
    store: &Store,
    pod: &Value,
    component: &'static str,
    (kind, reason): (&'static str, &str),
    message: String,
) {
    store
        .record_event(pod, EventRecord { kind, reason: reason.into(), message, field_path: None, component });
}

impl Faults {
    /// Whether the node refuses a pod; then the pod has failed already, as in pods/44-outofcpu.
    pub(crate) fn refuse(&self, store: &Store, pod: &Value) -> bool {
        let Some((message, is_new)) = self.out_of_cpu(pod) else { return false };
        if !is_new {
            return true;
        }
        tell(store, pod, "kubelet", ("Warning", "OutOfcpu"), message.clone());
        change(store, pod, |pod| {
            if let Some(status) = pod.get_mut("status") {
                set(status, "phase", json!("Failed"));
                set(status, "message", json!(format!("Pod was rejected: {message}")));
                set(status, "reason", json!("OutOfcpu"));
                set(status, "startTime", json!(clock::seconds(clock::now())));
            }
        });
        true
    }
}
