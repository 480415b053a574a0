//! The rule of each field that is not simply "maps merge deeply, everything else is replaced".

use serde_json::Value;

/// How a field of the later layer joins that of the earlier one.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    /// A list whose entries have a key: first the earlier layer's, then the later one's; an entry with a key that is already there takes its place.
    ByKey(Key, Same),
    /// A map that has rules of its own.
    Fields(&'static [FieldRule]),
}

/// What two entries of the same key become.
#[derive(Clone, Copy, Debug)]
pub enum Same {
    /// The later one alone: a `value` and a `valueFrom` never mix.
    Replaced,
    /// Both, merged by these rules.
    Merged(&'static [FieldRule]),
}

/// What tells two entries of a list apart.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    /// The text of one field.
    Field(&'static str),
    /// `containerPort` and `protocol`, `TCP` when nothing is said.
    Port,
    /// The config map or secret of an `envFrom` entry.
    EnvSource,
}

/// A field and its rule.
#[derive(Clone, Copy, Debug)]
pub struct FieldRule {
    /// Name of the field.
    pub field: &'static str,
    /// How it joins.
    pub rule: Rule,
}

const fn by(field: &'static str, key: &'static str) -> FieldRule {
    FieldRule { field, rule: Rule::ByKey(Key::Field(key), Same::Replaced) }
}

const fn merged(field: &'static str, rules: &'static [FieldRule]) -> FieldRule {
    FieldRule { field, rule: Rule::ByKey(Key::Field("name"), Same::Merged(rules)) }
}

/// Fields of `v1.Container`.
pub const CONTAINER: &[FieldRule] = &[
    by("env", "name"),
    by("volumeMounts", "mountPath"),
    by("volumeDevices", "devicePath"),
    FieldRule { field: "ports", rule: Rule::ByKey(Key::Port, Same::Replaced) },
    FieldRule { field: "envFrom", rule: Rule::ByKey(Key::EnvSource, Same::Replaced) },
];

/// Fields of `v1.PodSpec`. The list types are those of the Kubernetes API's own strategic merge.
pub const POD_SPEC: &[FieldRule] = &[
    merged("containers", CONTAINER),
    merged("initContainers", CONTAINER),
    by("volumes", "name"),
    by("imagePullSecrets", "name"),
    by("hostAliases", "ip"),
    by("resourceClaims", "name"),
    by("schedulingGates", "name"),
];

/// A whole pod.
pub const POD: &[FieldRule] = &[FieldRule { field: "spec", rule: Rule::Fields(POD_SPEC) }];

impl Key {
    /// The key of an entry. An entry without one is its own key, so that it is neither lost nor doubled.
    pub fn of(self, entry: &Value) -> String {
        let text = |field: &str| entry.get(field).and_then(Value::as_str).map(str::to_owned);
        let key = match self {
            Key::Field(field) => text(field),
            Key::Port => entry.get("containerPort").map(|port| {
                let protocol = text("protocol").unwrap_or_else(|| "TCP".to_owned());
                format!("{port}/{protocol}")
            }),
            Key::EnvSource => ["configMapRef", "secretRef"].iter().find_map(|kind| {
                let name = entry.get(kind)?.get("name")?.as_str()?;
                Some(format!("{kind}/{name}"))
            }),
        };
        key.map_or_else(|| format!("={entry}"), |key| format!(":{key}"))
    }
}
