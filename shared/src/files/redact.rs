//! A pod as it may be kept: without the values of environment variables, which may be secret.

use serde_json::Value;

/// What stands in place of a value.
const HIDDEN: &str = "[redacted]";

/// Hide every environment value and the bookkeeping that nobody reads.
pub fn pod(mut pod: Value) -> Value {
    if let Some(metadata) = pod.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    for list in ["containers", "initContainers", "ephemeralContainers"] {
        let containers = pod.pointer_mut(&format!("/spec/{list}")).and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten() {
            let variables = container.get_mut("env").and_then(Value::as_array_mut);
            for variable in variables.into_iter().flatten() {
                if let Some(value) = variable.get_mut("value") {
                    *value = Value::from(HIDDEN);
                }
            }
        }
    }
    pod
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    #[test]
    fn values_go_and_references_stay() {
        let secret = json!({"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}});
        let pod = json!({"metadata": {"name": "p", "managedFields": []}, "spec": {
            "initContainers": [{"env": [{"name": "U", "value": "https://signed"}]}],
            "containers": [{"env": [{"name": "A", "value": "x"}, secret]}]}});
        let kept = super::pod(pod);
        assert_eq!(kept["spec"]["initContainers"][0]["env"][0]["value"], "[redacted]");
        assert_eq!(kept["spec"]["containers"][0]["env"][0], json!({"name": "A", "value": "[redacted]"}));
        assert_eq!(kept["spec"]["containers"][0]["env"][1], secret);
        assert!(kept["metadata"].get("managedFields").is_none());
    }
}
