//! What the server serves, as clients discover it.

use super::Api;
use super::answer::{Answer, answer, json_answer, line, text_answer, whole};
use super::route::Target;
use super::status::Status;
use crate::store::Kind;
use http::StatusCode;
use serde_json::{Value, json};

/// The version of Kubernetes that the behaviour follows.
pub(crate) const VERSION: &str = "v1.36.2";
/// Resources of the core group that a real server has and this one does not.
const MISSING: [&str; 11] = [
    "services",
    "endpoints",
    "persistentvolumeclaims",
    "persistentvolumes",
    "replicationcontrollers",
    "resourcequotas",
    "limitranges",
    "podtemplates",
    "componentstatuses",
    "bindings",
    "ephemeralcontainers",
];
/// API groups of a real server that this one does not have.
const MISSING_GROUPS: [&str; 14] = [
    "apps",
    "batch",
    "policy",
    "autoscaling",
    "networking.k8s.io",
    "storage.k8s.io",
    "events.k8s.io",
    "scheduling.k8s.io",
    "node.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "apiextensions.k8s.io",
    "certificates.k8s.io",
    "resource.k8s.io",
];
const REVIEWS: [(&str, &str, &str); 3] = [
    ("authentication.k8s.io", "selfsubjectreviews", "SelfSubjectReview"),
    ("authorization.k8s.io", "selfsubjectaccessreviews", "SelfSubjectAccessReview"),
    ("authorization.k8s.io", "selfsubjectrulesreviews", "SelfSubjectRulesReview"),
];
const GROUPS: [&str; 3] = ["authentication.k8s.io", "authorization.k8s.io", "rbac.authorization.k8s.io"];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Answer a discovery or health path; `None` when it is neither.
pub(super) fn at(api: &Api, path: &str, accept: &str) -> Option<Answer> {
    let ok = |object: Value| Some(json_answer(StatusCode::OK, &object));
    let aggregated =
        accept.split(',').any(|entry| entry.contains("as=APIGroupDiscoveryList") && entry.contains("v=v2;"));
    match path {
        "/version" => ok(version()),
        "/healthz" | "/livez" | "/readyz" => Some(text_answer(StatusCode::OK, "ok")),
        "/api" if aggregated => Some(answer(StatusCode::OK, AGGREGATED, whole(line(&aggregate(&[""]))))),
        "/apis" if aggregated => Some(answer(StatusCode::OK, AGGREGATED, whole(line(&aggregate(&GROUPS))))),
        "/api" => ok(json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": api.address}],
        })),
        "/apis" => ok(json!({
            "kind": "APIGroupList", "apiVersion": "v1",
            "groups": GROUPS.iter().map(|group| group_object(group)).collect::<Vec<_>>(),
        })),
        "/api/v1" => ok(resource_list("")),
        _ => {
            let group = path.strip_prefix("/apis/")?;
            match group.split_once('/') {
                None if GROUPS.contains(&group) => {
                    let mut object = json!({"kind": "APIGroup", "apiVersion": "v1"});
                    if let (Value::Object(whole), Value::Object(group)) = (&mut object, group_object(group)) {
                        whole.extend(group);
                    }
                    ok(object)
                }
                Some((group, "v1")) if GROUPS.contains(&group) => ok(resource_list(group)),
                _ => None,
            }
        }
    }
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35", "gitVersion": format!("{VERSION}-longshore"), "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn group_object(group: &str) -> Value {
    let version = json!({"groupVersion": format!("{group}/v1"), "version": "v1"});
    json!({"name": group, "versions": [version], "preferredVersion": version})
}

fn short_names(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Pod => &["po"],
        Kind::Event => &["ev"],
        Kind::Namespace => &["ns"],
        Kind::Node => &["no"],
        Kind::ConfigMap => &["cm"],
        Kind::ServiceAccount => &["sa"],
        Kind::Secret | Kind::Role | Kind::RoleBinding => &[],
    }
}

fn verbs(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Node => &["get", "list", "watch"],
        Kind::Namespace => &["create", "delete", "get", "list", "patch", "update", "watch"],
        _ => &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    }
}

/// The subresources of a pod: name, kind of its body, verbs.
const POD_SUBRESOURCES: [(&str, &str, &[&str]); 4] = [
    ("attach", "PodAttachOptions", &["create", "get"]),
    ("exec", "PodExecOptions", &["create", "get"]),
    ("log", "Pod", &["get"]),
    ("status", "Pod", &["get"]),
];

fn kinds(group: &str) -> impl Iterator<Item = Kind> {
    Kind::ALL.into_iter().filter(move |kind| kind.group() == group)
}

fn resource_list(group: &str) -> Value {
    let mut resources = Vec::new();
    for kind in kinds(group) {
        let mut resource = json!({
            "name": kind.plural(), "singularName": kind.name().to_lowercase(), "namespaced": kind.is_namespaced(),
            "kind": kind.name(), "verbs": verbs(kind),
        });
        if !short_names(kind).is_empty() {
            crate::store::set(&mut resource, "shortNames", json!(short_names(kind)));
        }
        if kind == Kind::Pod {
            crate::store::set(&mut resource, "categories", json!(["all"]));
        }
        resources.push(resource);
        if kind == Kind::Pod {
            resources.extend(POD_SUBRESOURCES.iter().map(|(name, body, verbs)| {
                json!({"name": format!("pods/{name}"), "singularName": "", "namespaced": true, "kind": body, "verbs": verbs})
            }));
        }
    }
    resources.extend(REVIEWS.iter().filter(|review| review.0 == group).map(|(_, plural, kind)| {
        json!({"name": plural, "singularName": kind.to_lowercase(), "namespaced": false, "kind": kind, "verbs": ["create"]})
    }));
    let version = if group.is_empty() { "v1".into() } else { format!("{group}/v1") };
    let mut list = json!({"kind": "APIResourceList", "groupVersion": version, "resources": resources});
    if !group.is_empty() {
        crate::store::set(&mut list, "apiVersion", json!("v1"));
    }
    list
}

fn aggregate(groups: &[&str]) -> Value {
    let response = |kind: &str| json!({"group": "", "version": "", "kind": kind});
    let items: Vec<Value> = groups
        .iter()
        .map(|group| {
            let mut resources: Vec<Value> = kinds(group)
                .map(|kind| {
                    let subresources: Vec<Value> = POD_SUBRESOURCES
                        .iter()
                        .filter(|_| kind == Kind::Pod)
                        .map(|(name, body, verbs)| {
                            json!({"subresource": name, "responseKind": response(body), "verbs": verbs})
                        })
                        .collect();
                    json!({
                        "resource": kind.plural(), "responseKind": response(kind.name()),
                        "scope": if kind.is_namespaced() { "Namespaced" } else { "Cluster" },
                        "singularResource": kind.name().to_lowercase(), "verbs": verbs(kind),
                        "shortNames": short_names(kind), "subresources": subresources,
                        "categories": if kind == Kind::Pod { &["all"][..] } else { &[] },
                    })
                })
                .collect();
            resources.extend(REVIEWS.iter().filter(|review| review.0 == *group).map(|(_, plural, kind)| {
                json!({"resource": plural, "responseKind": response(kind), "scope": "Cluster",
                       "singularResource": kind.to_lowercase(), "verbs": ["create"]})
            }));
            let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
            json!({"metadata": metadata, "versions": [{"version": "v1", "resources": resources, "freshness": "Current"}]})
        })
        .collect();
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

/// 404 in upstream's words, or a refusal that names what a real cluster would have.
pub(super) fn unknown_resource(target: &Target) -> Status {
    let missing = if target.group.is_empty() {
        MISSING.contains(&target.resource.as_str())
    } else {
        MISSING_GROUPS.contains(&target.group.as_str())
    };
    if !missing {
        return Status::no_such_resource();
    }
    let qualified = if target.group.is_empty() {
        target.resource.clone()
    } else {
        format!("{}.{}", target.resource, target.group)
    };
    let mut status = Status::no_such_resource();
    status.message =
        format!("{}: the embedded cluster has no `{qualified}`; use a real cluster for it", status.message);
    status
}

/// 404 in upstream's words, or a refusal that names the subresource.
pub(super) fn unknown_subresource(target: &Target, subresource: &str) -> Status {
    match (target.resource.as_str(), subresource) {
        (
            "pods",
            "portforward" | "proxy" | "eviction" | "binding" | "ephemeralcontainers" | "resize" | "status",
        )
        | ("serviceaccounts", "token")
        | ("namespaces", "status" | "finalize")
        | ("nodes", "status" | "proxy") => {
            Status::unsupported(&format!("`{}/{subresource}`", target.resource))
        }
        ("pods", "log" | "exec" | "attach") => Status::method_not_allowed(),
        _ => Status::no_such_resource(),
    }
}
