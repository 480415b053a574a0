//! What the cluster's Role grants is what the functions ask for.

use std::collections::BTreeSet;

use serde_json::Value;
use shared::cluster::access::{self, EVENTS};

use super::tree;

#[test]
fn the_role_grants_exactly_what_a_run_needs() {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&tree::read("infra/rbac.yaml")).unwrap();
    let role = documents.iter().find(|document| document["kind"] == "Role").unwrap();
    let mut granted = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        assert_eq!(rule["apiGroups"], serde_json::json!([""]), "everything is in the core group");
        for resource in rule["resources"].as_array().unwrap() {
            for verb in rule["verbs"].as_array().unwrap() {
                granted.insert(format!("{} {}", verb.as_str().unwrap(), resource.as_str().unwrap()));
            }
        }
    }
    let needed: BTreeSet<String> = access::needs(true)
        .into_iter()
        .chain([EVENTS])
        .map(|permission| access::in_words(&[permission]))
        .collect();
    assert_eq!(granted, needed);
}

#[test]
fn the_role_is_bound_to_the_group_that_access_entries_name() {
    let documents: Vec<Value> = serde_saphyr::from_multiple(&tree::read("infra/rbac.yaml")).unwrap();
    let [role, binding] = documents.as_slice() else { panic!("a Role and its binding") };
    assert_eq!(binding["kind"], "RoleBinding");
    assert_eq!(binding["roleRef"]["kind"], "Role");
    assert_eq!(binding["roleRef"]["name"], role["metadata"]["name"]);
    let subjects = binding["subjects"].as_array().unwrap();
    assert_eq!(subjects.len(), 1);
    assert_eq!((&subjects[0]["kind"], &subjects[0]["name"]), (&"Group".into(), &"longshore".into()));
}
