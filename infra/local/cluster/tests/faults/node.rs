//! A node that is lost, and what becomes of its pods.

use super::recording::{PATIENT, events, facts, get, gone, phase, recorded, recorded_events, run, until};
use super::{PODS, put};
use crate::client::{Rig, eventually};
use cluster::store::Kind;
use serde_json::{Value, json};

fn ready(pod: &Value) -> &str {
    let mut conditions = pod["status"]["conditions"].as_array().unwrap().iter();
    conditions.find(|one| one["type"] == "Ready").map_or("", |one| one["status"].as_str().unwrap())
}

async fn node(rig: &Rig, is_ready: &str) -> std::sync::Arc<Value> {
    eventually(async || {
        let node = rig.store.get(Kind::Node, "", "longshore-node").unwrap();
        (ready(&node) == is_ready).then_some(node)
    })
    .await
}

#[tokio::test]
async fn a_lost_node_that_comes_back_leaves_its_pods_alone() {
    // pods/111-node-lost-and-back
    let rig = Rig::with_processes().await;
    run(&rig, "p", PATIENT, json!({})).await;
    phase(&rig, "p", "Running").await;
    put(&rig, json!({"kind": "NodeLost", "with": {"noticedAfterMilliseconds": 10}}));
    let pod = until(&rig, "p", |pod| ready(pod) == "False").await;
    assert!(pod["status"]["containerStatuses"][0]["state"]["running"].is_object(), "{pod:#}");
    let lost = node(&rig, "Unknown").await;
    let taints = lost["spec"]["taints"].as_array().unwrap();
    assert_eq!(
        taints.iter().map(|one| one["effect"].as_str().unwrap()).collect::<Vec<_>>(),
        ["NoSchedule", "NoExecute"]
    );
    rig.cluster.faults().clear();
    until(&rig, "p", |pod| ready(pod) == "True").await;
    assert!(node(&rig, "True").await["spec"].get("taints").is_none());
    assert_eq!(facts(&rig, "p"), recorded("111-node-lost-and-back"));
    assert_eq!(events(&rig, "p", "NodeNotReady"), recorded_events("111-node-lost-and-back", "NodeNotReady"));
    eventually(async || {
        (events(&rig, "p", "TaintManagerEviction") == ["Cancelling deletion of Pod fxh/p"]).then_some(())
    })
    .await;
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn pods_of_a_lost_node_are_deleted_after_their_time_and_go_when_it_is_back() {
    // pods/110-node-lost-evicted
    let rig = Rig::with_processes().await;
    put(
        &rig,
        json!({"kind": "NodeLost", "with": {"afterMilliseconds": 200, "noticedAfterMilliseconds": 10, "evictedAfterMilliseconds": 100}}),
    );
    run(&rig, "p", PATIENT, json!({})).await;
    until(&rig, "p", |pod| pod["metadata"]["deletionTimestamp"].is_string()).await;
    assert_eq!(events(&rig, "p", "TaintManagerEviction"), ["Marking for deletion Pod fxh/p"]);
    rig.cluster.faults().clear();
    gone(&rig, "p").await;
    assert_eq!(facts(&rig, "p"), recorded("110-node-lost-evicted"));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_toleration_says_how_long_a_pod_stays_on_a_lost_node() {
    let rig = Rig::with_processes().await;
    let bears = json!({"tolerations": [{"operator": "Exists"}]});
    let leaves = json!({"tolerations": [{"key": "node.kubernetes.io/unreachable", "operator": "Exists",
        "effect": "NoExecute", "tolerationSeconds": 1}]});
    run(&rig, "bears", PATIENT, bears).await;
    run(&rig, "leaves", PATIENT, leaves).await;
    for name in ["bears", "leaves"] {
        phase(&rig, name, "Running").await;
    }
    put(
        &rig,
        json!({"kind": "NodeLost", "match": {"name": "leaves"}, "with": {"noticedAfterMilliseconds": 1}}),
    );
    until(&rig, "leaves", |pod| pod["metadata"]["deletionTimestamp"].is_string()).await;
    assert!(get(&rig, "bears").unwrap()["metadata"].get("deletionTimestamp").is_none());
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_lost_node_gives_no_logs_and_runs_no_commands() {
    // http/64-kubelet-away
    let rig = Rig::with_processes().await;
    run(&rig, "p", PATIENT, json!({})).await;
    phase(&rig, "p", "Running").await;
    put(&rig, json!({"kind": "NodeLost"}));
    let answer = eventually(async || {
        let answer = rig.get(&format!("{PODS}/p/log")).await;
        (answer.status != 200).then_some(answer)
    })
    .await;
    let words = "Get \"https://longshore-node:10250/containerLogs/fxh/p/main\": dial tcp 127.0.0.1:10250: connect: connection refused";
    assert_eq!(answer.refusal(), (500, String::new(), words.to_owned()));
    let headers = [
        ("connection", "Upgrade"),
        ("upgrade", "websocket"),
        ("sec-websocket-protocol", "v5.channel.k8s.io"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "Zml4dHVyZS1yZWNvcmRlcg=="),
    ];
    let exec = rig
        .request(http::Method::GET, &format!("{PODS}/p/exec?command=true&stdout=true"), &headers, None)
        .await;
    let words = "error dialing backend: dial tcp 127.0.0.1:10250: connect: connection refused";
    assert_eq!(exec.refusal(), (500, String::new(), words.to_owned()));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn what_ends_on_a_lost_node_is_told_when_it_is_back() {
    // pods/112-finished-while-node-lost
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "NodeLost", "with": {"noticedAfterMilliseconds": 1}}));
    run(&rig, "p", "sleep 0.5", json!({})).await;
    let pod = until(&rig, "p", |pod| ready(pod) == "False" && pod["status"]["phase"] == "Running").await;
    assert!(pod["status"]["containerStatuses"][0]["state"]["running"].is_object(), "{pod:#}");
    rig.cluster.faults().clear();
    let pod = phase(&rig, "p", "Succeeded").await;
    assert_eq!(pod["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"], 0);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_pod_created_while_the_node_is_lost_waits_for_it() {
    // pods/117-created-while-node-lost, 115-force-deleted-while-node-lost
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "NodeLost", "with": {"noticedAfterMilliseconds": 1}, "match": {"name": "old"}}));
    run(&rig, "old", PATIENT, json!({})).await;
    node(&rig, "Unknown").await;
    run(&rig, "new", "true", json!({})).await;
    let words = &recorded_events("117-created-while-node-lost", "FailedScheduling")[0];
    until(&rig, "new", |pod| pod["status"]["conditions"][0]["message"] == **words).await;
    let forced = rig.delete(&format!("{PODS}/old"), Some(&json!({"gracePeriodSeconds": 0}))).await;
    assert_eq!(forced.status, 200);
    gone(&rig, "old").await;
    rig.cluster.faults().clear();
    phase(&rig, "new", "Succeeded").await;
    rig.cluster.shutdown().await;
}
