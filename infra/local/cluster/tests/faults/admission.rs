//! Pods that quotas, limits, policies and webhooks refuse.

use super::{PODS, put};
use crate::client::{Rig, pod};
use http::Method;
use serde_json::{Value, json};

/// The answer to a create of that name.
async fn refused(rig: &Rig, name: &str) -> Value {
    let answer = rig.post(PODS, &pod(name, json!({}))).await;
    assert_eq!(answer.status.as_u16(), answer.json()["code"].as_u64().unwrap() as u16);
    answer.json()
}

fn recorded(name: &str, message: &str) -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message,
        "reason": "Forbidden", "details": {"name": name, "kind": "pods"}, "code": 403})
}

#[tokio::test]
async fn a_quota_that_is_used_up_refuses_in_the_recorded_words() {
    // http/08-quota
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "QuotaExceeded"}));
    let words = "pods \"q1\" is forbidden: exceeded quota: q, requested: requests.cpu=600m, used: requests.cpu=0, \
                 limited: requests.cpu=500m";
    assert_eq!(refused(&rig, "q1").await, recorded("q1", words));
}

#[tokio::test]
async fn two_changes_of_a_quota_conflict() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "QuotaConflict", "with": {"quota": "team"}}));
    let answer = refused(&rig, "q1").await;
    assert_eq!((answer["code"].as_u64(), answer["reason"].as_str()), (Some(409), Some("Conflict")));
    assert_eq!(
        answer["message"],
        "Operation cannot be fulfilled on resourcequotas \"team\": the object has been modified; please apply your \
         changes to the latest version and try again"
    );
    assert_eq!(answer["details"], json!({"name": "team", "kind": "resourcequotas"}));
}

#[tokio::test]
async fn a_limit_range_refuses_in_the_recorded_words() {
    // http/09-limitrange
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "LimitRange"}));
    let words = "pods \"lr1\" is forbidden: maximum memory usage per Container is 128Mi, but limit is 512Mi";
    assert_eq!(refused(&rig, "lr1").await, recorded("lr1", words));
}

#[tokio::test]
async fn pod_security_names_every_violation_as_recorded() {
    // http/07-pod-security
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "PodSecurity"}));
    let words = "pods \"psa\" is forbidden: violates PodSecurity \"restricted:latest\": allowPrivilegeEscalation != false \
                 (container \"main\" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities \
                 (container \"main\" must set securityContext.capabilities.drop=[\"ALL\"]), runAsNonRoot != true (pod or \
                 container \"main\" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container \"main\" \
                 must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")";
    assert_eq!(refused(&rig, "psa").await, recorded("psa", words));
}

#[tokio::test]
async fn a_webhook_denies_with_its_name_and_its_words() {
    let rig = Rig::start().await;
    put(
        &rig,
        json!({"kind": "WebhookDenied", "with": {"webhook": "a.example", "message": "no", "code": 400}}),
    );
    let answer = refused(&rig, "w").await;
    assert_eq!(answer["message"], "admission webhook \"a.example\" denied the request: no");
    assert_eq!(answer["reason"], "BadRequest");
}

#[tokio::test]
async fn only_the_creation_of_pods_is_admitted() {
    let rig = Rig::start().await;
    put(&rig, json!({"kind": "QuotaExceeded"}));
    assert_eq!(rig.get(PODS).await.status, 200);
    let map = json!({"metadata": {"name": "m"}}).to_string();
    let path = "/api/v1/namespaces/fxh/configmaps";
    assert_eq!(rig.request(Method::POST, path, &[], Some(&map)).await.status, 201);
}
