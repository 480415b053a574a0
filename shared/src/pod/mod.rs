//! The shape of a run's pod: its name, labels, containers, carriers and volume, as the JSON that is sent.

mod carriers;
mod direct;
pub mod explain;
mod identity;
pub mod labels;
pub mod manifest;
mod name;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

pub use self::identity::{PodIdentity, identity_of, is_kept};
pub use self::name::name;
use crate::merge;
use crate::resolve::plan::Plan;
pub use crate::spec::layout::{
    COLLECTION_SECONDS, INIT_CARRIER, OUT_CARRIER, VOLUME, VOLUME_PATH, WORKING_DIR,
};

/// What a pod is allowed to reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Grants<'a> {
    /// Presigned URL of the input manifest ([`manifest`]); needed when the plan has inputs.
    pub manifest_url: Option<&'a str>,
    /// Presigned URL of the grants for outputs and logs; needed when a helper moves the outputs.
    pub grants_url: Option<&'a str>,
}

/// The complete pod of one attempt: `apiVersion`, `kind`, `metadata` with name, namespace, labels and annotations, and `spec` with carriers, volume and
/// `activeDeadlineSeconds`. The same arguments give the same pod. A plan without namespace goes to `default`.
pub fn build(plan: &Plan, identity: &PodIdentity<'_>, grants: Grants<'_>) -> Value {
    let object = |key: &str| plan.pod.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut spec = object("spec");
    match &plan.files.helper {
        Some(image) => direct::add(&mut spec, plan, image, grants),
        None => carriers::add(&mut spec, plan, grants),
    }
    carriers::add_value(&mut spec, plan);
    spec.entry("restartPolicy").or_insert_with(|| "Never".into());
    // One that is no number of seconds is left to the API server, which says so, instead of nobody.
    if spec.get("activeDeadlineSeconds").is_none_or(Value::is_u64) {
        spec.insert("activeDeadlineSeconds".to_owned(), life_seconds(plan).into());
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata(object("metadata"), plan, identity),
        "spec": spec,
    })
}

/// The labels that the pod of an attempt has.
pub fn labels_of(plan: &Plan, identity: &PodIdentity<'_>) -> Map<String, Value> {
    let own = plan.pod.get("metadata").and_then(Value::as_object).cloned().unwrap_or_default();
    let metadata = metadata(own, plan, identity);
    metadata.get("labels").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// System labels and annotations win over the author's.
fn metadata(mut own: Map<String, Value>, plan: &Plan, identity: &PodIdentity<'_>) -> Map<String, Value> {
    own.remove("generateName");
    let mut system = json!({
        "name": name(plan, identity.run_id, identity.attempt),
        "namespace": plan.target.namespace.as_deref().unwrap_or("default"),
        "labels": labels::of(plan, identity),
        "annotations": identity.annotations(),
    });
    if let Some(annotations) =
        system.get_mut("annotations").and_then(Value::as_object_mut).filter(|_| plan.may_keep())
    {
        annotations.insert(labels::KEEP.to_owned(), "true".into());
    }
    merge::metadata(&own, system.as_object().unwrap_or(&Map::new()))
}

/// The backstop that the cluster enforces, in seconds from the pod's start: everything the run may take and [`COLLECTION_SECONDS`]. A smaller value of
/// the author's stays.
pub fn life_seconds(plan: &Plan) -> u64 {
    let limits = &plan.limits;
    let backstop =
        limits.start_seconds().saturating_add(limits.running_seconds).saturating_add(COLLECTION_SECONDS);
    // the field is a 32-bit number
    let backstop = backstop.min(u64::from(i32::MAX.unsigned_abs()));
    let own = plan.pod.pointer("/spec/activeDeadlineSeconds").and_then(Value::as_u64);
    own.map_or(backstop, |own| own.min(backstop))
}
