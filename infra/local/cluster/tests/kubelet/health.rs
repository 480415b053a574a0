//! Probes and hooks.

use crate::desk::{Desk, shell, terminated};
use serde_json::{Value, json};

/// A container that runs until it is told to stop, and a file that says how it is.
fn patient(probes: Value) -> Value {
    let mut main = shell("main", "trap 'exit 0' TERM; while true; do sleep 0.05; done");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    for (field, value) in probes.as_object().unwrap() {
        main[field] = value.clone();
    }
    json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {}}], "terminationGracePeriodSeconds": 1})
}

fn asks_for(file: &str) -> Value {
    json!({"exec": {"command": ["test", "-e", file]}, "periodSeconds": 1, "timeoutSeconds": 30, "failureThreshold": 1})
}

fn status(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

fn reasons(desk: &Desk, name: &str) -> Vec<String> {
    desk.events(name).into_iter().map(|(reason, _, _)| reason).collect()
}

#[tokio::test]
async fn a_container_is_ready_while_its_readiness_probe_says_so() {
    let desk = Desk::open().await;
    desk.create("p", patient(json!({"readinessProbe": asks_for("/w/ready")})));
    let pod = desk.until("p", |pod| status(pod)["started"] == true).await;
    assert_eq!((&status(&pod)["ready"], &pod["status"]["phase"]), (&json!(false), &json!("Running")));
    desk.exec("p", &["touch", "/w/ready"]).await;
    desk.until("p", |pod| status(pod)["ready"] == true).await;
    desk.exec("p", &["rm", "/w/ready"]).await;
    let pod = desk.until("p", |pod| status(pod)["ready"] == false).await;
    assert_eq!((&status(&pod)["restartCount"], &pod["status"]["phase"]), (&json!(0), &json!("Running")));
    assert!(reasons(&desk, "p").contains(&"Unhealthy".to_owned()));
    desk.close().await;
}

#[tokio::test]
async fn a_container_whose_liveness_probe_fails_starts_again_where_the_policy_says_so() {
    let desk = Desk::open().await;
    let mut spec = patient(json!({"livenessProbe": asks_for("/w/alive")}));
    spec["restartPolicy"] = json!("Always");
    desk.create("p", spec);
    let pod = desk.until("p", |pod| status(pod)["restartCount"] == 1).await;
    assert_eq!(status(&pod)["lastState"]["terminated"]["exitCode"], 0);
    let killing = desk.events("p").into_iter().find(|(reason, _, _)| reason == "Killing").unwrap();
    assert_eq!(killing.1, "Container main failed liveness probe, will be restarted");
    desk.close().await;
}

#[tokio::test]
async fn liveness_is_not_asked_for_before_the_startup_probe_has_succeeded() {
    let desk = Desk::open().await;
    let mut startup = asks_for("/w/started");
    startup["failureThreshold"] = json!(1000);
    desk.create("p", patient(json!({"startupProbe": startup, "livenessProbe": asks_for("/w/alive")})));
    desk.until("p", |_| desk.events("p").iter().any(|(reason, _, _)| reason == "Unhealthy")).await;
    let pod = desk.get("p").unwrap();
    assert_eq!((&status(&pod)["started"], &status(&pod)["ready"]), (&json!(false), &json!(false)));
    assert!(desk.events("p").iter().all(|(_, message, _)| !message.starts_with("Liveness")));
    desk.exec("p", &["touch", "/w/started"]).await;
    desk.phase("p", "Succeeded").await;
    let messages: Vec<_> = desk.events("p").into_iter().map(|(_, message, _)| message).collect();
    assert!(messages.contains(&"Liveness probe failed: ".to_owned()), "{messages:?}");
    desk.close().await;
}

#[tokio::test]
async fn a_probe_that_takes_too_long_has_failed() {
    let desk = Desk::open().await;
    let slow = json!({"exec": {"command": ["sleep", "600"]}, "timeoutSeconds": 1, "failureThreshold": 1});
    desk.create("p", patient(json!({"livenessProbe": slow})));
    desk.phase("p", "Succeeded").await;
    let messages: Vec<_> = desk.events("p").into_iter().map(|(_, message, _)| message).collect();
    let words = "Liveness probe failed: command timed out: \"sleep 600\" timed out after 1s";
    assert!(messages.contains(&words.to_owned()), "{messages:?}");
    desk.close().await;
}

#[tokio::test]
async fn a_container_is_not_shown_as_running_before_its_post_start_hook_is_over() {
    let desk = Desk::open().await;
    let hook =
        json!({"postStart": {"exec": {"command": ["sh", "-c", "until [ -e /w/go ]; do sleep 0.05; done"]}}});
    desk.create("p", patient(json!({"lifecycle": hook})));
    desk.until("p", |_| reasons(&desk, "p").contains(&"Started".to_owned())).await;
    assert_eq!(status(&desk.get("p").unwrap())["state"]["waiting"]["reason"], "ContainerCreating");
    desk.exec("p", &["touch", "/w/go"]).await;
    desk.until("p", |pod| status(pod)["ready"] == true).await;
    desk.close().await;
}

#[tokio::test]
async fn a_deletion_does_not_wait_for_a_post_start_hook() {
    let desk = Desk::open().await;
    let hook = json!({"postStart": {"exec": {"command": ["sleep", "600"]}}});
    desk.create("p", patient(json!({"lifecycle": hook})));
    desk.until("p", |_| reasons(&desk, "p").contains(&"Started".to_owned())).await;
    desk.delete("p", 1);
    desk.gone("p").await;
    desk.close().await;
}

#[tokio::test]
async fn a_pod_that_names_the_node_and_asks_for_more_than_it_has_is_turned_away() {
    let desk = Desk::open().await;
    let node = json!({"metadata": {"name": "longshore-node"}, "status": {"allocatable": {"cpu": "2"}}});
    desk.store.create(cluster::store::Kind::Node, node).unwrap();
    let mut main = shell("main", "true");
    main["resources"] = json!({"requests": {"cpu": "500"}});
    desk.create("p", json!({"containers": [main]}));
    let pod = desk.phase("p", "Failed").await;
    // Recording 44-outofcpu.
    let words = "Node didn't have enough resource: cpu, requested: 500000, used: 0, capacity: 2000";
    assert_eq!(pod["status"]["reason"], "OutOfcpu");
    assert_eq!(pod["status"]["message"], format!("Pod was rejected: {words}"));
    assert_eq!(terminated(&pod), &Value::Null);
    assert_eq!(desk.events("p")[0].1, words);
    desk.close().await;
}
