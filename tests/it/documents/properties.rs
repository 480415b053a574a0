//! Each property of the catalogue changes what is planned, or says why it does not.

use anyhow::Result;
use fixtures::world::World;
use serde_json::{Value, json};
use shared::spec::catalogue::Status;

use super::places::{self, differences, outcome};

/// It names an object that only a cluster with another runtime has.
const RUNTIME: &str = "runtime_class_name";

#[test]
fn every_object_has_a_place_and_every_property_a_value() {
    let places = places::all();
    for object in places::objects() {
        let place = places.iter().find(|place| place.object == object.name);
        let place = place.unwrap_or_else(|| panic!("{} has no place in properties.yaml", object.name));
        for property in object.properties().filter(|property| property.is_accepted()) {
            assert!(
                place.values.contains_key(property.name),
                "{}.{} has no value",
                object.name,
                property.name
            );
        }
        for name in place.values.keys() {
            let property =
                object.property(name).unwrap_or_else(|| panic!("{}.{name} is not declared", object.name));
            assert!(property.is_accepted(), "{}.{name} is refused", object.name);
        }
    }
}

#[test]
fn every_property_that_is_accepted_changes_the_pod_or_the_plan_or_says_why_not() {
    for place in places::all() {
        let before =
            outcome(&place.document).unwrap_or_else(|problems| panic!("{}: {problems:?}", place.object));
        for name in place.values.keys() {
            let document = place.with_sample(name);
            let at = format!("{}.{name}", place.object);
            let after = outcome(&document).unwrap_or_else(|problems| panic!("{at}: {problems:?}"));
            let is_inert = place.object().property(name).unwrap().status == Status::Inert;
            match place.unread.get(name) {
                _ if is_inert => assert_eq!(after, before, "{at} is said to change nothing"),
                Some(reason) => assert_eq!(after, before, "{at} is read after all, and not: {reason}"),
                None => assert_ne!(after, before, "{at} is accepted, and nothing reads it"),
            }
        }
    }
}

#[test]
fn every_property_that_is_refused_says_so_and_nothing_else() {
    let mut refused = 0;
    for place in places::all() {
        for property in place.object().properties().filter(|property| !property.is_accepted()) {
            let at = format!("{}/{}", place.at, property.name);
            let problems = outcome(&place.with(property.name, &"x".into())).unwrap_err();
            assert_eq!(problems.0.len(), 1, "{at}: {problems:?}");
            assert_eq!(problems.0[0].pointer, at);
            assert!(problems.0[0].message.contains("is not supported yet"), "{problems:?}");
            outcome(&place.with(property.name, &false.into()))
                .unwrap_or_else(|problems| panic!("{at}: {problems:?}"));
            refused += 1;
        }
    }
    assert!(refused > 0);
}

#[test]
fn what_every_property_makes_of_the_pod() {
    for place in places::all() {
        let before = outcome(&place.document).unwrap();
        let mut page = format!("{}\n\n{:#}\n", place.document, before.pod);
        for name in place.values.keys() {
            let after = outcome(&place.with_sample(name)).unwrap();
            let mut lines = Vec::new();
            differences(&before.plan, &after.plan, "plan", &mut lines);
            // the plan's pod is in the pod
            lines.retain(|line| !line.starts_with("plan/plan/pod/"));
            differences(&before.pod, &after.pod, "pod", &mut lines);
            page.push_str(&format!("\n## {name}: {}\n{}\n", place.values[name], lines.join("\n")));
        }
        insta::with_settings!({ snapshot_path => "../../fixtures/rendered", prepend_module_to_snapshot => false, omit_expression => true }, {
            insta::assert_snapshot!(place.object.as_str(), page);
        });
    }
}

#[tokio::test]
async fn a_cluster_takes_the_pod_of_every_property() -> Result<()> {
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "loader", "namespace": "default"}});
    let namespace = |name: &str| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    let world = World::with_manifests(vec![account, namespace("elsewhere")]).await?;
    let mut pods: Vec<(String, Value)> = Vec::new();
    for place in places::all() {
        pods.push((place.object.clone(), outcome(&place.document).unwrap().pod));
        for name in place.values.keys().filter(|name| *name != RUNTIME) {
            pods.push((format!("{}.{name}", place.object), outcome(&place.with_sample(name)).unwrap().pod));
        }
    }
    println!("{} pods", pods.len());
    let taken = world.dry_run(&pods).await;
    world.shutdown().await;
    taken
}
