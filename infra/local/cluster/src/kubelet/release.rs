//! The end of a deletion: a pod whose containers have ended is given back to the API.

use crate::clock;
use crate::store::{Kind, Store, set, text};
use serde_json::{Value, json};

/// Let the API have a pod that was deleted and has ended; whether it is gone.
pub(crate) fn release(store: &Store, namespace: &str, name: &str, uid: &str) -> bool {
    let found = store.get(Kind::Pod, namespace, name).filter(|pod| text(pod, "/metadata/uid") == uid);
    let Some(pod) = found else { return true };
    if pod.pointer("/metadata/deletionTimestamp").is_none() {
        return false;
    }
    if pod.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_u64) != Some(0) {
        // An update that comes too late finds no pod.
        let _ = store.update(Kind::Pod, namespace, name, Some(uid), |object| {
            if let Some(metadata) = object.get_mut("metadata") {
                set(metadata, "deletionTimestamp", json!(clock::seconds(clock::now())));
                set(metadata, "deletionGracePeriodSeconds", json!(0));
            }
        });
    }
    let is_held =
        pod.pointer("/metadata/finalizers").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    !is_held && store.remove(Kind::Pod, namespace, name, Some(uid)).is_ok()
}
