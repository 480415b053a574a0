//! The group of a run: a fingerprint of the cluster connection. Runs of one group are looked after by one poll at a time.

use sha2::{Digest, Sha256};

use crate::resolve::plan::ClusterChoice;
use crate::spec::connection::Connection;
use crate::store::upload::hex;

/// Name of the group: `eks-<cluster>` for the deployment's cluster, `cluster-<name>` for one of
/// `config/clusters.yaml`, `url-<12 hex>` for a connection of the task's own. Safe in keys and FIFO group ids.
pub fn of(choice: &ClusterChoice, default_cluster: Option<&str>) -> String {
    match choice {
        ClusterChoice::Default => format!("eks-{}", default_cluster.unwrap_or("none")),
        ClusterChoice::Named(name) => format!("cluster-{name}"),
        ClusterChoice::Explicit(connection) => format!("url-{}", fingerprint(connection)),
    }
}

/// 12 hex digits over what decides where and as whom Longshore connects.
fn fingerprint(connection: &Connection) -> String {
    let text = serde_json::to_vec(connection).unwrap_or_default();
    hex(&Sha256::digest(&text)).chars().take(12).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_credentials_are_another_group() {
        let one = Connection {
            master_url: Some("https://a".into()),
            oauth_token: Some("x".into()),
            ..Connection::default()
        };
        let two = Connection { oauth_token: Some("y".into()), ..one.clone() };
        let group =
            |connection: &Connection| of(&ClusterChoice::Explicit(Box::new(connection.clone())), None);
        assert_ne!(group(&one), group(&two));
        assert_eq!(group(&one), group(&one.clone()));
        assert!(!group(&one).contains('x'), "no secret in a key");
    }

    #[test]
    fn the_deployments_cluster_is_readable() {
        assert_eq!(of(&ClusterChoice::Default, Some("prod")), "eks-prod");
    }
}
