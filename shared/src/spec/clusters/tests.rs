use super::*;

fn file(text: &str) -> Result<Clusters, Vec<String>> {
    let tree = crate::spec::read::tree(text.as_bytes()).unwrap();
    read(&tree).map_err(|problems| problems.0.iter().map(ToString::to_string).collect())
}

#[test]
fn a_cluster_is_reached_by_eks_or_a_connection_and_found_by_name_or_key() {
    let clusters = file(
        "clusters:
  default: {maxLivePods: 200, namespaces: {team-a: {maxLivePods: 20}}, fallback: WAIT}
  gpu:
    eks: {name: gpu-prod, region: eu-west-1, roleArn: 'arn:aws:iam::1:role/x', externalId: e}
    namespace: batch
    workerGroups: [ml, vision]
  edge:
    connection: {masterUrl: 'https://edge:6443', oauthToken: t}
    fallback: CANCEL
",
    )
    .unwrap();
    assert_eq!(clusters.led_to_by("gpu"), Some("gpu"));
    assert_eq!(clusters.led_to_by("vision"), Some("gpu"));
    assert_eq!(clusters.led_to_by("other"), None);
    let gpu = clusters.named("gpu").unwrap();
    let provider = gpu.connection.clone().unwrap().oauth_token_provider.unwrap();
    assert_eq!(provider.cluster, "gpu-prod");
    assert_eq!(provider.role_arn.as_deref(), Some("arn:aws:iam::1:role/x"));
    assert_eq!(gpu.namespace.as_deref(), Some("batch"));
    assert!(gpu.caps.are_none());
    let own = clusters.named(DEFAULT).unwrap();
    assert_eq!((own.connection.clone(), own.fallback), (None, Some(Fallback::Wait)));
    assert_eq!(own.caps.room(3, 190, "team-a"), 10);
    assert_eq!(own.caps.room(15, 190, "team-a"), 5);
    assert_eq!(own.caps.room(15, 200, "team-a"), 0);
    assert_eq!(own.caps.room(250, 250, "team-b"), 0, "also after a cap was lowered");
}

#[test]
fn every_problem_of_the_file_is_told_at_once() {
    let problems = file(
        "cluster: {}
clusters:
  default: {eks: {name: x}, maxLivePods: 0}
  a b: {connection: {masterUrl: 'k8s'}}
  both: {eks: {region: r, roleArn: no-arn}, connection: {oauthToken: t}}
  none: {fallback: IGNORE, workerGroups: [ml], namespaces: {Team: {maxLivePods: 5, max: 1}}}
  twice: {eks: {name: x}, workerGroups: [ml], label: {}}
",
    )
    .unwrap_err();
    for part in [
        "`cluster` is not a property here",
        "/clusters/default: `default` is the deployment's own cluster",
        "/clusters/default/maxLivePods",
        "/clusters/a b: is no name for a cluster",
        "/clusters/a b/connection/masterUrl",
        "/clusters/both: has `eks` and `connection`",
        "/clusters/both/eks: has no `name`",
        "/clusters/both/eks/roleArn",
        "/clusters/none: has neither",
        "/clusters/none/fallback: is no fallback",
        "/clusters/none/namespaces/Team: is no Kubernetes namespace",
        "/clusters/none/namespaces/Team/max: `max` is not a property here",
        "/clusters/twice/workerGroups: `ml` leads to `none` already",
        "/clusters/twice/label: `label` is not a property here",
    ] {
        assert!(problems.iter().any(|problem| problem.contains(part)), "{part}: {problems:#?}");
    }
}

#[test]
fn the_values_of_a_connection_are_never_shown() {
    let problems = file("clusters: {a: {connection: {clientKeyAlgo: hush}}}").unwrap_err();
    assert!(!problems.concat().contains("hush"), "{problems:?}");
}
