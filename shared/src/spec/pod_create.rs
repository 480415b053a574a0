//! `PodCreate`: the author's own pod.

use serde_json::{Map, Value};

use super::catalogue::{POD_CREATE, POD_METADATA};
use super::fields::Fields;
use super::script::map_of;
use super::task::{self, Body, Parts};
use super::{container, name};

/// A pod as the author wrote it.
#[derive(Clone, Debug, Default)]
pub(crate) struct PodCreate {
    pub(crate) metadata: Map<String, Value>,
    pub(crate) spec: Map<String, Value>,
    /// The pod has to become ready within this; 0 and nothing ask for nothing.
    pub(crate) ready_seconds: Option<u64>,
    /// The container that decides how the run ends; `None`: all of them.
    pub(crate) decides: Option<String>,
}

/// Read a `PodCreate` task.
pub(crate) fn read(task: &Fields<'_>, check_connection: bool) -> Parts {
    task.only(&POD_CREATE);
    let spec = match task.nested("spec") {
        Some(fields) => {
            let spec = map_of(task, "spec");
            container::check_pod_spec(&spec, &fields.place, true);
            spec
        }
        None => {
            if task.value("spec").is_none() {
                task.place.wrong("has no `spec`; give a pod spec with at least one container");
            }
            Map::new()
        }
    };
    let metadata = task.nested("metadata").map(|fields| {
        check_metadata(&fields);
        map_of(task, "metadata")
    });
    Parts {
        body: Body::Pod(PodCreate {
            metadata: metadata.unwrap_or_default(),
            spec,
            ready_seconds: task.duration("waitUntilReady").filter(|seconds| *seconds > 0),
            decides: None,
        }),
        placement: task::placement(task, "connection", check_connection),
        container_default: task::container_default(task),
        carrier: task::carrier(task),
        names_version: false,
    }
}

/// Names that must be legal, and what the pod's author cannot set.
fn check_metadata(fields: &Fields<'_>) {
    fields.only(&POD_METADATA);
    for key in ["name", "generateName"] {
        if let Some(text) = fields.text(key)
            && !fields.place.is_open(&text)
            && !name::is_dns_subdomain(text.trim_end_matches('-'))
        {
            fields.place.at(key).refuse(&text.as_str().into(), "is no name of a pod", "a-z, 0-9, - and .");
        }
    }
    let labels: Vec<(String, String)> = fields.text_map("labels").unwrap_or_default();
    for (key, pairs) in
        [("labels", labels), ("annotations", fields.text_map("annotations").unwrap_or_default())]
    {
        let place = fields.place.at(key);
        for (name, _) in pairs.iter().filter(|(name, _)| !place.is_open(name) && !name::is_label_key(name)) {
            place.at(name).note(super::problem::Problem::new(
                place.at(name).pointer(),
                format!("`{name}` is no name in `{key}`"),
            ));
        }
    }
    if let Some(namespace) = fields.text("namespace")
        && !fields.place.is_open(&namespace)
        && !name::is_dns_label(&namespace)
    {
        fields.place.at("namespace").refuse(
            &namespace.as_str().into(),
            "is no Kubernetes namespace",
            "at most 63 of a-z, 0-9 and -",
        );
    }
}
