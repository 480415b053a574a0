//! One object at a time: create, read, change, delete.

use crate::client::{Rig, eventually, pod};
use cluster::store::Kind;
use http::Method;
use serde_json::{Value, json};
use std::sync::Arc;

const PODS: &str = "/api/v1/namespaces/fxh/pods";
const NO_NODE: &str = "no-such";

fn unscheduled() -> Value {
    json!({"nodeSelector": {"disk": NO_NODE}})
}

#[tokio::test]
async fn a_pod_is_created_bound_and_read_back() {
    // pods/01-success
    let rig = Rig::start().await;
    let created = rig.pod("made", json!({})).await;
    assert_eq!(created["metadata"]["generation"], 1);
    assert_eq!(created["status"], json!({"phase": "Pending", "qosClass": "BestEffort"}));
    let bound = eventually(async || {
        let pod = rig.get(&format!("{PODS}/made")).await.json();
        pod["spec"]["nodeName"].is_string().then_some(pod)
    })
    .await;
    assert_eq!(bound["status"]["conditions"][0]["type"], "PodScheduled");
    assert_eq!(bound["status"]["conditions"][0]["status"], "True");
    let events = eventually(async || {
        let path =
            "/api/v1/namespaces/fxh/events?fieldSelector=involvedObject.name%3Dmade%2Creason%3DScheduled";
        let list = rig.get(path).await.json();
        list["items"].as_array().filter(|items| !items.is_empty()).cloned()
    })
    .await;
    assert_eq!(events[0]["message"], "Successfully assigned fxh/made to longshore-node");
    assert_eq!(events[0]["action"], "Binding");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_in_the_recorded_words() {
    // http/02-create-twice, 03-create-invalid, 04-create-bad-bodies, 06-dry-run
    let rig = Rig::start().await;
    rig.pod("made", unscheduled()).await;
    let mut elsewhere = pod("m", json!({}));
    elsewhere["metadata"]["namespace"] = json!("default");
    let mut versioned = pod("m", json!({}));
    versioned["metadata"]["resourceVersion"] = json!("5");
    let config_map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}});
    for (path, body, code, reason, message) in [
        (PODS, pod("made", json!({})), 409, "AlreadyExists", "pods \"made\" already exists"),
        (
            &format!("{PODS}?dryRun=All"),
            pod("made", json!({})),
            409,
            "AlreadyExists",
            "pods \"made\" already exists",
        ),
        (
            PODS,
            elsewhere,
            400,
            "BadRequest",
            "the namespace of the provided object does not match the namespace sent on the request",
        ),
        (PODS, versioned, 500, "", "resourceVersion should not be set on objects to be created"),
        (
            PODS,
            config_map,
            400,
            "BadRequest",
            "ConfigMap in version \"v1\" cannot be handled as a Pod: converting (v1.ConfigMap) to (core.Pod): unknown conversion",
        ),
        (
            "/api/v1/namespaces/no-such-ns/pods",
            pod("m", json!({})),
            404,
            "NotFound",
            "namespaces \"no-such-ns\" not found",
        ),
        (
            PODS,
            json!({}),
            422,
            "Invalid",
            "Pod \"\" is invalid: [metadata.name: Required value: name or generateName is required, spec.containers: Required value]",
        ),
        (
            &format!("{PODS}?dryRun=yes"),
            pod("m", json!({})),
            422,
            "Invalid",
            "CreateOptions.meta.k8s.io \"\" is invalid: dryRun: Unsupported value: [\"yes\"]: supported values: \"All\"",
        ),
    ] {
        let refusal = rig.post(path, &body).await.refusal();
        assert_eq!(refusal, (code, reason.to_owned(), message.to_owned()));
    }
    for (content_type, body, code, reason) in [
        ("application/json", "", 400, "BadRequest"),
        ("application/json", "hello", 400, "BadRequest"),
        ("application/json", "[]", 400, "BadRequest"),
        ("application/x-www-form-urlencoded", "{}", 415, "UnsupportedMediaType"),
    ] {
        let refusal =
            rig.request(Method::POST, PODS, &[("content-type", content_type)], Some(body)).await.refusal();
        assert_eq!((refusal.0, refusal.1.as_str()), (code, reason), "{body}");
    }
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(3 * 1024 * 1024));
    let refusal = rig.request(Method::POST, PODS, &[], Some(&large)).await.refusal();
    assert_eq!(refusal.2, "Request entity too large: limit is 3145728");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    // http/06-dry-run
    let rig = Rig::start().await;
    let answer = rig.post(&format!("{PODS}?dryRun=All"), &pod("dry", json!({}))).await;
    assert_eq!(answer.status, 201);
    assert!(answer.json()["metadata"]["uid"].is_string());
    assert!(answer.json()["metadata"].get("resourceVersion").is_none());
    let refusal = rig.get(&format!("{PODS}/dry")).await.refusal();
    assert_eq!(refusal, (404, "NotFound".into(), "pods \"dry\" not found".into()));
    rig.pod("made", unscheduled()).await;
    let deleted = rig.delete(&format!("{PODS}/made?dryRun=All"), None).await;
    assert_eq!(deleted.json()["metadata"]["deletionGracePeriodSeconds"], 0);
    assert!(rig.get(&format!("{PODS}/made")).await.json()["metadata"].get("deletionTimestamp").is_none());
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn generated_names_and_warnings_come_with_the_answer() {
    // http/02-create-twice, 05-field-validation
    let rig = Rig::start().await;
    let mut body = pod("", json!({"notAField": 1}));
    body["metadata"] = json!({"generateName": "gen-"});
    let answer = rig.post(PODS, &body).await;
    let name = answer.json()["metadata"]["name"].as_str().unwrap().to_owned();
    assert!(name.starts_with("gen-") && name.len() == 9, "{name}");
    assert_eq!(answer.headers["warning"], "299 - \"unknown field \\\"spec.notAField\\\"\"");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn paths_that_are_not_there_are_refused_as_recorded() {
    // http/10-get
    let rig = Rig::start().await;
    let missing = "the server could not find the requested resource";
    for (method, path, code, message) in [
        (Method::GET, format!("{PODS}/no-such-pod"), 404, "pods \"no-such-pod\" not found"),
        (Method::GET, "/api/v1/namespaces/fxh/podz".into(), 404, missing),
        (Method::GET, format!("{PODS}/a%2Fb"), 404, missing),
        (Method::GET, format!("{PODS}/made/nope"), 404, missing),
        (Method::PUT, PODS.into(), 405, "the server does not allow this method on the requested resource"),
        (
            Method::OPTIONS,
            PODS.into(),
            405,
            "the server does not allow this method on the requested resource",
        ),
    ] {
        let refusal = rig.request(method, &path, &[], Some("{}")).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_str()), (code, message), "{path}");
    }
    let unknown = rig.get("/apis/nope.example.com/v1").await;
    assert_eq!((unknown.status.as_u16(), unknown.text.as_str()), (404, "404 page not found\n"));
    let named = rig.get("/apis/batch/v1/namespaces/fxh/jobs").await.refusal();
    assert!(named.2.contains("`jobs.batch`"), "{named:?}");
    let named = rig.post(&format!("{PODS}/x/portforward"), &json!({})).await.refusal();
    assert!(named.0 == 501 && named.2.contains("`pods/portforward`"), "{named:?}");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn patches_change_metadata_and_refuse_the_rest() {
    // http/11-patch
    let rig = Rig::start().await;
    rig.pod("made", unscheduled()).await;
    let path = format!("{PODS}/made");
    let labelled = rig.patch(&path, "merge-patch", &json!({"metadata": {"labels": {"x": "y"}}})).await;
    assert_eq!(labelled.json()["metadata"]["labels"]["x"], "y");
    assert_eq!(labelled.json()["metadata"]["generation"], 1);
    let image = json!({"spec": {"containers": [{"name": "main", "image": "busybox:1.35"}]}});
    let changed = rig.patch(&path, "strategic-merge-patch", &image).await.json();
    assert_eq!(changed["spec"]["containers"][0]["image"], "busybox:1.35");
    assert_eq!(changed["spec"]["containers"][0]["command"], json!(["sh", "-c", "sleep 600"]));
    assert_eq!(changed["metadata"]["generation"], 2);
    let removed = json!([{"op": "remove", "path": "/metadata/labels/x"}]);
    assert!(rig.patch(&path, "json-patch", &removed).await.json()["metadata"].get("labels").is_none());
    let forbidden = "Pod \"made\" is invalid: spec: Forbidden: pod updates may not change fields other than";
    for (kind, body, code, reason, message) in [
        ("merge-patch", json!({"spec": {"restartPolicy": "Always"}}), 422, "Invalid", forbidden),
        (
            "merge-patch",
            json!({"metadata": {"resourceVersion": "1", "labels": {"x": "z"}}}),
            409,
            "Conflict",
            "Operation cannot be fulfilled on pods \"made\": the object has been modified; please apply your changes to the latest version and try again",
        ),
        (
            "json-patch",
            json!([{"op": "test", "path": "/metadata/name", "value": "zzz"}]),
            422,
            "Invalid",
            "the server rejected our request due to an error in our request",
        ),
        ("", json!({"metadata": {}}), 415, "UnsupportedMediaType", "415: Unsupported Media Type"),
    ] {
        let refusal = rig.patch(&path, kind, &body).await.refusal();
        assert_eq!((refusal.0, refusal.1.as_str()), (code, reason));
        assert!(refusal.2.starts_with(message), "{}", refusal.2);
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_put_replaces_labels_and_needs_the_latest_version() {
    let rig = Rig::start().await;
    rig.pod("made", unscheduled()).await;
    let path = format!("{PODS}/made");
    let mut made = eventually(async || {
        let pod = rig.get(&path).await.json();
        pod["status"]["conditions"].is_array().then_some(pod)
    })
    .await;
    made["metadata"]["labels"] = json!({"a": "b"});
    let put = async |body: &Value| rig.request(Method::PUT, &path, &[], Some(&body.to_string())).await;
    assert_eq!(put(&made).await.json()["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(put(&made).await.refusal().1, "Conflict");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn who_creates_or_deletes_a_pod_may_ask_for_its_metadata_alone() {
    // transformResponseObject of apiserver/pkg/endpoints/handlers, which create and delete go through as get does
    let rig = Rig::start().await;
    let accept = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";
    let headers = [("accept", accept), ("content-type", "application/json")];
    let body = pod("lean", json!({})).to_string();
    let created = rig.request(Method::POST, PODS, &headers, Some(&body)).await.json();
    let path = format!("{PODS}/lean");
    let deleted = rig.request(Method::DELETE, &path, &headers, Some("{}")).await.json();
    for answer in [&created, &deleted] {
        assert_eq!(answer["kind"], "PartialObjectMetadata");
        assert_eq!(answer["metadata"]["uid"], created["metadata"]["uid"]);
        assert!(answer.get("spec").is_none() && answer.get("status").is_none(), "{answer}");
    }
    assert!(created["metadata"]["uid"].is_string() && deleted["metadata"]["deletionTimestamp"].is_string());
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_running_pod_is_deleted_with_grace_and_preconditions() {
    // http/12-delete
    let rig = Rig::start().await;
    let made = rig.pod("d1", json!({})).await;
    let path = format!("{PODS}/d1");
    eventually(async || rig.get(&path).await.json()["spec"]["nodeName"].is_string().then_some(())).await;
    let other = json!({"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}});
    let refusal = rig.delete(&path, Some(&other)).await;
    let uid = made["metadata"]["uid"].as_str().unwrap();
    assert_eq!(
        refusal.refusal().2,
        format!(
            "Operation cannot be fulfilled on Pod \"d1\": the UID in the precondition (00000000-0000-0000-0000-000000000000) \
             does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        )
    );
    assert_eq!(refusal.json()["details"], json!({"name": "d1", "kind": "Pod"}));
    let deleted = rig.delete(&path, Some(&json!({"preconditions": {"uid": uid}}))).await.json();
    assert_eq!(deleted["metadata"]["deletionGracePeriodSeconds"], 8);
    assert_eq!(deleted["metadata"]["generation"], 2);
    let again = rig.delete(&path, None).await.json();
    assert_eq!(again["metadata"]["resourceVersion"], deleted["metadata"]["resourceVersion"]);
    let shorter = rig.delete(&path, Some(&json!({"gracePeriodSeconds": 3}))).await.json();
    assert_eq!(shorter["metadata"]["deletionGracePeriodSeconds"], 3);
    let refusal = rig.post(PODS, &pod("d1", json!({}))).await.refusal();
    assert_eq!(refusal.2, "object is being deleted: pods \"d1\" already exists");
    let forced = rig.delete(&format!("{path}?gracePeriodSeconds=0"), None).await;
    assert_eq!(forced.status, 200);
    assert_eq!(rig.get(&path).await.status, 404);
    assert_eq!(rig.delete(&path, None).await.status, 404);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn bad_delete_options_are_refused_as_recorded() {
    // http/12-delete
    let rig = Rig::start().await;
    rig.pod("sh", json!({})).await;
    let path = format!("{PODS}/sh");
    let refusal = rig.delete(&format!("{path}?gracePeriodSeconds=abc"), None).await.refusal();
    assert_eq!(refusal.2, "strconv.ParseInt: parsing \"abc\": invalid syntax");
    let refusal = rig.delete(&path, Some(&json!({"propagationPolicy": "Sideways"}))).await.refusal();
    assert_eq!(
        refusal.2,
        "DeleteOptions.meta.k8s.io \"\" is invalid: propagationPolicy: Unsupported value: \"Sideways\": \
         supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""
    );
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_finalizer_keeps_a_deleted_pod_until_it_is_removed() {
    // pods/91-finalizer-succeeded
    let rig = Rig::start().await;
    let mut body = pod("held", unscheduled());
    body["metadata"]["finalizers"] = json!(["example.com/hold"]);
    assert_eq!(rig.post(PODS, &body).await.status, 201);
    let path = format!("{PODS}/held");
    for _ in 0..2 {
        assert_eq!(rig.delete(&path, None).await.status, 200);
        assert_eq!(rig.get(&path).await.status, 200);
    }
    let answer = rig.patch(&path, "merge-patch", &json!({"metadata": {"finalizers": null}})).await;
    assert_eq!(answer.status, 200);
    assert_eq!(rig.get(&path).await.status, 404);
    let last = &history(&rig, "held").pop().unwrap()["metadata"];
    assert_eq!(last["finalizers"], json!(["example.com/hold"]));
    rig.cluster.shutdown().await;
}

/// Every state of a pod that a watch shows.
fn history(rig: &Rig, name: &str) -> Vec<Arc<Value>> {
    let (changes, _) = rig.store.changes_since(Kind::Pod, 0).unwrap();
    let objects = changes.into_iter().map(|change| change.object.value());
    objects.filter(|pod| pod["metadata"]["name"] == name).collect()
}

#[tokio::test]
async fn a_foreground_deletion_is_held_for_a_moment() {
    // pods/85-deleted-foreground
    let rig = Rig::start().await;
    rig.pod("front", unscheduled()).await;
    let path = format!("{PODS}/front");
    let answer = rig.delete(&path, Some(&json!({"propagationPolicy": "Foreground"}))).await;
    assert_eq!(answer.json()["metadata"]["finalizers"], json!(["foregroundDeletion"]));
    assert_eq!(rig.get(&path).await.status, 404);
    let held: Vec<bool> =
        history(&rig, "front").iter().map(|pod| pod["metadata"]["finalizers"].is_array()).collect();
    assert_eq!(held[held.len() - 3..], [true, false, false]);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn what_this_node_cannot_do_is_refused_by_name_and_not_ignored() {
    let rig = Rig::start().await;
    let main = |field: &str, value: Value| {
        let mut main = json!({"name": "main", "image": "busybox:1.36"});
        main[field] = value;
        json!({"containers": [main]})
    };
    let get = json!({"httpGet": {"port": 80}});
    for (changes, field) in [
        (json!({"shareProcessNamespace": true}), "spec.shareProcessNamespace"),
        (main("livenessProbe", get.clone()), "spec.containers[0].livenessProbe.httpGet"),
        (
            main("readinessProbe", json!({"tcpSocket": {"port": 80}})),
            "spec.containers[0].readinessProbe.tcpSocket",
        ),
        (main("lifecycle", json!({"postStart": get})), "spec.containers[0].lifecycle.postStart.httpGet"),
    ] {
        let answer = rig.post(PODS, &pod("p", changes)).await;
        let words = format!("the embedded cluster does not support `{field}`; use a real cluster for it");
        assert_eq!(answer.refusal(), (501, "NotImplemented".into(), words));
    }
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn unschedulable_and_gated_pods_say_so() {
    // pods/36-unschedulable-nodeselector, 48-scheduling-gate-lifted
    let rig = Rig::start().await;
    rig.pod("unsched", unscheduled()).await;
    let condition = eventually(async || {
        let pod = rig.get(&format!("{PODS}/unsched")).await.json();
        pod.pointer("/status/conditions/0").cloned()
    })
    .await;
    assert_eq!((&condition["reason"], &condition["status"]), (&json!("Unschedulable"), &json!("False")));
    let gated = rig.pod("gated", json!({"schedulingGates": [{"name": "example.com/wait"}]})).await;
    assert_eq!(gated["status"]["conditions"][0]["reason"], "SchedulingGated");
    let path = format!("{PODS}/gated");
    let lifted = rig.patch(&path, "merge-patch", &json!({"spec": {"schedulingGates": []}})).await;
    assert_eq!(lifted.status, 200, "{}", lifted.text);
    eventually(async || rig.get(&path).await.json()["spec"]["nodeName"].is_string().then_some(())).await;
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn secrets_and_config_maps_are_kept() {
    let rig = Rig::start().await;
    let path = "/api/v1/namespaces/fxh/secrets";
    let body = json!({"metadata": {"name": "s"}, "stringData": {"key": "value"}});
    let made = rig.post(path, &body).await.json();
    assert_eq!((&made["data"]["key"], &made["type"]), (&json!("dmFsdWU="), &json!("Opaque")));
    assert!(made.get("stringData").is_none());
    let deleted = rig.delete(&format!("{path}/s"), None).await.json();
    assert_eq!((&deleted["kind"], &deleted["status"]), (&json!("Status"), &json!("Success")));
    assert_eq!(rig.get(&format!("{path}/s")).await.status, 404);
    let root = rig.get("/api/v1/namespaces/fxh/configmaps/kube-root-ca.crt").await.json();
    assert_eq!(root["data"]["ca.crt"], rig.cluster.ca_pem());
    rig.cluster.shutdown().await;
}
