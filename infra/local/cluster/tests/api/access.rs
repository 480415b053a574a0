//! Who may what.

use crate::client::{RUNNER, Rig};
use http::Method;
use serde_json::{Value, json};

const REVIEW: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

#[tokio::test]
async fn credentials_are_checked_as_recorded() {
    // http/50-unauthorized
    let rig = Rig::start().await;
    let pods = "/api/v1/namespaces/fxh/pods";
    let anonymous = rig.get_as("", pods).await;
    assert_eq!(
        anonymous.refusal().2,
        "pods is forbidden: User \"system:anonymous\" cannot list resource \"pods\" in API group \"\" in the namespace \"fxh\""
    );
    assert_eq!(anonymous.headers["x-content-type-options"], "nosniff");
    let bad = rig.get_as("wrong", pods).await;
    assert_eq!(
        bad.json(),
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": "Unauthorized",
               "reason": "Unauthorized", "code": 401})
    );
    assert_eq!(rig.get_as("wrong", "/version").await.status, 401);
    assert_eq!(rig.get_as("", "/version").await.status, 200);
    assert_eq!(rig.get_as("", "/readyz").await.text, "ok");
    assert_eq!(
        rig.get_as("", "/api").await.refusal().2,
        "forbidden: User \"system:anonymous\" cannot get path \"/api\""
    );
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn every_verb_is_refused_in_the_recorded_words() {
    // http/51-forbidden
    let rig = Rig::start().await;
    let bearer = format!("Bearer {RUNNER}");
    let user = "User \"system:serviceaccount:fxh:runner\"";
    for (method, path, message) in [
        (
            Method::GET,
            "/api/v1/namespaces/default/pods/x",
            format!(
                "pods \"x\" is forbidden: {user} cannot get resource \"pods\" in API group \"\" in the namespace \"default\""
            ),
        ),
        (
            Method::GET,
            "/api/v1/namespaces/default/pods?watch=true",
            format!(
                "pods is forbidden: {user} cannot watch resource \"pods\" in API group \"\" in the namespace \"default\""
            ),
        ),
        (
            Method::POST,
            "/api/v1/namespaces/no-such-ns/pods",
            format!(
                "pods is forbidden: {user} cannot create resource \"pods\" in API group \"\" in the namespace \"no-such-ns\""
            ),
        ),
        (
            Method::GET,
            "/api/v1/pods",
            format!(
                "pods is forbidden: {user} cannot list resource \"pods\" in API group \"\" at the cluster scope"
            ),
        ),
        (
            Method::DELETE,
            "/api/v1/namespaces/fxh/pods",
            format!(
                "pods is forbidden: {user} cannot deletecollection resource \"pods\" in API group \"\" in the namespace \"fxh\""
            ),
        ),
        (
            Method::PATCH,
            "/api/v1/namespaces/fxh/pods/sh/status",
            format!(
                "pods \"sh\" is forbidden: {user} cannot patch resource \"pods/status\" in API group \"\" in the namespace \"fxh\""
            ),
        ),
        (
            Method::GET,
            "/api/v1/namespaces/fxh",
            format!(
                "namespaces \"fxh\" is forbidden: {user} cannot get resource \"namespaces\" in API group \"\" in the namespace \"fxh\""
            ),
        ),
        (
            Method::GET,
            "/apis/batch/v1/namespaces/fxh/jobs",
            format!(
                "jobs.batch is forbidden: {user} cannot list resource \"jobs\" in API group \"batch\" in the namespace \"fxh\""
            ),
        ),
        (
            Method::GET,
            "/api/v1/namespaces/fxh/podz",
            format!(
                "podz is forbidden: {user} cannot list resource \"podz\" in API group \"\" in the namespace \"fxh\""
            ),
        ),
        (Method::GET, "/metrics", format!("forbidden: {user} cannot get path \"/metrics\"")),
    ] {
        let answer = rig.request(method, path, &[("authorization", &bearer)], Some("{}")).await;
        assert_eq!(answer.refusal(), (403, "Forbidden".to_owned(), message));
    }
    assert_eq!(rig.get_as(RUNNER, "/api/v1/namespaces/fxh/pods/nope").await.status, 404);
    assert_eq!(rig.get_as(RUNNER, "/api/v1/namespaces/fxh/pods").await.status, 200);
    rig.cluster.shutdown().await;
}

#[tokio::test]
async fn reviews_answer_as_recorded() {
    // http/52-access-reviews
    let rig = Rig::start().await;
    let bearer = format!("Bearer {RUNNER}");
    let ask = async |path: &str, spec: Value| {
        let body = json!({"spec": spec}).to_string();
        rig.request(Method::POST, path, &[("authorization", &bearer)], Some(&body)).await
    };
    let may = async |verb: &str, resource: &str, subresource: &str| {
        let attributes =
            json!({"namespace": "fxh", "verb": verb, "resource": resource, "subresource": subresource});
        let answer = ask(REVIEW, json!({"resourceAttributes": attributes})).await;
        assert_eq!(answer.status, 201);
        answer.json()["status"].clone()
    };
    let reason =
        "RBAC: allowed by RoleBinding \"runner/fxh\" of Role \"runner\" to ServiceAccount \"runner/fxh\"";
    assert_eq!(may("create", "pods", "").await, json!({"allowed": true, "reason": reason}));
    assert_eq!(may("get", "pods", "exec").await, json!({"allowed": true, "reason": reason}));
    assert_eq!(may("create", "pods", "exec").await, json!({"allowed": false}));
    assert_eq!(may("*", "pods", "").await, json!({"allowed": false}));
    let empty = ask(REVIEW, json!({})).await;
    assert_eq!(
        empty.refusal().2,
        ".authorization.k8s.io \"\" is invalid: spec.resourceAttributes: Invalid value: null: exactly one of \
         nonResourceAttributes or resourceAttributes must be specified"
    );
    let rules = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
    let listed = ask(rules, json!({"namespace": "fxh"})).await.json();
    let pods = json!({"verbs": ["get", "create", "delete", "watch", "list"], "apiGroups": [""], "resources": ["pods"]});
    assert!(listed["status"]["resourceRules"].as_array().unwrap().iter().any(|rule| {
        rule["verbs"] == pods["verbs"]
            && rule["resources"] == pods["resources"]
            && rule["apiGroups"] == pods["apiGroups"]
    }));
    assert_eq!(ask(rules, json!({"namespace": ""})).await.refusal().2, "no namespace on request");
    let me = ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", json!({})).await.json();
    assert_eq!(me["status"]["userInfo"]["username"], "system:serviceaccount:fxh:runner");
    let refused = rig.request(Method::POST, REVIEW, &[("authorization", "")], Some("{}")).await.refusal();
    assert_eq!(
        refused.2,
        "selfsubjectaccessreviews.authorization.k8s.io is forbidden: User \"system:anonymous\" cannot create resource \
         \"selfsubjectaccessreviews\" in API group \"authorization.k8s.io\" at the cluster scope"
    );
    rig.cluster.shutdown().await;
}
