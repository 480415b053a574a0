//! Environment, command and arguments of a container: `value`, `valueFrom`, `envFrom`, `$(NAME)`.

use super::status::ADDRESS;
use super::{Host, quantity};
use crate::container::Identity;
use crate::store::{Kind, text};
use base64::Engine;
use serde_json::Value;

/// A reference that leads nowhere, in the kubelet's words; the container waits with CreateContainerConfigError.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem(pub String);

/// Variables in their order; a later one of the same name replaces an earlier one.
pub type Variables = Vec<(String, String)>;

/// The environment of a container; `base` is what the image and the node set.
pub fn of(host: &Host, pod: &Value, container: &Value, base: Variables) -> Result<Variables, ConfigProblem> {
    let mut variables = base;
    for source in container.get("envFrom").and_then(Value::as_array).into_iter().flatten() {
        let prefix = text(source, "/prefix");
        for (field, kind) in [("secretRef", Kind::Secret), ("configMapRef", Kind::ConfigMap)] {
            let Some(reference) = source.get(field) else { continue };
            match entries(host, pod, kind, text(reference, "/name")) {
                Some(entries) => {
                    for (key, value) in entries {
                        put(
                            &mut variables,
                            format!("{prefix}{key}"),
                            String::from_utf8_lossy(&value).into_owned(),
                        );
                    }
                }
                None if is_optional(reference) => {}
                None => return Err(not_found(kind, text(reference, "/name"))),
            }
        }
    }
    for variable in container.get("env").and_then(Value::as_array).into_iter().flatten() {
        let value = match variable.get("valueFrom") {
            Some(source) => value_from(host, pod, container, source)?,
            None => Some(expand(text(variable, "/value"), &variables)),
        };
        if let Some(value) = value {
            put(&mut variables, text(variable, "/name").to_owned(), value);
        }
    }
    Ok(variables)
}

/// Command and arguments, expanded. An image that is not pulled has no command of its own.
pub fn command(container: &Value, variables: &Variables) -> Vec<String> {
    ["command", "args"]
        .iter()
        .filter_map(|field| container.get(field).and_then(Value::as_array))
        .flatten()
        .filter_map(Value::as_str)
        .map(|word| expand(word, variables))
        .collect()
}

/// Replace `$(NAME)` by the variable; `$$` is a dollar sign, and an unknown name stays as it is.
pub fn expand(input: &str, variables: &Variables) -> String {
    let mut output = String::with_capacity(input.len());
    let mut rest = input;
    while let Some((before, after)) = rest.split_once('$') {
        output.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            output.push('$');
            rest = after;
        } else if let Some((name, tail)) = after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            match variables.iter().rev().find(|(key, _)| key == name) {
                Some((_, value)) => output.push_str(value),
                None => output.push_str(&format!("$({name})")),
            }
            rest = tail;
        } else {
            output.push('$');
            rest = after;
        }
    }
    output.push_str(rest);
    output
}

/// User and group of a container, from its own security context or the pod's.
pub fn identity(pod: &Value, container: &Value) -> Identity {
    let number = |field: &str| {
        let own = container.pointer(&format!("/securityContext/{field}"));
        let number =
            own.or_else(|| pod.pointer(&format!("/spec/securityContext/{field}"))).and_then(Value::as_u64);
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or_default()
    };
    Identity { user: number("runAsUser"), group: number("runAsGroup") }
}

/// Refuse root where the pod says that it must not be.
pub fn check_identity(pod: &Value, container: &Value) -> Result<(), ConfigProblem> {
    let own = container.pointer("/securityContext/runAsNonRoot");
    let must_not_be_root =
        own.or_else(|| pod.pointer("/spec/securityContext/runAsNonRoot")).and_then(Value::as_bool)
            == Some(true);
    if must_not_be_root && identity(pod, container).user == 0 {
        let (pod, name) = (full_name(pod), text(container, "/name"));
        return Err(ConfigProblem(format!(
            "container has runAsNonRoot and image will run as root (pod: \"{pod}\", container: {name})"
        )));
    }
    Ok(())
}

/// `name_namespace(uid)`, as messages of the kubelet name a pod.
pub fn full_name(pod: &Value) -> String {
    let field = |name: &str| text(pod, &format!("/metadata/{name}")).to_owned();
    format!("{}_{}({})", field("name"), field("namespace"), field("uid"))
}

/// The entries of a Secret or ConfigMap, decoded; `None` when there is no such object.
pub fn entries(host: &Host, pod: &Value, kind: Kind, name: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let object = host.store.get(kind, text(pod, "/metadata/namespace"), name)?;
    let map = |field: &str| object.get(field).and_then(Value::as_object).into_iter().flatten();
    let decode = |value: &Value| {
        base64::engine::general_purpose::STANDARD
            .decode(value.as_str().unwrap_or_default())
            .unwrap_or_default()
    };
    let encoded_field = if kind == Kind::Secret { "data" } else { "binaryData" };
    let plain_field = if kind == Kind::Secret { "stringData" } else { "data" };
    let encoded = map(encoded_field).map(|(key, value)| (key.clone(), decode(value)));
    let plain = map(plain_field).map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().into()));
    Some(encoded.chain(plain).collect())
}

/// `secret "x" not found`.
pub fn not_found(kind: Kind, name: &str) -> ConfigProblem {
    ConfigProblem(format!("{} \"{name}\" not found", kind.name().to_lowercase()))
}

/// Whether a reference says that it may lead nowhere.
pub fn is_optional(reference: &Value) -> bool {
    reference.get("optional").and_then(Value::as_bool) == Some(true)
}

fn put(variables: &mut Variables, name: String, value: String) {
    variables.retain(|(other, _)| *other != name);
    variables.push((name, value));
}

fn value_from(
    host: &Host,
    pod: &Value,
    container: &Value,
    source: &Value,
) -> Result<Option<String>, ConfigProblem> {
    for (field, kind) in [("secretKeyRef", Kind::Secret), ("configMapKeyRef", Kind::ConfigMap)] {
        let Some(reference) = source.get(field) else { continue };
        let (name, key) = (text(reference, "/name"), text(reference, "/key"));
        let Some(entries) = entries(host, pod, kind, name) else {
            return if is_optional(reference) { Ok(None) } else { Err(not_found(kind, name)) };
        };
        return match entries.into_iter().find(|(other, _)| other == key) {
            Some((_, value)) => Ok(Some(String::from_utf8_lossy(&value).into_owned())),
            None if is_optional(reference) => Ok(None),
            None => {
                let namespace = text(pod, "/metadata/namespace");
                Err(ConfigProblem(format!("couldn't find key {key} in {} {namespace}/{name}", kind.name())))
            }
        };
    }
    if let Some(reference) = source.get("fieldRef") {
        return Ok(Some(pod_field(pod, text(reference, "/fieldPath"))));
    }
    let reference = source.get("resourceFieldRef");
    Ok(reference.map(|reference| resource_field(container, reference)))
}

/// A field of the downward API.
pub fn pod_field(pod: &Value, path: &str) -> String {
    for map in ["labels", "annotations"] {
        let Some(rest) = path.strip_prefix(&format!("metadata.{map}")) else { continue };
        let entries = pod.pointer(&format!("/metadata/{map}")).and_then(Value::as_object);
        return match rest.strip_prefix("['").and_then(|rest| rest.strip_suffix("']")) {
            Some(key) => {
                entries.and_then(|all| all.get(key)).and_then(Value::as_str).unwrap_or_default().to_owned()
            }
            None => {
                // Go's `%q` and JSON quote alike.
                let lines = entries.into_iter().flatten().map(|(key, value)| format!("{key}={value}"));
                lines.collect::<Vec<_>>().join("\n")
            }
        };
    }
    match path {
        "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => ADDRESS.to_owned(),
        _ => text(pod, &format!("/{}", path.replace('.', "/"))).to_owned(),
    }
}

fn resource_field(container: &Value, reference: &Value) -> String {
    let path = format!("/resources/{}", text(reference, "/resource").replace('.', "/"));
    let value = quantity::thousandths(text(container, &path)).unwrap_or_default();
    let divisor =
        quantity::thousandths(text(reference, "/divisor")).filter(|divisor| *divisor > 0).unwrap_or(1_000);
    value.div_ceil(divisor).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_expanded_as_the_kubelet_does() {
        let variables = vec![("A".to_owned(), "one".to_owned())];
        for (input, output) in [
            ("$(A)", "one"),
            ("$$(A)", "$(A)"),
            ("$(B) $A", "$(B) $A"),
            ("$$$$", "$$"),
            ("a$", "a$"),
            ("$(A", "$(A"),
        ] {
            assert_eq!(expand(input, &variables), output, "{input}");
        }
    }
}
