//! Built pods as snapshots, and the carriers' scripts run for real.

mod carriers;
mod direct;
mod explain;
mod init_files;
mod snapshots;

use serde_json::{Map, Value, json};

use super::{Grants, PodIdentity, build};
use crate::resolve::plan::Plan;
use crate::resolve::{Context, plan_of};
use crate::spec::read;

/// The plan of a YAML document; the input `file` is an object.
pub(super) fn plan(document: &str) -> Plan {
    let submission = read::submission(document.as_bytes()).unwrap();
    let mut inputs = Map::new();
    if document.contains("inputs.file") {
        inputs.insert("file".to_owned(), json!("s3://longshore/runs/r/inputs/data.txt"));
    }
    let context = Context {
        run_id: "run-1",
        inputs: &inputs,
        trigger: &Map::new(),
        bucket: "longshore",
        accepted_at: jiff::Timestamp::UNIX_EPOCH,
        templates: &std::collections::BTreeMap::new(),
        replace_connection: true,
    };
    plan_of(&submission, &context).unwrap_or_else(|problems| panic!("{problems:?}"))
}

/// The pod of a YAML document.
pub(super) fn pod(document: &str) -> Value {
    let identity = PodIdentity { run_id: "run-1", attempt: 2, submission_hash: "5ub", group: "default" };
    build(
        &plan(document),
        &identity,
        Grants {
            manifest_url: Some("https://bucket.example/manifest?X-Amz-Signature=a$b"),
            ..Grants::default()
        },
    )
}

/// The container of that name.
pub(super) fn container<'a>(pod: &'a Value, name: &str) -> &'a Value {
    let of = |list: &str| {
        pod["spec"][list].as_array().into_iter().flatten().find(|container| container["name"] == name)
    };
    of("initContainers").or_else(|| of("containers")).unwrap_or_else(|| panic!("no container {name}"))
}
