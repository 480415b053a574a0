//! Lists: pages, selectors, shapes, discovery.

use crate::client::{Rig, pod};
use http::Method;
use serde_json::{Value, json};

const PODS: &str = "/api/v1/namespaces/fxh/pods";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";

/// Six pods without a node, `l0` to `l5`, with the labels of the recordings.
async fn six() -> Rig {
    let rig = Rig::start().await;
    for number in 0..6 {
        let mut body = pod(&format!("l{number}"), json!({"nodeSelector": {"disk": "no-such"}}));
        let tier = if number % 2 == 0 { "b" } else { "a" };
        body["metadata"]["labels"] = json!({"n": number.to_string(), "tier": tier});
        assert_eq!(rig.post(PODS, &body).await.status, 201);
    }
    rig
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_list_comes_in_pages_of_one_version() {
    // http/13-list-paging
    let rig = six().await;
    let first = rig.get(&format!("{PODS}?limit=2")).await.json();
    assert_eq!(names(&first), ["l0", "l1"]);
    assert!(first["items"][0].get("kind").is_none());
    assert_eq!((&first["kind"], &first["metadata"]["remainingItemCount"]), (&json!("PodList"), &json!(4)));
    // What changes meanwhile does not show on later pages.
    rig.pod("l2x", json!({})).await;
    rig.delete(&format!("{PODS}/l3"), None).await;
    let token = first["metadata"]["continue"].as_str().unwrap();
    let second = rig.get(&format!("{PODS}?limit=2&continue={token}")).await.json();
    assert_eq!(names(&second), ["l2", "l3"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let last = rig.get(&format!("{PODS}?limit=2&continue={token}")).await.json();
    assert_eq!(names(&last), ["l4", "l5"]);
    assert!(last["metadata"].get("continue").is_none());
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn an_expired_page_says_how_to_go_on() {
    // http/17-expired
    let rig = six().await;
    let first = rig.get(&format!("{PODS}?limit=2")).await.json();
    let token = first["metadata"]["continue"].as_str().unwrap();
    rig.pod("later", json!({})).await;
    rig.store.compact();
    let expired = rig.get(&format!("{PODS}?limit=2&continue={token}")).await;
    assert_eq!((expired.status.as_u16(), expired.refusal().1), (410, "Expired".to_owned()));
    let token = expired.json()["metadata"]["continue"].as_str().unwrap().to_owned();
    let rest = rig.get(&format!("{PODS}?limit=2&continue={token}")).await.json();
    assert_eq!(names(&rest), ["l2", "l3"]);
    let version = first["metadata"]["resourceVersion"].as_str().unwrap();
    let exact = rig.get(&format!("{PODS}?resourceVersion={version}&resourceVersionMatch=Exact")).await;
    assert_eq!(exact.refusal().2, "The resourceVersion for the provided list is too old.");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn selectors_choose_and_are_refused() {
    // http/14-selectors
    let rig = six().await;
    for (query, expected) in [
        ("labelSelector=n+in+(1,3),tier%3Da", &["l1", "l3"][..]),
        ("fieldSelector=metadata.name%3Dl1", &["l1"]),
        ("fieldSelector=status.phase%3DBogus", &[]),
        ("fieldSelector=spec.nodeName%3D&labelSelector=tier%3Da", &["l1", "l3", "l5"]),
        ("resourceVersion=0&limit=1&labelSelector=tier%3Da", &["l1", "l3", "l5"]),
    ] {
        let list = rig.get(&format!("{PODS}?{query}")).await.json();
        assert_eq!(names(&list), expected, "{query}");
    }
    let selected = rig.get(&format!("{PODS}?limit=1&labelSelector=tier%3Da")).await.json();
    assert!(selected["metadata"].get("remainingItemCount").is_none());
    let empty = rig.get("/api/v1/namespaces/no-such-ns/pods").await;
    assert_eq!((empty.status.as_u16(), names(&empty.json())), (200, vec![]));
    for (query, code, message) in [
        ("fieldSelector=spec.foo%3D1", 400, "field label not supported: spec.foo"),
        ("limit=x", 400, "strconv.ParseInt: parsing \"x\": invalid syntax"),
        (
            "continue=abc",
            400,
            "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
        ),
        (
            "resourceVersion=abc",
            400,
            "invalid resource version: resourceVersion: Invalid value: \"abc\": strconv.ParseUint: parsing \"abc\": invalid syntax",
        ),
        (
            "resourceVersionMatch=Exact",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
    ] {
        let refusal = rig.get(&format!("{PODS}?{query}")).await.refusal();
        assert_eq!((refusal.0, refusal.2.as_str()), (code, message));
    }
    let ahead = rig.get(&format!("{PODS}?resourceVersion=99999999")).await;
    assert_eq!((ahead.status.as_u16(), ahead.headers["retry-after"].to_str().unwrap()), (504, "1"));
    assert!(ahead.refusal().2.starts_with("Timeout: Too large resource version: 99999999, current: "));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn a_collection_is_deleted_by_label() {
    // http/12-delete
    let rig = six().await;
    let deleted = rig.delete(&format!("{PODS}?labelSelector=tier%3Da"), None).await.json();
    assert_eq!((&deleted["kind"], names(&deleted)), (&json!("PodList"), vec!["l1", "l3", "l5"]));
    assert_eq!(names(&rig.get(PODS).await.json()), ["l0", "l2", "l4"]);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn kubectl_gets_tables() {
    // http/61-table
    let rig = six().await;
    let table = async |path: &str| rig.request(Method::GET, path, &[("accept", TABLE)], None).await.json();
    let list = table(&format!("{PODS}?limit=2")).await;
    assert_eq!(list["kind"], "Table");
    let columns: Vec<&str> =
        list["columnDefinitions"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(
        columns,
        ["Name", "Ready", "Status", "Restarts", "Age", "IP", "Node", "Nominated Node", "Readiness Gates"]
    );
    let cells = list["rows"][0]["cells"].as_array().unwrap();
    assert_eq!(cells[..4], json!(["l0", "0/1", "Pending", "0"]).as_array().unwrap()[..]);
    assert_eq!(list["rows"][0]["object"]["kind"], "PartialObjectMetadata");
    assert_eq!(list["metadata"]["remainingItemCount"], 4);
    assert!(table(&format!("{PODS}?includeObject=None")).await["rows"][0].get("object").is_none());
    assert_eq!(table(&format!("{PODS}/nope")).await["kind"], "Status");
    let metadata = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = rig.request(Method::GET, PODS, &[("accept", metadata)], None).await.json();
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert!(list["items"][0].get("spec").is_none());
    let refused = rig.request(Method::GET, PODS, &[("accept", "text/html")], None).await.refusal();
    assert_eq!((refused.0, refused.1.as_str()), (406, "NotAcceptable"));
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn clients_discover_what_there_is() {
    // http/60-discovery
    let rig = Rig::start().await;
    assert_eq!(rig.get("/version").await.json()["minor"], "36");
    assert_eq!(rig.get("/api").await.json()["versions"], json!(["v1"]));
    let resources = rig.get("/api/v1").await.json();
    let pods = resources["resources"]
        .as_array()
        .unwrap()
        .iter()
        .find(|resource| resource["name"] == "pods")
        .unwrap();
    assert_eq!(
        pods,
        &json!({"name": "pods", "singularName": "pod", "namespaced": true, "kind": "Pod",
                "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
                "shortNames": ["po"], "categories": ["all"]})
    );
    let reviews = rig.get("/apis/authorization.k8s.io/v1").await.json();
    assert_eq!(reviews["groupVersion"], "authorization.k8s.io/v1");
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = rig.request(Method::GET, "/apis", &[("accept", aggregated)], None).await;
    assert_eq!(
        answer.headers["content-type"],
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    );
    assert_eq!(answer.json()["kind"], "APIGroupDiscoveryList");
    let openapi = rig.get("/openapi/v3/api/v1").await.json();
    let post = &openapi["paths"]["/api/v1/namespaces/{namespace}/pods"]["post"];
    assert_eq!(post["parameters"][0]["name"], "fieldValidation");
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn requests_and_bytes_on_the_wire_are_counted() {
    let rig = six().await;
    let before = rig.cluster.traffic().tally();
    let list = rig.get(PODS).await;
    let counted = rig.cluster.traffic().tally().since(before);
    assert_eq!(counted.requests, 1);
    assert!(counted.sent >= list.text.len() as u64, "{counted:?} for {} bytes", list.text.len());
    assert!(counted.received > 0 && counted.received < counted.sent, "{counted:?}");
}
