//! `taskRunner`: the Kubernetes task runner of a script task.

use serde_json::{Map, Value};

use super::catalogue::{AMOUNTS, RESOURCES, RUNNER, RUNNER_TYPES};
use super::fields::Fields;
use super::script::map_of;
use super::task::{self, Carrier, Placement};
use super::{container, name};

/// What the runner says about the main container and the pod.
#[derive(Clone, Debug, Default)]
pub(crate) struct Runner {
    /// As Kubernetes spells it: `Always`, `IfNotPresent`, `Never`.
    pub(crate) pull_policy: Option<&'static str>,
    /// `limits` and `requests`.
    pub(crate) resources: Map<String, Value>,
    pub(crate) labels: Vec<(String, String)>,
    pub(crate) node_selector: Vec<(String, String)>,
    pub(crate) service_account: Option<String>,
    pub(crate) pod_spec: Map<String, Value>,
    pub(crate) container_spec: Map<String, Value>,
    pub(crate) sync_working_directory: bool,
}

/// Everything a runner says.
#[derive(Clone, Debug, Default)]
pub(crate) struct RunnerParts {
    pub(crate) runner: Runner,
    pub(crate) placement: Placement,
    pub(crate) container_default: Map<String, Value>,
    pub(crate) carrier: Carrier,
    pub(crate) names_version: bool,
}

/// Read `taskRunner`. A script task without one runs as the Kubernetes runner with its defaults.
pub(crate) fn read(script: &Fields<'_>, check_connection: bool) -> RunnerParts {
    let empty = || RunnerParts {
        placement: Placement { delete: true, resume: true, ..Placement::default() },
        ..RunnerParts::default()
    };
    let Some(fields) = script.nested("taskRunner") else { return empty() };
    match fields.required_text("type") {
        Some(written) if RUNNER_TYPES.contains(&written.trim()) || fields.place.is_open(&written) => {}
        Some(written) => {
            fields.place.at("type").refuse(
                &written.into(),
                "is no task runner that can be used",
                RUNNER_TYPES.join(", "),
            );
            return empty();
        }
        None => return empty(),
    }
    fields.only(&RUNNER);
    let pod_spec = map_of(&fields, "podSpec");
    container::check_pod_spec(&pod_spec, &fields.place.at("podSpec"), false);
    let container_spec = map_of(&fields, "containerSpec");
    container::check_overlay(&container_spec, &fields.place.at("containerSpec"));
    let side_car_spec = fields.object("fileSideCarSpec");
    if let Some(spec) = &side_car_spec {
        container::check_overlay(spec, &fields.place.at("fileSideCarSpec"));
        for key in ["name", "command", "args"] {
            if spec.get(key).is_some_and(|value| !value.is_null()) {
                fields
                    .place
                    .at("fileSideCarSpec")
                    .at(key)
                    .wrong(format!("`{key}` of the carriers cannot be changed"));
            }
        }
    }
    RunnerParts {
        runner: Runner {
            pull_policy: pull_policy(&fields),
            resources: resources(&fields),
            labels: labels(&fields, "labels"),
            node_selector: labels(&fields, "nodeSelector"),
            service_account: service_account(&fields),
            pod_spec,
            container_spec,
            sync_working_directory: fields.flag("syncWorkingDirectory").unwrap_or(false),
        },
        placement: task::placement(&fields, "config", check_connection),
        container_default: task::container_default(&fields),
        carrier: Carrier { side_car_spec, ..task::carrier(&fields) },
        names_version: fields.text("version").is_some(),
    }
}

/// Any spelling: `ALWAYS`, `Always`, `IF_NOT_PRESENT`, `IfNotPresent`, `never` ….
fn pull_policy(fields: &Fields<'_>) -> Option<&'static str> {
    let written = fields.text("pullPolicy")?;
    if fields.place.is_open(&written) {
        return None;
    }
    let plain: String =
        written.chars().filter(char::is_ascii_alphabetic).collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "always" => Some("Always"),
        "ifnotpresent" => Some("IfNotPresent"),
        "never" => Some("Never"),
        _ => {
            fields.place.at("pullPolicy").refuse(
                &written.into(),
                "is no pull policy",
                "ALWAYS, IF_NOT_PRESENT, NEVER",
            );
            None
        }
    }
}

/// `resources.request` and `resources.limit` with `cpu` and `memory`, as Kubernetes writes them.
fn resources(parent: &Fields<'_>) -> Map<String, Value> {
    let mut resources = Map::new();
    let Some(fields) = parent.nested("resources") else { return resources };
    fields.only(&RESOURCES);
    for (written, side) in [("request", "requests"), ("limit", "limits")] {
        let Some(amounts) = fields.nested(written) else { continue };
        amounts.only(&AMOUNTS);
        let mut chosen = Map::new();
        for resource in ["cpu", "memory"] {
            if let Some(amount) = amounts.value(resource) {
                container::check_quantity(amount, &amounts.place.at(resource));
                if let Some(text) = amounts.text(resource) {
                    chosen.insert(resource.to_owned(), text.into());
                }
            }
        }
        if !chosen.is_empty() {
            resources.insert(side.to_owned(), chosen.into());
        }
    }
    resources
}

/// A map of labels. Keys must be legal; values are made legal later where they are ours to change.
fn labels(fields: &Fields<'_>, key: &str) -> Vec<(String, String)> {
    let pairs = fields.text_map(key).unwrap_or_default();
    let place = fields.place.at(key);
    for (name, value) in &pairs {
        if !place.is_open(name) && !name::is_label_key(name) {
            place.at(name).wrong(format!("`{name}` is no label name"));
        }
        // a node's labels are what they are: another value would select something else
        if key == "nodeSelector" && !place.is_open(value) && !name::is_label_value(value) {
            place.at(name).refuse(
                &value.as_str().into(),
                "is no label value",
                "at most 63 of A-Z a-z 0-9 - _ .",
            );
        }
    }
    pairs
}

fn service_account(fields: &Fields<'_>) -> Option<String> {
    let written = fields.text("serviceAccountName")?;
    if !fields.place.is_open(&written) && !name::is_dns_subdomain(&written) {
        let place = fields.place.at("serviceAccountName");
        place.refuse(&written.as_str().into(), "is no name of a service account", "a-z, 0-9, - and .");
    }
    Some(written)
}
