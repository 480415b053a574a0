//! The cluster of the stack, through its kubeconfig.

use std::path::Path;

use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::api::{Api, DeleteParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use shared::pod::{INIT_CARRIER, OUT_CARRIER};
use shared::resolve::plan::Deciding;

use crate::exit::Failure;

/// A client for a kubeconfig file. Nothing is sent yet.
///
/// # Errors
/// When the file cannot be read or makes no sense.
pub async fn connect(kubeconfig: &Path) -> Result<kube::Client, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::unreachable(format!("cannot use kubeconfig `{}`", kubeconfig.display())).because(error)
    };
    let file = Kubeconfig::read_from(kubeconfig).map_err(|error| failed(&error))?;
    let config = kube::Config::from_custom_kubeconfig(file, &KubeConfigOptions::default())
        .await
        .map_err(|error| failed(&error))?;
    kube::Client::try_from(config).map_err(|error| failed(&error))
}

/// The pods of a namespace.
pub fn pods(client: &kube::Client, namespace: &str) -> Api<Pod> {
    Api::namespaced(client.clone(), namespace)
}

/// Names of the containers that decide how a run ends.
pub fn deciding(pod: &Pod, deciding: &Deciding) -> Vec<String> {
    match deciding {
        Deciding::Container(name) => vec![name.clone()],
        Deciding::All => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let names = containers.map(|container| container.name.clone());
            names.filter(|name| name != INIT_CARRIER && name != OUT_CARRIER).collect()
        }
    }
}

/// How far a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has not started; the kubelet's reason, if it gives one.
    Waiting(Option<String>),
    /// It runs.
    Running,
    /// It has ended with this code.
    Ended(i32),
}

/// How far a container of a pod is.
pub fn stage(pod: &Pod, container: &str) -> Stage {
    let status = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
    let Some(status) = status.into_iter().find(|status| status.name == container) else {
        return Stage::Waiting(None);
    };
    stage_of(status)
}

fn stage_of(status: &ContainerStatus) -> Stage {
    let Some(state) = &status.state else { return Stage::Waiting(None) };
    if let Some(terminated) = &state.terminated {
        return Stage::Ended(terminated.exit_code);
    }
    if state.running.is_some() {
        return Stage::Running;
    }
    Stage::Waiting(state.waiting.as_ref().and_then(|waiting| waiting.reason.clone()))
}

/// Delete a pod at once, without its grace. One that is gone is fine; other errors are nobody's business any more.
pub async fn kill(client: &kube::Client, namespace: &str, pod: &str) {
    let _ = pods(client, namespace).delete(pod, &DeleteParams::default().grace_period(0)).await;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(status: &serde_json::Value) -> Pod {
        serde_json::from_value(json!({
            "spec": {"containers": [{"name": "a"}, {"name": "out-files"}, {"name": "b"}]},
            "status": {"containerStatuses": [status]},
        }))
        .unwrap()
    }

    fn status(state: &serde_json::Value) -> serde_json::Value {
        json!({"name": "a", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state})
    }

    #[test]
    fn the_stage_is_read_from_the_container_and_not_from_the_phase() {
        let table = [
            (json!({}), Stage::Waiting(None)),
            (
                json!({"waiting": {"reason": "PodInitializing"}}),
                Stage::Waiting(Some("PodInitializing".to_owned())),
            ),
            (json!({"running": {}}), Stage::Running),
            (json!({"terminated": {"exitCode": 3}}), Stage::Ended(3)),
        ];
        for (state, expected) in table {
            assert_eq!(stage(&pod(&status(&state)), "a"), expected);
        }
        assert_eq!(stage(&pod(&status(&json!({"running": {}}))), "b"), Stage::Waiting(None));
    }

    #[test]
    fn carriers_decide_nothing() {
        let pod = pod(&status(&json!({})));
        assert_eq!(deciding(&pod, &Deciding::All), ["a", "b"]);
        assert_eq!(deciding(&pod, &Deciding::Container("x".to_owned())), ["x"]);
    }
}
