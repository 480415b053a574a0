//! Volumes, environment and configuration.

use crate::desk::{Desk, shell};
use cluster::store::Kind;
use serde_json::{Value, json};

fn configuration(desk: &Desk) {
    let metadata = |name: &str| json!({"name": name, "namespace": "fx"});
    let secret = json!({"metadata": metadata("have"), "data": {"word": "c2VjcmV0", "other": "b3RoZXI="}});
    let map = json!({"metadata": metadata("settings"), "data": {"COLOUR": "blue", "file.txt": "text\n"}});
    desk.store.create(Kind::Secret, secret).unwrap();
    desk.store.create(Kind::ConfigMap, map).unwrap();
}

fn waiting(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]["state"]["waiting"]
}

async fn log_of(desk: &Desk, name: &str) -> String {
    desk.until(name, |pod| pod["status"]["phase"] == "Succeeded" || pod["status"]["phase"] == "Failed").await;
    desk.log(name, Default::default()).await
}

#[tokio::test]
async fn containers_of_a_pod_share_an_empty_directory() {
    let desk = Desk::open().await;
    for (name, medium) in [("disk", json!({})), ("memory", json!({"medium": "Memory", "sizeLimit": "4Mi"}))] {
        let mut setup = shell("setup", "echo input >/scratch/in");
        let mut main =
            shell("main", "cat /scratch/in; echo more >/ro/x || echo read-only; stat -f -c %T /scratch");
        setup["volumeMounts"] = json!([{"name": "w", "mountPath": "/scratch"}]);
        main["volumeMounts"] = json!([{"name": "w", "mountPath": "/scratch"}, {"name": "w", "mountPath": "/ro", "readOnly": true}]);
        desk.create(name, json!({"initContainers": [setup], "containers": [main], "volumes": [{"name": "w", "emptyDir": medium}]}));
    }
    let log = log_of(&desk, "disk").await;
    assert!(log.starts_with("input\n") && log.contains("\nread-only\n"), "{log}");
    let log = log_of(&desk, "memory").await;
    assert!(log.starts_with("input\n") && log.ends_with("\nread-only\ntmpfs\n"), "{log}");
    desk.close().await;
}

#[tokio::test]
async fn a_volume_in_memory_is_full_at_its_limit() {
    let desk = Desk::open().await;
    let mut main = shell("main", "dd if=/dev/zero of=/m/f bs=1M count=8");
    main["volumeMounts"] = json!([{"name": "m", "mountPath": "/m"}]);
    desk.create("full", json!({"containers": [main], "volumes": [{"name": "m", "emptyDir": {"medium": "Memory", "sizeLimit": "4Mi"}}]}));
    // Recording 32-memory-emptydir-enospc.
    let log = log_of(&desk, "full").await;
    assert!(log.contains("No space left on device"), "{log}");
    desk.close().await;
}

#[tokio::test]
async fn a_pod_whose_volume_on_disk_is_over_its_limit_is_evicted() {
    let desk = Desk::open().await;
    let mut main = shell("main", "dd if=/dev/zero of=/w/f bs=1M count=20; sleep 600");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    desk.create(
        "greedy",
        json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {"sizeLimit": "5Mi"}}]}),
    );
    let pod = desk.phase("greedy", "Failed").await;
    // Recording 30-evicted-emptydir-sizelimit.
    assert_eq!(pod["status"]["reason"], "Evicted");
    assert_eq!(pod["status"]["message"], "Usage of EmptyDir volume \"w\" exceeds the limit \"5Mi\". ");
    desk.close().await;
}

#[tokio::test]
async fn secrets_and_config_maps_are_files_and_variables() {
    let desk = Desk::open().await;
    configuration(&desk);
    let mut main = shell(
        "main",
        "cat /s/word /s/other; echo; cat /c/renamed; cat /p/labels; echo; echo $WORD $COLOUR $POD $NODE $MEM $BOTH $(FROM_THE_NODE)$$",
    );
    main["volumeMounts"] = json!([{"name": "s", "mountPath": "/s"}, {"name": "c", "mountPath": "/c"}, {"name": "p", "mountPath": "/p"}]);
    main["envFrom"] =
        json!([{"configMapRef": {"name": "settings"}}, {"secretRef": {"name": "nope", "optional": true}}]);
    main["resources"] = json!({"limits": {"memory": "64Mi"}});
    main["env"] = json!([
        {"name": "WORD", "valueFrom": {"secretKeyRef": {"name": "have", "key": "word"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
        {"name": "MEM", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "0"}}},
        {"name": "BOTH", "value": "$(POD)-$(WORD)-$(UNKNOWN)"},
    ]);
    desk.create("config", json!({"containers": [main], "volumes": [
        {"name": "s", "secret": {"secretName": "have"}},
        {"name": "c", "configMap": {"name": "settings", "items": [{"key": "file.txt", "path": "renamed"}]}},
        {"name": "p", "projected": {"sources": [
            {"serviceAccountToken": {"path": "token"}},
            {"configMap": {"name": "kube-root-ca.crt"}},
            {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
        ]}},
    ]}));
    assert_eq!(
        log_of(&desk, "config").await,
        "secretother\ntext\napp=\"fixture\"\nsecret blue config longshore-node 67108864 config-secret-$(UNKNOWN) yes$\n"
    );
    desk.close().await;
}

#[tokio::test]
async fn a_missing_secret_of_a_volume_keeps_the_pod_waiting() {
    let desk = Desk::open().await;
    let mut main = shell("main", "cat /s/word");
    main["volumeMounts"] = json!([{"name": "s", "mountPath": "/s"}]);
    desk.create(
        "volsecret",
        json!({"containers": [main], "volumes": [{"name": "s", "secret": {"secretName": "have"}}]}),
    );
    desk.poll("the mount is tried twice", || desk.events("volsecret").iter().any(|(_, _, count)| *count > 1))
        .await;
    // Recording 15-volume-secret-missing.
    assert_eq!(waiting(&desk.get("volsecret").unwrap())["reason"], "ContainerCreating");
    let (reason, message, _) = desk.events("volsecret").remove(0);
    assert_eq!(reason, "FailedMount");
    assert_eq!(message, "MountVolume.SetUp failed for volume \"s\" : secret \"have\" not found");
    configuration(&desk);
    assert_eq!(log_of(&desk, "volsecret").await, "secret");
    desk.close().await;
}

#[tokio::test]
async fn a_reference_that_leads_nowhere_is_a_config_error_until_it_does() {
    let desk = Desk::open().await;
    let with = |field: &str, value: Value| {
        let mut main = shell("main", "echo $A");
        main[field] = value;
        json!({"containers": [main]})
    };
    let key = json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "have", "key": "word"}}}]);
    desk.create("seckey", with("env", key));
    desk.create("cmmissing", with("envFrom", json!([{"configMapRef": {"name": "havenot"}}])));
    desk.create("nonroot", with("securityContext", json!({"runAsNonRoot": true})));
    let is_waiting = |pod: &Value| waiting(pod)["reason"] == "CreateContainerConfigError";
    // Recordings 27, 29, 70 and 78.
    let pod = desk.until("seckey", is_waiting).await;
    assert_eq!(waiting(&pod)["message"], "secret \"have\" not found");
    let pod = desk.until("cmmissing", is_waiting).await;
    assert_eq!(waiting(&pod)["message"], "configmap \"havenot\" not found");
    let pod = desk.until("nonroot", is_waiting).await;
    assert!(
        waiting(&pod)["message"]
            .as_str()
            .unwrap()
            .starts_with("container has runAsNonRoot and image will run as root (pod: \"nonroot_fx(")
    );
    let reasons: Vec<_> = desk.events("seckey").into_iter().map(|(reason, _, _)| reason).collect();
    assert_eq!(reasons, ["Pulled", "Failed"]);
    configuration(&desk);
    assert_eq!(log_of(&desk, "seckey").await, "secret\n");
    desk.close().await;
}

#[tokio::test]
async fn a_part_of_a_volume_can_be_mounted_and_nothing_outside_of_it() {
    let desk = Desk::open().await;
    let mut main = shell("main", "echo deep >/deep/file; cat /whole/a/b/file");
    main["volumeMounts"] =
        json!([{"name": "w", "mountPath": "/deep", "subPath": "a/b"}, {"name": "w", "mountPath": "/whole"}]);
    desk.create("part", json!({"containers": [main.clone()], "volumes": [{"name": "w", "emptyDir": {}}]}));
    assert_eq!(log_of(&desk, "part").await, "deep\n");
    main["volumeMounts"][0]["subPath"] = json!("../..");
    desk.create("out", json!({"containers": [main], "volumes": [{"name": "w", "emptyDir": {}}]}));
    desk.until("out", |pod| waiting(pod)["reason"] == "CreateContainerConfigError").await;
    desk.close().await;
}
