//! Texts, numbers and flags of a pod, as Kubernetes takes them. It refuses `value: 5` for a variable and `runAsUser: "1000"`, which YAML and templates
//! make as it comes: what can be meant in one way only is sent in that way. Everything else goes as it was written, and the API server says what it is.

use serde_json::{Map, Value};

/// Fields whose value is a text: of a variable, a toleration, an HTTP header, a setting.
const TEXT: [&str; 1] = ["value"];

/// Fields that are lists of texts.
const TEXTS: [&str; 3] = ["args", "command", "values"];

/// Fields that are maps from names of the author's own to texts.
const MAPS: [&str; 4] = ["annotations", "labels", "matchLabels", "nodeSelector"];

/// Maps with names of the author's own, and one whose `values` are numbers.
const LEFT_ALONE: [&str; 5] = ["exitCodes", "limits", "options", "requests", "volumeAttributes"];

/// Fields that are whole numbers, and never a text that consists of digits.
const NUMBERS: [&str; 17] = [
    "activeDeadlineSeconds",
    "containerPort",
    "expirationSeconds",
    "failureThreshold",
    "fsGroup",
    "hostPort",
    "initialDelaySeconds",
    "maxSkew",
    "periodSeconds",
    "port",
    "priority",
    "runAsGroup",
    "runAsUser",
    "successThreshold",
    "terminationGracePeriodSeconds",
    "timeoutSeconds",
    "tolerationSeconds",
];

/// Fields that are flags.
const FLAGS: [&str; 16] = [
    "allowPrivilegeEscalation",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostUsers",
    "optional",
    "privileged",
    "readOnly",
    "readOnlyRootFilesystem",
    "runAsNonRoot",
    "setHostnameAsFQDN",
    "shareProcessNamespace",
    "stdin",
    "tty",
];

/// Put every scalar of a pod, or of a container, into the form that its field has.
pub(crate) fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| field(name, value)),
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn field(name: &str, value: &mut Value) {
    if LEFT_ALONE.contains(&name) && value.is_object() {
        return;
    }
    match value {
        Value::Object(own) if MAPS.contains(&name) => own.values_mut().for_each(text),
        Value::Array(items) if TEXTS.contains(&name) => items.iter_mut().for_each(text),
        Value::Number(_) | Value::Bool(_) if TEXT.contains(&name) => text(value),
        Value::String(written) if NUMBERS.contains(&name) => {
            if let Some(number) = number(written) {
                *value = number;
            }
        }
        Value::String(written) if FLAGS.contains(&name) => match written.as_str() {
            "true" => *value = true.into(),
            "false" => *value = false.into(),
            _ => {}
        },
        other => settle(other),
    }
}

/// A number or flag as it would be written.
fn text(value: &mut Value) {
    if let Value::Number(_) | Value::Bool(_) = value {
        *value = value.to_string().into();
    }
}

/// Digits, and none of them a leading 0: those may mean an octal number.
fn number(written: &str) -> Option<Value> {
    let is_plain = written == "0" || written.starts_with(|first: char| ('1'..='9').contains(&first));
    let number: u64 = written.parse().ok().filter(|_| is_plain)?;
    Some(number.into())
}

/// A map without what is null in it: nothing was said.
pub(crate) fn said(map: &mut Map<String, Value>) {
    map.retain(|_, value| !value.is_null());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_are_put_into_the_form_of_their_field() {
        let mut pod = json!({"metadata": {"annotations": {"n": 5}}, "spec": {
            "activeDeadlineSeconds": "600", "hostNetwork": "false", "nodeSelector": {"gpu": true, "zone": 1},
            "tolerations": [{"key": "dedicated", "value": true, "tolerationSeconds": "30"}],
            "securityContext": {"runAsUser": "1000", "supplementalGroups": [1]},
            "dnsConfig": {"options": [{"name": "ndots", "value": 2}]},
            "volumes": [{"flexVolume": {"options": {"readOnly": "true"}}}],
            "containers": [{
                "command": ["serve", 8080, true], "args": ["--port", 8080], "stdin": "true",
                "env": [{"name": "A", "value": 5}, {"name": "B", "value": 1.5}, {"name": "C", "value": "x"}],
                "ports": [{"containerPort": "80", "name": "8080"}],
                "resources": {"limits": {"cpu": 1, "port": "8"}, "requests": {"cpu": 0.5}},
                "livenessProbe": {"exec": {"command": ["sleep", 1]}, "httpGet": {"port": "http"}},
                "restartPolicyRules": [{"exitCodes": {"operator": "In", "values": [42]}}],
            }],
        }});
        settle(&mut pod);
        assert_eq!(
            pod,
            json!({"metadata": {"annotations": {"n": "5"}}, "spec": {
                "activeDeadlineSeconds": 600, "hostNetwork": false, "nodeSelector": {"gpu": "true", "zone": "1"},
                "tolerations": [{"key": "dedicated", "value": "true", "tolerationSeconds": 30}],
                "securityContext": {"runAsUser": 1000, "supplementalGroups": [1]},
                "dnsConfig": {"options": [{"name": "ndots", "value": "2"}]},
                "volumes": [{"flexVolume": {"options": {"readOnly": "true"}}}],
                "containers": [{
                    "command": ["serve", "8080", "true"], "args": ["--port", "8080"], "stdin": true,
                    "env": [{"name": "A", "value": "5"}, {"name": "B", "value": "1.5"}, {"name": "C", "value": "x"}],
                    "ports": [{"containerPort": 80, "name": "8080"}],
                    "resources": {"limits": {"cpu": 1, "port": "8"}, "requests": {"cpu": 0.5}},
                    "livenessProbe": {"exec": {"command": ["sleep", "1"]}, "httpGet": {"port": "http"}},
                    "restartPolicyRules": [{"exitCodes": {"operator": "In", "values": [42]}}],
                }],
            }})
        );
    }

    #[test]
    fn what_can_be_meant_otherwise_stays_as_it_was_written() {
        for written in [
            json!({"runAsUser": "root"}),
            json!({"fsGroup": "0644"}),
            json!({"priority": "-1"}),
            json!({"tty": "yes"}),
        ] {
            let mut same = written.clone();
            settle(&mut same);
            assert_eq!(same, written);
        }
    }
}
