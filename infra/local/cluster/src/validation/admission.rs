//! Admission of pods: service account, priority class, runtime class.

use crate::api::status::Status;
use crate::random;
use crate::store::{Kind, Store, set, text};
use serde_json::{Value, json};

/// The config map with the certificate authority that every namespace has.
pub const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// How long a mounted token lives, in seconds; upstream's constant.
const TOKEN_LIFETIME_SECONDS: u32 = 3607;

/// Refuse what a real cluster's admission plugins refuse, and mount the service account's token as they do.
///
/// # Errors
///
/// 403 in the plugins' words.
pub fn admit(store: &Store, namespace: &str, pod: &mut Value) -> Result<(), Status> {
    let name = match text(pod, "/metadata/name") {
        "" => text(pod, "/metadata/generateName"),
        name => name,
    };
    let forbidden = |why: String| Err(Status::forbidden("", "pods", name, &why));
    let class = text(pod, "/spec/priorityClassName");
    if !class.is_empty() && !class.starts_with("system-") {
        return forbidden(format!("no PriorityClass with name {class} was found"));
    }
    let runtime = text(pod, "/spec/runtimeClassName");
    if !runtime.is_empty() {
        return forbidden(format!("pod rejected: RuntimeClass \"{runtime}\" not found"));
    }
    let account = match (text(pod, "/spec/serviceAccountName"), text(pod, "/spec/serviceAccount")) {
        ("", "") => "default",
        ("", account) | (account, _) => account,
    }
    .to_owned();
    let Some(found) = store.get(Kind::ServiceAccount, namespace, &account) else {
        let why = format!(
            "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
        );
        return forbidden(why);
    };
    let wish = |object: &Value, pointer: &str| object.pointer(pointer).and_then(Value::as_bool);
    let mount = wish(pod, "/spec/automountServiceAccountToken")
        .or_else(|| wish(&found, "/automountServiceAccountToken"))
        .unwrap_or(true);
    if let Some(spec) = pod.get_mut("spec").filter(|spec| spec.is_object()) {
        set(spec, "serviceAccountName", json!(account));
        if mount {
            mount_token(spec);
        }
        tolerate(spec);
    }
    Ok(())
}

fn push(object: &mut Value, field: &str, value: Value) {
    match object.get_mut(field) {
        Some(Value::Array(items)) => items.push(value),
        _ => set(object, field, json!([value])),
    }
}

/// The default tolerations: a lost node is tolerated for five minutes.
fn tolerate(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerated = super::array(spec, "/tolerations").iter().any(|toleration| {
            matches!(
                text(toleration, "/key"),
                "" | "node.kubernetes.io/not-ready" | "node.kubernetes.io/unreachable"
            ) && (text(toleration, "/key").is_empty() || text(toleration, "/key") == key)
                && matches!(text(toleration, "/effect"), "" | "NoExecute")
        });
        if !tolerated {
            push(
                spec,
                "tolerations",
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}),
            );
        }
    }
}

/// Mount the token into every container that has nothing at its path.
fn mount_token(spec: &mut Value) {
    let volume = format!("kube-api-access-{}", random::suffix());
    let mut mounted = false;
    for field in ["initContainers", "containers"] {
        let Some(Value::Array(containers)) = spec.get_mut(field) else { continue };
        for container in containers {
            let taken = super::array(container, "/volumeMounts")
                .iter()
                .any(|mount| text(mount, "/mountPath") == TOKEN_PATH);
            if !taken && container.is_object() {
                push(
                    container,
                    "volumeMounts",
                    json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH}),
                );
                mounted = true;
            }
        }
    }
    if mounted {
        let field = json!({"apiVersion": "v1", "fieldPath": "metadata.namespace"});
        push(
            spec,
            "volumes",
            json!({"name": volume, "projected": {
                "sources": [
                    {"serviceAccountToken": {"expirationSeconds": TOKEN_LIFETIME_SECONDS, "path": "token"}},
                    {"configMap": {"name": ROOT_CERTIFICATE, "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                    {"downwardAPI": {"items": [{"path": "namespace", "fieldRef": field}]}},
                ],
                "defaultMode": 420,
            }}),
        );
    }
}
