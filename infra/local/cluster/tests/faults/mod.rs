//! What goes wrong on request, as clients meet it. The words are those of the recordings named in the tests; where
//! nothing was recorded, of the upstream source that `docs/FAULTS.md` names.

mod admission;
mod endpoint;
mod image;
mod node;
mod pods;
mod recording;
mod requests;
mod streams;

use crate::client::Rig;
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/fxh/pods";

/// Put a plan with one fault in force; its name is `it`.
fn put(rig: &Rig, mut fault: Value) {
    fault["name"] = json!("it");
    rig.cluster.faults().put(&json!({"seed": 1, "faults": [fault]})).unwrap();
}

/// How often the only fault has struck.
fn struck(rig: &Rig) -> u64 {
    rig.cluster.faults().struck("it")
}
