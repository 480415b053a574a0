//! Pods that are evicted, preempted, killed, refused and deleted, as real ones were.

use super::recording::{PATIENT, events, facts, get, gone, phase, recorded, recorded_events, run, until};
use super::{put, struck};
use crate::client::Rig;
use serde_json::json;

#[tokio::test]
async fn an_eviction_by_the_kubelet_moves_as_recorded() {
    // pods/30-evicted-emptydir-sizelimit
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "Evicted", "with": {"afterMilliseconds": 50}}));
    run(&rig, "p", "sleep 600", json!({})).await;
    phase(&rig, "p", "Failed").await;
    let mut moved = facts(&rig, "p");
    // While it is stopped it may be seen as not ready or not: the recorded watch was not told of every change.
    moved.retain(|fact| fact.phase == "Failed" || fact.ready == "True");
    assert_eq!(moved, recorded("30-evicted-emptydir-sizelimit"));
    assert_eq!(events(&rig, "p", "Evicted"), recorded_events("30-evicted-emptydir-sizelimit", "Evicted"));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn an_eviction_for_a_full_node_has_a_condition_besides() {
    let rig = Rig::with_processes().await;
    let message = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 62Mi. ";
    put(&rig, json!({"kind": "Evicted", "with": {"disruptionTarget": true, "message": message}}));
    run(&rig, "p", "sleep 600", json!({})).await;
    phase(&rig, "p", "Failed").await;
    let last = facts(&rig, "p").pop().unwrap();
    assert_eq!((last.reason.as_str(), last.message.as_str()), ("Evicted", message));
    assert_eq!(last.disruption, ("TerminationByKubelet".to_owned(), message.to_owned()));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn who_ends_a_pod_from_outside_does_it_as_recorded() {
    // pods/93-eviction-api, 94-preempted, 95-taint-noexecute-evicted, 81-deleted-sigterm-exit143
    let scenarios = [
        ("EvictedByApi", "93-eviction-api"),
        ("Preempted", "94-preempted"),
        ("EvictedByTaint", "95-taint-noexecute-evicted"),
        ("Deleted", "81-deleted-sigterm-exit143"),
    ];
    let plays = scenarios.map(|(kind, scenario)| async move {
        let rig = Rig::with_processes().await;
        // Late enough for the shell to have set its trap on a busy machine.
        put(&rig, json!({"kind": kind, "with": {"afterMilliseconds": 5000}, "match": {"name": "p"}}));
        run(&rig, "p", PATIENT, json!({})).await;
        phase(&rig, "p", "Running").await;
        gone(&rig, "p").await;
        assert_eq!(facts(&rig, "p"), recorded(scenario), "{kind}");
        assert_eq!(struck(&rig), 1);
        rig.cluster.shutdown().await;
    });
    futures::future::join_all(plays).await;
}

#[tokio::test]
async fn the_events_of_a_preemption_and_of_a_taint_are_the_recorded_ones() {
    // pods/94-preempted, 95-taint-noexecute-evicted
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "Preempted", "with": {"phase": "Pending"}}));
    rig.pod("low", json!({"nodeName": "longshore-node"})).await;
    until(&rig, "low", |pod| pod["metadata"]["deletionTimestamp"].is_string()).await;
    let message = events(&rig, "low", "Preempted").pop().unwrap();
    assert!(
        message.starts_with("Preempted by pod ") && message.ends_with(" on node longshore-node"),
        "{message}"
    );
    put(&rig, json!({"kind": "EvictedByTaint", "with": {"phase": "Pending"}, "match": {"name": "tainted"}}));
    rig.pod("tainted", json!({"nodeName": "longshore-node"})).await;
    until(&rig, "tainted", |pod| pod["metadata"]["deletionTimestamp"].is_string()).await;
    assert_eq!(events(&rig, "tainted", "TaintManagerEviction"), ["Marking for deletion Pod fxh/tainted"]);
}

#[tokio::test]
async fn a_container_that_needs_too_much_memory_ends_as_recorded() {
    // pods/07-oom-main
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "OomKilled"}));
    run(&rig, "p", "sleep 600", json!({})).await;
    phase(&rig, "p", "Failed").await;
    assert_eq!(facts(&rig, "p"), recorded("07-oom-main"));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_child_killed_for_memory_shows_in_the_reason_only() {
    // pods/08-oom-child-exit0, 09-oom-child-exit1
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "OomKilled", "with": {"victim": "Child"}}));
    for (name, script, end, scenario) in [
        ("zero", "sleep 0.2; exit 0", "Succeeded", "08-oom-child-exit0"),
        ("one", "sleep 0.2; exit 1", "Failed", "09-oom-child-exit1"),
    ] {
        run(&rig, name, script, json!({})).await;
        phase(&rig, name, end).await;
        assert_eq!(facts(&rig, name), recorded(scenario));
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_node_without_room_refuses_a_pod_as_recorded() {
    // pods/44-outofcpu
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "OutOfCpu", "match": {"labels": {"size": "big"}}}));
    let mut body = crate::client::pod("p", json!({}));
    body["metadata"]["labels"] = json!({"size": "big"});
    assert_eq!(rig.post(super::PODS, &body).await.status, 201);
    let failed = phase(&rig, "p", "Failed").await;
    assert_eq!(failed["status"]["reason"], "OutOfcpu");
    let words = recorded_events("44-outofcpu", "OutOfcpu");
    assert_eq!(failed["status"]["message"], format!("Pod was rejected: {}", words[0]));
    assert!(failed["status"].get("containerStatuses").is_none());
    assert_eq!(events(&rig, "p", "OutOfcpu"), words);
    rig.delete(&format!("{}/p", super::PODS), None).await;
    gone(&rig, "p").await;
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn somebody_deletes_a_pod_with_a_grace_of_their_own() {
    // pods/83-deleted-grace-0
    let rig = Rig::with_processes().await;
    put(&rig, json!({"kind": "Deleted", "with": {"graceSeconds": 0}, "when": {"count": 1}}));
    run(&rig, "p", PATIENT, json!({})).await;
    gone(&rig, "p").await;
    let last = facts(&rig, "p").pop().unwrap();
    assert_eq!((last.phase.as_str(), last.container.0.as_str()), ("Running", "running"));
    run(&rig, "p", "true", json!({})).await;
    phase(&rig, "p", "Succeeded").await;
    assert_eq!(struck(&rig), 1, "the next pod of that name is another one");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn an_unschedulable_pod_waits_until_the_plan_is_lifted() {
    // pods/36-unschedulable-nodeselector, 39-unschedulable-affinity
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "Unschedulable", "when": {"count": 1}}));
    rig.pod("p", json!({})).await;
    let message = &recorded_events("36-unschedulable-nodeselector", "FailedScheduling")[0];
    let is_refused = |pod: &serde_json::Value| {
        let condition = &pod["status"]["conditions"][0];
        condition["reason"] == "Unschedulable" && condition["message"] == **message
    };
    until(&rig, "p", is_refused).await;
    assert_eq!(&events(&rig, "p", "FailedScheduling"), std::slice::from_ref(message));
    rig.pod("q", json!({})).await;
    until(&rig, "q", |pod| pod["spec"]["nodeName"].is_string()).await;
    assert!(get(&rig, "p").unwrap()["spec"].get("nodeName").is_none());
    rig.cluster.faults().clear();
    until(&rig, "p", |pod| pod["spec"]["nodeName"].is_string()).await;
}
