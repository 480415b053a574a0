use crate::run::diagnosis::Cause;
use crate::run::reasons::{self, Forbidden, PodReason, TerminatedReason};

#[test]
fn a_pull_that_fails_for_a_passing_reason_is_told_by_its_words() {
    let transient = [
        "pull QPS exceeded",
        "rpc error: 502 Bad Gateway from auth.docker.io",
        "Back-off pulling image \"u\": 502 Bad Gateway",
        "toomanyrequests: You have reached your unauthenticated pull rate limit",
        "unexpected status from HEAD request to https://registry.example/v2/a/manifests/1: 503 Service Unavailable",
        "dial tcp 10.0.0.1:443: i/o timeout",
        "context deadline exceeded",
    ];
    for message in transient {
        assert!(reasons::is_transient_pull(message), "{message}");
    }
}

#[test]
fn a_pull_that_fails_for_good_is_not_taken_for_a_passing_one_by_the_name_of_its_image() {
    let permanent = [
        "Back-off pulling image \"nonexistent:latest\"",
        "Back-off pulling image \"team/timeout:1\": ErrImagePull: failed to resolve image: docker.io/team/timeout:1: not found",
        "pull access denied, repository does not exist or may require authorization",
        "",
    ];
    for message in permanent {
        assert!(!reasons::is_transient_pull(message), "{message}");
    }
}

#[test]
fn every_kind_of_refusal_by_a_kubelet_is_known_even_for_extended_resources() {
    assert_eq!(reasons::pod(Some("OutOfcpu")), Some(PodReason::NodeRefused));
    assert_eq!(reasons::pod(Some("OutOfexample.com/slot")), Some(PodReason::NodeRefused));
    assert_eq!(reasons::pod(Some("SomethingNew")), None);
    assert_eq!(reasons::pod(None), None);
}

#[test]
fn an_unknown_reason_says_no_more_than_the_exit_code() {
    assert_eq!(reasons::terminated("SomethingNew"), TerminatedReason::Error);
    assert_eq!(reasons::disruption("SomethingNew"), Cause::Evicted);
    assert_eq!(reasons::event("SomethingNew"), None);
    assert_eq!(reasons::waiting("SomethingNew"), None);
}

#[test]
fn no_reason_is_listed_twice() {
    fn assert_unique(names: Vec<&str>) {
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), names.len(), "{names:?}");
    }
    assert_unique(reasons::WAITING_REASONS.iter().map(|row| row.reason).collect());
    assert_unique(reasons::POD_REASONS.iter().map(|row| row.0).collect());
    assert_unique(reasons::TERMINATED_REASONS.iter().map(|row| row.0).collect());
    assert_unique(reasons::DISRUPTION_REASONS.iter().map(|row| row.0).collect());
    assert_unique(reasons::EVENT_REASONS.iter().map(|row| row.0).collect());
}

#[test]
fn the_kinds_of_403_are_told_apart() {
    let cases = [
        (
            "pods \"q\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2",
            Forbidden::Quota,
        ),
        (
            "pods \"q\" is forbidden: failed quota: q: must specify limits.memory for: main",
            Forbidden::Admission,
        ),
        (
            "pods \"m\" is forbidden: error looking up service account ns/x: serviceaccount \"x\" not found",
            Forbidden::Admission,
        ),
        ("pods \"m\" is forbidden: no PriorityClass with name x was found", Forbidden::Admission),
        (
            "pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
            Forbidden::Admission,
        ),
        ("admission webhook \"policy.example\" denied the request: no", Forbidden::Admission),
        (
            "pods is forbidden: User \"u\" cannot create resource \"pods\" in API group \"\" in the namespace \"default\"",
            Forbidden::Rights,
        ),
        (
            "pods is forbidden: User \"u\" cannot create resource \"pods\" in API group \"\" in the namespace \"n\": RBAC: [clusterrole \"x\" not found]",
            Forbidden::Starting,
        ),
        ("", Forbidden::Rights),
    ];
    for (message, expected) in cases {
        assert_eq!(reasons::forbidden(message), expected, "{message}");
    }
}
