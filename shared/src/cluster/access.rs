//! What a run needs to be allowed in its namespace, asked before anything is created.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use futures::future::try_join_all;

use super::client::{Cluster, Permission};
use super::error::ClusterError;

const fn pods(subresource: Option<&'static str>, verb: &'static str) -> Permission {
    Permission { resource: "pods", subresource, verb }
}

/// What every run needs.
const ALWAYS: [Permission; 6] = [
    pods(None, "create"),
    pods(None, "get"),
    pods(None, "list"),
    pods(None, "watch"),
    pods(None, "delete"),
    pods(Some("log"), "get"),
];

/// What a run with outputs needs too. From Kubernetes 1.35 on, exec by WebSocket needs `create` next to `get`
/// (<https://github.com/kubernetes/enhancements/tree/master/keps/sig-api-machinery/4006-transition-spdy-to-websockets>).
const EXEC: [Permission; 2] = [pods(Some("exec"), "get"), pods(Some("exec"), "create")];

/// Good to have: without it a diagnosis lacks the events.
pub const EVENTS: Permission = Permission { resource: "events", subresource: None, verb: "list" };

/// What a run needs.
pub fn needs(collects_files: bool) -> Vec<Permission> {
    let exec = EXEC.iter().filter(|_| collects_files);
    ALWAYS.iter().chain(exec).copied().collect()
}

/// What a permission is for, in a few words.
pub fn purpose(permission: Permission) -> &'static str {
    if permission == EVENTS {
        "diagnosis, optional"
    } else if EXEC.contains(&permission) {
        "output files"
    } else {
        "every run"
    }
}

/// What was seen to be allowed; it holds for as long as the function lives. A gap is asked about again: somebody may have closed it.
#[derive(Debug, Default)]
pub struct Access {
    granted: Mutex<HashSet<(String, String, Permission)>>,
    visited: Mutex<HashSet<(String, String)>>,
}

impl Access {
    /// True once for each namespace of a group, as long as the function lives.
    pub fn first_visit(&self, group: &str, namespace: &str) -> bool {
        let mut visited = self.visited.lock().unwrap_or_else(PoisonError::into_inner);
        visited.insert((group.to_owned(), namespace.to_owned()))
    }

    /// Which of `needed` the role lacks in `namespace`.
    ///
    /// # Errors
    /// When the reviews themselves fail.
    pub async fn missing(
        &self,
        cluster: &dyn Cluster,
        group: &str,
        namespace: &str,
        needed: &[Permission],
    ) -> Result<Vec<Permission>, ClusterError> {
        let key = |permission: Permission| (group.to_owned(), namespace.to_owned(), permission);
        let asked: Vec<Permission> = {
            let known = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
            needed.iter().copied().filter(|permission| !known.contains(&key(*permission))).collect()
        };
        let answers =
            try_join_all(asked.iter().map(|permission| cluster.may(namespace, *permission))).await?;
        let (granted, missing): (Vec<_>, Vec<_>) =
            asked.into_iter().zip(answers).partition(|(_, allowed)| *allowed);
        let mut known = self.granted.lock().unwrap_or_else(PoisonError::into_inner);
        known.extend(granted.into_iter().map(|(permission, _)| key(permission)));
        Ok(missing.into_iter().map(|(permission, _)| permission).collect())
    }
}

/// `create pods/exec, list events`
pub fn in_words(permissions: &[Permission]) -> String {
    let words = permissions.iter().map(|permission| match permission.subresource {
        Some(subresource) => format!("{} {}/{subresource}", permission.verb, permission.resource),
        None => format!("{} {}", permission.verb, permission.resource),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// The Role that grants them, as YAML.
pub fn role(namespace: &str, permissions: &[Permission]) -> String {
    let mut resources: Vec<(String, BTreeSet<&str>)> = Vec::new();
    for permission in permissions {
        let name = permission
            .subresource
            .map_or(permission.resource.to_owned(), |sub| format!("{}/{sub}", permission.resource));
        match resources.iter_mut().find(|(known, _)| *known == name) {
            Some((_, verbs)) => drop(verbs.insert(permission.verb)),
            None => resources.push((name, BTreeSet::from([permission.verb]))),
        }
    }
    let rules: String = resources
        .iter()
        .map(|(resource, verbs)| {
            let verbs = verbs.iter().copied().collect::<Vec<_>>().join(", ");
            format!("  - apiGroups: [\"\"]\n    resources: [{resource}]\n    verbs: [{verbs}]\n")
        })
        .collect();
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: longshore\n  namespace: {namespace}\nrules:\n{rules}"
    )
}

/// The binding of that Role to the group that Longshore's roles are put into (`infra/rbac.yaml`), as YAML.
pub fn binding(namespace: &str) -> String {
    format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata:\n  name: longshore\n  namespace: {namespace}\n\
         roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: Role\n  name: longshore\n\
         subjects:\n  - apiGroup: rbac.authorization.k8s.io\n    kind: Group\n    name: longshore\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exec_is_asked_for_only_when_files_come_back() {
        assert!(!in_words(&needs(false)).contains("exec"));
        assert!(in_words(&needs(true)).ends_with("get pods/exec, create pods/exec"));
    }

    #[test]
    fn the_role_names_every_gap_once() {
        let text = role("team-a", &[pods(None, "get"), pods(None, "create"), EVENTS]);
        assert_eq!(
            text,
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata:\n  name: longshore\n  namespace: team-a\nrules:\n\
             \x20 - apiGroups: [\"\"]\n    resources: [pods]\n    verbs: [create, get]\n\
             \x20 - apiGroups: [\"\"]\n    resources: [events]\n    verbs: [list]\n"
        );
    }
}
