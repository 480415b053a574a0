//! What can be told about containers and pod specs before an API server sees them. Fields newer than this code pass.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::fields::scalar;
use super::nearest::nearest;
use super::place::{Place, kind};
use super::problem::Problem;
use super::{name, quantity};

/// Container names that belong to the carriers.
pub const RESERVED_CONTAINERS: [&str; 2] = [super::layout::INIT_CARRIER, super::layout::OUT_CARRIER];

/// Every field of `v1.Container` (Kubernetes 1.36).
pub const CONTAINER_FIELDS: [&str; 25] = [
    "args",
    "command",
    "env",
    "envFrom",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "name",
    "ports",
    "readinessProbe",
    "resizePolicy",
    "resources",
    "restartPolicy",
    "restartPolicyRules",
    "securityContext",
    "startupProbe",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
];

/// What a default for all containers cannot set, because it would be the same for all.
pub const NOT_A_DEFAULT: [&str; 4] = ["name", "image", "command", "args"];

/// Check a default that is merged into containers: known container fields only, and none of [`NOT_A_DEFAULT`].
pub fn check_default(fields: &Map<String, Value>, place: &Place<'_>) {
    check_overlay(fields, place);
    for key in NOT_A_DEFAULT {
        if fields.get(key).is_some_and(|value| !value.is_null()) {
            place
                .at(key)
                .wrong(format!("`{key}` cannot be a default for every container; set it on the container"));
        }
    }
}

/// Check container fields that are merged into one container: unknown ones are a problem, since nobody else would notice them.
pub fn check_overlay(fields: &Map<String, Value>, place: &Place<'_>) {
    for key in fields.keys().filter(|key| !CONTAINER_FIELDS.contains(&key.as_str())) {
        let message = match nearest(key, CONTAINER_FIELDS) {
            Some(known) => format!("`{key}` is not a field of a container; did you mean `{known}`?"),
            None => format!("`{key}` is not a field of a container"),
        };
        let known = CONTAINER_FIELDS
            .iter()
            .filter(|field| !NOT_A_DEFAULT.contains(field))
            .copied()
            .collect::<Vec<_>>();
        place.note(Problem::new(place.at(key).pointer(), message).accepted(known.join(", ")));
    }
    check_container(fields, place);
}

/// Check what every container has in common: image, resources, environment.
pub fn check_container(fields: &Map<String, Value>, place: &Place<'_>) {
    if let Some(image) = fields.get("image").filter(|image| !image.is_null()) {
        check_image(image, &place.at("image"));
    }
    if let Some(resources) = fields.get("resources").filter(|value| !value.is_null()) {
        check_resources(resources, &place.at("resources"));
    }
    for key in ["env", "envFrom", "volumeMounts", "volumeDevices", "ports", "command", "args"] {
        if let Some(other) = fields.get(key).filter(|value| !value.is_array() && !value.is_null()) {
            place.at(key).refuse(other, format!("`{key}` is {}", kind(other)), "a list");
        }
    }
    for (index, entry) in list(fields, "env").iter().enumerate() {
        if entry.get("name").and_then(Value::as_str).is_none_or(str::is_empty) {
            place.at("env").item(index).refuse(entry, "has no `name`", "{name, value} or {name, valueFrom}");
        }
    }
}

/// Check `limits` and `requests`.
pub fn check_resources(resources: &Value, place: &Place<'_>) {
    let Some(resources) = resources.as_object() else {
        place.refuse(resources, format!("is {}", kind(resources)), "a map with limits and requests");
        return;
    };
    for (side, amounts) in resources {
        match (side.as_str(), amounts) {
            ("claims", _) | (_, Value::Null) => {}
            ("limits" | "requests", Value::Object(amounts)) => {
                for (resource, amount) in amounts {
                    check_quantity(amount, &place.at(side).at(resource));
                }
            }
            ("limits" | "requests", other) => {
                place.at(side).refuse(other, format!("`{side}` is {}", kind(other)), "a map of quantities");
            }
            _ => place.at(side).refuse(
                amounts,
                format!("`{side}` is not part of resources"),
                "limits, requests, claims",
            ),
        }
    }
}

/// Check one quantity.
pub fn check_quantity(amount: &Value, place: &Place<'_>) {
    if amount.is_null() {
        return;
    }
    if let Some(text) = scalar(amount, place)
        && !place.is_open(&text)
        && let Err(error) = quantity::Quantity::parse(&text)
    {
        place.refuse(amount, format!("`{text}` {error}"), quantity::ACCEPTED);
    }
}

/// Check an image reference.
pub fn check_image(image: &Value, place: &Place<'_>) {
    if let Some(text) = scalar(image, place)
        && !place.is_open(&text)
        && !name::is_image(&text)
    {
        place.refuse(
            image,
            format!("`{text}` is no image reference"),
            "name, name:tag or name@digest, in lower case",
        );
    }
}

/// Check a pod spec: its containers have names, images and sound resources; `needs_container` asks for at least one container of its own.
pub fn check_pod_spec(spec: &Map<String, Value>, place: &Place<'_>, needs_container: bool) {
    let mut names = BTreeSet::new();
    for key in ["initContainers", "containers"] {
        let at = place.at(key);
        match spec.get(key) {
            Some(Value::Array(containers)) => {
                if containers.is_empty() && needs_container && key == "containers" {
                    at.wrong("`containers` is empty; name at least one container");
                }
                for (index, container) in containers.iter().enumerate() {
                    check_named(container, &at.item(index), &mut names, needs_container);
                }
            }
            None | Some(Value::Null) => {
                if needs_container && key == "containers" {
                    place.wrong("has no `containers`; name at least one container");
                }
            }
            Some(other) => at.refuse(other, format!("`{key}` is {}", kind(other)), "a list of containers"),
        }
    }
    for (index, volume) in list(spec, "volumes").iter().enumerate() {
        let reserved = [super::layout::VOLUME, super::layout::VALUE_VOLUME];
        if let Some(name) = volume.get("name").and_then(Value::as_str).filter(|name| reserved.contains(name))
        {
            let at = place.at("volumes").item(index);
            at.wrong(format!("the volume name `{name}` is reserved; choose another"));
        }
    }
}

fn check_named<'a>(
    container: &'a Value,
    place: &Place<'_>,
    names: &mut BTreeSet<&'a str>,
    needs_image: bool,
) {
    let Some(fields) = container.as_object() else {
        place.refuse(container, format!("is {}", kind(container)), "a container");
        return;
    };
    match fields.get("name") {
        Some(Value::String(text)) if place.is_open(text) => {}
        Some(Value::String(text)) if RESERVED_CONTAINERS.contains(&text.as_str()) => {
            place
                .at("name")
                .wrong(format!("the container name `{text}` is reserved for moving files; choose another"));
        }
        Some(Value::String(text)) if name::is_dns_label(text) => {
            if !names.insert(text) {
                place.at("name").wrong(format!("two containers are called `{text}`"));
            }
        }
        Some(other) if !other.is_null() => {
            place.at("name").refuse(other, "is no container name", "at most 63 of a-z, 0-9 and -");
        }
        _ => place.wrong("has no `name`"),
    }
    let is_main = fields.get("name").and_then(Value::as_str) == Some(super::layout::MAIN);
    if fields.get("image").is_none_or(Value::is_null) && (needs_image || !is_main) {
        place.wrong("has no `image`");
    }
    check_container(fields, place);
}

/// The list of a field; empty when there is none.
pub fn list<'a>(fields: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    fields.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
