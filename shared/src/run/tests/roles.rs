use serde_json::json;

use super::at;
use crate::resolve::plan::Deciding;
use crate::run::facts::{Restart, RestartRule, Role};
use crate::run::observation::{Observation, Roles};

fn roles_in(pod: &serde_json::Value, roles: &Roles) -> Vec<(String, Role, Restart)> {
    let typed = serde_json::from_value(pod.clone()).unwrap();
    let observation = Observation::of(&typed, roles, at(0));
    let containers = observation.pod.unwrap().containers;
    containers.into_iter().map(|container| (container.name, container.role, container.restart)).collect()
}

fn named(name: &str, role: Role, restart: Restart) -> (String, Role, Restart) {
    (name.to_owned(), role, restart)
}

#[test]
fn every_container_of_a_pod_has_its_role_and_its_restart_policy() {
    let rules = json!([{"action": "Restart", "exitCodes": {"operator": "In", "values": [42]}}]);
    let pod = json!({"metadata": {}, "spec": {
        "restartPolicy": "Never",
        "initContainers": [{"name": "init-files"}, {"name": "setup"}, {"name": "proxy", "restartPolicy": "Always"}],
        "containers": [
            {"name": "main", "restartPolicy": "Never", "restartPolicyRules": rules},
            {"name": "side", "restartPolicy": "OnFailure"},
            {"name": "out-files"},
        ],
    }});
    let main_rules = Restart::Rules {
        rules: vec![RestartRule { negated: false, exit_codes: vec![42] }],
        otherwise_on_failure: false,
    };
    let with = |deciding| roles_in(&pod, &Roles::in_pod(&pod, deciding));
    let expected = [
        named("init-files", Role::InitCarrier, Restart::Never),
        named("setup", Role::Init, Restart::Never),
        named("proxy", Role::NativeSidecar, Restart::Always),
        named("main", Role::Deciding, main_rules.clone()),
        named("side", Role::Companion, Restart::OnFailure),
        named("out-files", Role::OutCarrier, Restart::Never),
    ];
    assert_eq!(with(Deciding::Container("main".to_owned())), expected);
    assert_eq!(with(Deciding::All)[4], named("side", Role::Deciding, Restart::OnFailure));
    assert!(main_rules.follows(42) && !main_rules.follows(0) && !main_rules.follows(1));
}

#[test]
fn an_init_container_that_ended_with_0_is_final_even_where_everything_is_restarted() {
    let pod = json!({"metadata": {}, "spec": {"initContainers": [{"name": "setup"}], "containers": [{"name": "main"}]}});
    let found = roles_in(&pod, &Roles::in_pod(&pod, Deciding::All));
    assert_eq!(found[0], named("setup", Role::Init, Restart::OnFailure));
    assert_eq!(found[1], named("main", Role::Deciding, Restart::Always));
}

#[test]
fn without_a_plan_the_deciding_container_is_the_named_one_or_main_or_the_first_that_is_no_carrier() {
    let pod = |names: &[&str]| {
        let containers: Vec<_> = names.iter().map(|name| json!({"name": name})).collect();
        json!({"metadata": {}, "spec": {"containers": containers}})
    };
    let cases: [(&[&str], Option<&str>, &str); 4] = [
        (&["side", "main"], None, "main"),
        (&["side", "main"], Some("side"), "side"),
        (&["out-files", "job", "proxy"], None, "job"),
        (&["job"], None, "job"),
    ];
    for (names, main, expected) in cases {
        let pod = pod(names);
        let typed = serde_json::from_value(pod.clone()).unwrap();
        let found = roles_in(&pod, &Roles::guess(&typed, main));
        let deciding: Vec<_> = found.iter().filter(|(_, role, _)| *role == Role::Deciding).collect();
        assert_eq!(deciding.iter().map(|(name, _, _)| name.as_str()).collect::<Vec<_>>(), [expected]);
    }
}
