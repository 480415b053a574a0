//! Environment of the base container: `env_vars`, `env_from`, `configmaps`, `secrets`, `pod_runtime_info_envs`.

use serde_json::{Map, Value, json};

use super::super::super::fields::Fields;
use super::super::super::place::{Place, kind};
use super::spelling;

/// Add what they say to the base container, and the volumes of secrets to the pod spec.
pub(super) fn read(fields: &Fields<'_>, container: &mut Map<String, Value>, spec: &mut Map<String, Value>) {
    let mut env = env_vars(fields).unwrap_or_default();
    let mut sources = fields.maps("env_from").unwrap_or_default();
    for name in fields.names("configmaps").unwrap_or_default() {
        sources.push(json!({ "configMapRef": { "name": name } }));
    }
    for (index, item) in fields.maps("pod_runtime_info_envs").unwrap_or_default().iter().enumerate() {
        env.extend(runtime_fact(item, &fields.place.at("pod_runtime_info_envs").item(index)));
    }
    for (index, item) in fields.maps("secrets").unwrap_or_default().iter().enumerate() {
        match secret(item, index, &fields.place.at("secrets").item(index)) {
            Some(Use::Variable(entry)) => env.push(entry),
            Some(Use::Variables(source)) => sources.push(source),
            Some(Use::Volume { volume, mount }) => {
                append(spec, "volumes", volume);
                append(container, "volumeMounts", mount);
            }
            None => {}
        }
    }
    for (key, list) in [("env", env), ("envFrom", sources)] {
        if !list.is_empty() {
            container.insert(key.to_owned(), list.into());
        }
    }
}

fn append(map: &mut Map<String, Value>, key: &str, entry: Value) {
    if let Value::Array(list) = map.entry(key.to_owned()).or_insert_with(|| Value::Array(Vec::new())) {
        list.push(entry);
    }
}

/// A map from name to value, or a list of `v1.EnvVar`.
fn env_vars(fields: &Fields<'_>) -> Option<Vec<Value>> {
    let place = fields.place.at("env_vars");
    match fields.value("env_vars")? {
        Value::Object(_) => {
            let pairs = fields.text_map("env_vars")?;
            Some(pairs.into_iter().map(|(name, value)| json!({ "name": name, "value": value })).collect())
        }
        Value::Array(_) => fields.maps("env_vars"),
        other => {
            place.refuse(
                other,
                format!("`env_vars` is {}", kind(other)),
                "a map, or a list of {name, value}",
            );
            None
        }
    }
}

/// `{name, field_path}`: the value of a field of the pod. Such an entry may be written as a `v1.EnvVar` as well.
fn runtime_fact(item: &Value, place: &Place<'_>) -> Option<Value> {
    if item.get("valueFrom").is_some() {
        return Some(item.clone());
    }
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let (Some(name), Some(path)) = (text("name"), text("fieldPath")) else {
        place.refuse(item, "is no fact of the pod", "{name, field_path}");
        return None;
    };
    Some(json!({ "name": name, "valueFrom": { "fieldRef": { "fieldPath": path } } }))
}

/// What a secret is used for.
enum Use {
    Variable(Value),
    Variables(Value),
    Volume { volume: Value, mount: Value },
}

/// Airflow's `Secret(deploy_type, deploy_target, secret, key, items)`.
fn secret(item: &Value, index: usize, place: &Place<'_>) -> Option<Use> {
    const ACCEPTED: &str = "{deploy_type: env, deploy_target: NAME, secret, key}, {deploy_type: env, secret}, \
                            {deploy_type: volume, deploy_target: /path, secret, items}";
    let text = |key: &str| item.get(key).and_then(Value::as_str);
    let unknown = item
        .as_object()
        .into_iter()
        .flat_map(Map::keys)
        .find(|key| !["deployType", "deployTarget", "secret", "key", "items"].contains(&key.as_str()));
    let found = match (text("deployType"), text("deployTarget"), text("secret"), text("key")) {
        _ if unknown.is_some() => None,
        (Some("env"), Some(target), Some(secret), Some(key)) => {
            let reference = json!({ "secretKeyRef": { "name": secret, "key": key } });
            // as the provider does it
            Some(Use::Variable(json!({ "name": target.to_uppercase(), "valueFrom": reference })))
        }
        (Some("env"), None, Some(secret), None) => {
            Some(Use::Variables(json!({ "secretRef": { "name": secret } })))
        }
        (Some("volume"), Some(path), Some(secret), _) => {
            let name = format!("secretvol{index}");
            let mut source = json!({ "secretName": secret });
            if let (Some(source), Some(items)) = (source.as_object_mut(), item.get("items")) {
                source.insert("items".to_owned(), spelling::kubernetes(items, &place.at("items")));
            }
            Some(Use::Volume {
                volume: json!({ "name": name, "secret": source }),
                mount: json!({ "name": name, "mountPath": path, "readOnly": true }),
            })
        }
        _ => None,
    };
    if found.is_none() {
        place.refuse(item, "is no use of a secret", ACCEPTED);
    }
    found
}
