//! What a pod may ask of a real node and this one does not do.

use super::array;
use crate::api::status::Status;
use serde_json::Value;

/// Kinds of probes and hooks that need more than a command in the container.
const ACTIONS: [&str; 3] = ["httpGet", "tcpSocket", "grpc"];

/// Refuse what would otherwise be ignored.
///
/// # Errors
///
/// 501 that names the field.
pub fn check(pod: &Value) -> Result<(), Status> {
    if pod.pointer("/spec/shareProcessNamespace").and_then(Value::as_bool) == Some(true) {
        return Err(Status::unsupported("`spec.shareProcessNamespace`"));
    }
    for list in ["initContainers", "containers"] {
        for (index, container) in array(pod, &format!("/spec/{list}")).iter().enumerate() {
            for place in [
                "startupProbe",
                "livenessProbe",
                "readinessProbe",
                "lifecycle/postStart",
                "lifecycle/preStop",
            ] {
                let Some(asked) = container.pointer(&format!("/{place}")) else { continue };
                if let Some(action) = ACTIONS.into_iter().find(|action| asked.get(*action).is_some()) {
                    let field = place.replace('/', ".");
                    return Err(Status::unsupported(&format!("`spec.{list}[{index}].{field}.{action}`")));
                }
            }
        }
    }
    Ok(())
}
