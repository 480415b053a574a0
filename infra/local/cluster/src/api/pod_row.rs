//! The row of a pod in a Table: upstream's `printPod`
//! (<https://github.com/kubernetes/kubernetes/blob/master/pkg/printers/internalversion/printers.go>).

use super::table::since;
use crate::store::text;
use jiff::Timestamp;
use serde_json::{Value, json};

fn array<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The cells in the order of the columns.
pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let sidecars: Vec<&str> = array(pod, "/spec/initContainers")
        .iter()
        .filter(|container| text(container, "/restartPolicy") == "Always")
        .map(|container| text(container, "/name"))
        .collect();
    let statuses = array(pod, "/status/containerStatuses");
    let init_statuses = array(pod, "/status/initContainerStatuses");
    let is_sidecar = |status: &&Value| sidecars.contains(&text(status, "/name"));
    let total = array(pod, "/spec/containers").len() + sidecars.len();
    let is_ready = |status: &&Value| {
        status.get("ready") == Some(&json!(true)) && status.pointer("/state/running").is_some()
    };
    let ready = statuses.iter().filter(is_ready).count()
        + init_statuses.iter().filter(is_sidecar).filter(|status| is_ready(status)).count();
    let (reason, initializing) = reason(pod, &sidecars);
    let counted: Vec<&Value> = if initializing {
        init_statuses.iter().collect()
    } else {
        statuses.iter().chain(init_statuses.iter().filter(is_sidecar)).collect()
    };
    let restarts: u64 =
        counted.iter().filter_map(|status| status.get("restartCount").and_then(Value::as_u64)).sum();
    let last = counted
        .iter()
        .map(|status| text(status, "/lastState/terminated/finishedAt"))
        .max()
        .unwrap_or_default();
    let restarts = match (restarts, last) {
        (0, _) | (_, "") => restarts.to_string(),
        (_, last) => format!("{restarts} ({} ago)", since(last, now)),
    };
    let or_none = |text: &str| json!(if text.is_empty() { "<none>" } else { text });
    vec![
        json!(text(pod, "/metadata/name")),
        json!(format!("{ready}/{total}")),
        json!(reason),
        json!(restarts),
        json!(since(text(pod, "/metadata/creationTimestamp"), now)),
        or_none(text(pod, "/status/podIP")),
        or_none(text(pod, "/spec/nodeName")),
        or_none(text(pod, "/status/nominatedNodeName")),
        json!("<none>"),
    ]
}

/// The Status column, and whether the pod is still initializing.
fn reason(pod: &Value, sidecars: &[&str]) -> (String, bool) {
    let phase = text(pod, "/status/phase");
    let mut reason = match text(pod, "/status/reason") {
        "" => phase.to_owned(),
        reason => reason.to_owned(),
    };
    let condition = |kind: &str| {
        array(pod, "/status/conditions").iter().find(|condition| text(condition, "/type") == kind)
    };
    if condition("PodScheduled").is_some_and(|condition| text(condition, "/reason") == "SchedulingGated") {
        reason = "SchedulingGated".into();
    }
    let initializing = initializing(pod, sidecars);
    let initialized = condition("Initialized").is_some_and(|condition| text(condition, "/status") == "True");
    if let Some(init) = &initializing {
        reason.clone_from(init);
    }
    if initializing.is_none() || initialized {
        let mut running = false;
        for status in array(pod, "/status/containerStatuses").iter().rev() {
            if let Some(word) = not_running(status) {
                reason = word;
            } else if status.get("ready") == Some(&json!(true)) {
                running = true;
            }
        }
        if reason == "Completed" && running {
            let ready = condition("Ready").is_some_and(|condition| text(condition, "/status") == "True");
            reason = if ready { "Running".into() } else { "NotReady".into() };
        }
    }
    let terminal = matches!(phase, "Succeeded" | "Failed");
    if pod.pointer("/metadata/deletionTimestamp").is_some() {
        if text(pod, "/status/reason") == "NodeLost" {
            reason = "Unknown".into();
        } else if !terminal {
            reason = "Terminating".into();
        }
    }
    (reason, initializing.is_some() && !initialized)
}

/// Why a container does not run, in one word; `None` when it does.
fn not_running(status: &Value) -> Option<String> {
    match text(status, "/state/waiting/reason") {
        "" => {}
        reason => return Some(reason.into()),
    }
    let ended = status.pointer("/state/terminated")?;
    Some(match (text(ended, "/reason"), ended.get("signal").and_then(Value::as_i64), ended.get("exitCode")) {
        ("", Some(signal), _) if signal != 0 => format!("Signal:{signal}"),
        ("", _, code) => format!("ExitCode:{}", code.unwrap_or(&Value::Null)),
        (reason, _, _) => reason.into(),
    })
}

/// The Status column while init containers are at work.
fn initializing(pod: &Value, sidecars: &[&str]) -> Option<String> {
    let total = array(pod, "/spec/initContainers").len();
    for (index, status) in array(pod, "/status/initContainerStatuses").iter().enumerate() {
        let ended = status.pointer("/state/terminated");
        if ended.is_some_and(|ended| ended.get("exitCode") == Some(&json!(0))) {
            continue;
        }
        if sidecars.contains(&text(status, "/name")) && status.get("started") == Some(&json!(true)) {
            continue;
        }
        let waiting = text(status, "/state/waiting/reason");
        return Some(match not_running(status) {
            Some(word) if ended.is_some() || !matches!(waiting, "" | "PodInitializing") => {
                format!("Init:{word}")
            }
            _ => format!("Init:{index}/{total}"),
        });
    }
    None
}

/// The row's conditions for a pod that has ended.
pub(super) fn conditions(pod: &Value) -> Option<Value> {
    let (reason, message) = match text(pod, "/status/phase") {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(pod: &Value) -> Vec<String> {
        let now = "2026-11-21T00:01:00Z".parse().unwrap();
        cells(pod, now).iter().take(5).map(|cell| cell.as_str().unwrap().to_owned()).collect()
    }

    fn pod(status: Value) -> Value {
        json!({"metadata": {"name": "p", "creationTimestamp": "2026-11-21T00:00:00Z"},
               "spec": {"containers": [{"name": "main"}], "initContainers": [{"name": "setup"}]}, "status": status})
    }

    #[test]
    fn the_status_column_is_that_of_kubectl() {
        let main =
            |state: Value| json!([{"name": "main", "ready": false, "restartCount": 0, "state": state}]);
        for (status, expected) in [
            (json!({"phase": "Pending"}), ["0/1", "Pending", "0"]),
            (
                json!({"phase": "Succeeded", "containerStatuses": main(json!({"terminated": {"exitCode": 0, "reason": "Completed"}}))}),
                ["0/1", "Completed", "0"],
            ),
            (
                json!({"phase": "Pending", "initContainerStatuses": [{"name": "setup", "state": {"running": {}}}],
                       "containerStatuses": main(json!({"waiting": {"reason": "PodInitializing"}}))}),
                ["0/1", "Init:0/1", "0"],
            ),
            (
                json!({"phase": "Running", "containerStatuses": [{"name": "main", "ready": true, "restartCount": 2,
                       "state": {"running": {}}, "lastState": {"terminated": {"finishedAt": "2026-11-21T00:00:30Z"}}}]}),
                ["1/1", "Running", "2 (30s ago)"],
            ),
            (json!({"phase": "Failed", "reason": "Evicted"}), ["0/1", "Evicted", "0"]),
        ] {
            assert_eq!(row(&pod(status))[1..4], expected);
        }
    }

    #[test]
    fn a_pod_being_deleted_is_terminating() {
        let mut pod = pod(json!({"phase": "Running"}));
        pod["metadata"]["deletionTimestamp"] = json!("2026-11-21T00:00:10Z");
        assert_eq!(row(&pod)[2], "Terminating");
    }
}
