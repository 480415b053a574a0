//! Role-based access control: Roles and RoleBindings of the store, and what upstream grants everybody.

use super::User;
use crate::store::{Kind, Store, text};
use serde_json::{Value, json};

/// What is asked of the authorizer; empty text means "none".
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Question {
    /// `get`, `list`, `create`…
    pub verb: String,
    /// API group.
    pub group: String,
    /// Resource, with its subresource: `pods/log`.
    pub resource: String,
    /// Namespace; empty for the cluster scope.
    pub namespace: String,
    /// Object.
    pub name: String,
}

/// Answers questions from the Roles and RoleBindings in the store.
#[derive(Clone)]
pub struct Authorizer {
    store: Store,
}

/// The paths that every authenticated user may read (ClusterRole `system:discovery`).
const DISCOVERY: [&str; 11] = [
    "/api",
    "/api/*",
    "/apis",
    "/apis/*",
    "/healthz",
    "/livez",
    "/openapi",
    "/openapi/*",
    "/readyz",
    "/version",
    "/version/",
];
/// The paths that everybody may read (ClusterRole `system:public-info-viewer`).
const PUBLIC: [&str; 5] = ["/healthz", "/livez", "/readyz", "/version", "/version/"];

impl Authorizer {
    /// An authorizer over the roles in this store.
    pub fn new(store: Store) -> Authorizer {
        Authorizer { store }
    }

    /// Whether a path outside the resources may be read, and why.
    pub fn path(&self, user: &User, path: &str) -> Option<String> {
        let within = |paths: &[&str]| {
            paths.iter().any(|allowed| match allowed.strip_suffix('*') {
                Some(prefix) => path.starts_with(prefix),
                None => path == *allowed,
            })
        };
        // /livez/ping and the like are read by probes; upstream grants them by the same role.
        let health = ["/healthz/", "/livez/", "/readyz/"].iter().any(|prefix| path.starts_with(prefix));
        if user.is_administrator() {
            return Some(String::new());
        }
        let by = |role: &str, group: &str| {
            Some(format!(
                "RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to Group \"{group}\""
            ))
        };
        if user.is_authenticated() && within(&DISCOVERY) {
            return by("system:discovery", "system:authenticated");
        }
        if within(&PUBLIC) || health {
            return by("system:public-info-viewer", "system:unauthenticated");
        }
        None
    }

    /// Whether the user may, and why: `None` is no; an administrator's reason is empty.
    pub fn allows(&self, user: &User, question: &Question) -> Option<String> {
        if user.is_administrator() {
            return Some(String::new());
        }
        let own = matches!(
            question.resource.as_str(),
            "selfsubjectaccessreviews" | "selfsubjectrulesreviews" | "selfsubjectreviews"
        );
        if own && question.verb == "create" && user.is_authenticated() {
            let role = "system:basic-user";
            return Some(format!(
                "RBAC: allowed by ClusterRoleBinding \"{role}\" of ClusterRole \"{role}\" to Group \"system:authenticated\""
            ));
        }
        self.bound(user, &question.namespace)
            .into_iter()
            .find_map(|bound| bound.rules.iter().any(|rule| grants(rule, question)).then_some(bound.reason))
    }

    /// Every rule that holds for the user in a namespace.
    pub fn rules(&self, user: &User, namespace: &str) -> Vec<Value> {
        if user.is_administrator() {
            return vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]})];
        }
        let mut rules = vec![
            json!({"verbs": ["create"], "apiGroups": ["authorization.k8s.io"],
                   "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]}),
            json!({"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]}),
        ];
        rules.extend(self.bound(user, namespace).into_iter().flat_map(|bound| bound.rules));
        rules
    }

    /// The paths that the user may read.
    pub fn path_rules(&self, user: &User) -> Vec<Value> {
        if user.is_administrator() {
            return vec![json!({"verbs": ["*"], "nonResourceURLs": ["*"]})];
        }
        vec![
            json!({"verbs": ["get"], "nonResourceURLs": DISCOVERY}),
            json!({"verbs": ["get"], "nonResourceURLs": PUBLIC}),
        ]
    }

    fn bound(&self, user: &User, namespace: &str) -> Vec<Bound> {
        if namespace.is_empty() {
            return Vec::new();
        }
        let (bindings, _) = self.store.list(Kind::RoleBinding, Some(namespace));
        let bound = bindings.iter().filter_map(|binding| {
            let subjects = binding.get("subjects")?.as_array()?;
            let subject = subjects.iter().find_map(|subject| subject_text(subject, user, namespace))?;
            // Roles only: the embedded cluster holds no ClusterRoles.
            let role = text(binding, "/roleRef/name");
            let rules = match text(binding, "/roleRef/kind") {
                "Role" => self.store.get(Kind::Role, namespace, role)?.get("rules")?.as_array()?.clone(),
                _ => return None,
            };
            let name = text(binding, "/metadata/name");
            let reason = format!(
                "RBAC: allowed by RoleBinding \"{name}/{namespace}\" of Role \"{role}\" to {subject}"
            );
            Some(Bound { rules, reason })
        });
        bound.collect()
    }
}

struct Bound {
    rules: Vec<Value>,
    reason: String,
}

/// The subject in the words of a reason, when it is this user.
fn subject_text(subject: &Value, user: &User, binding_namespace: &str) -> Option<String> {
    let name = text(subject, "/name");
    let kind = text(subject, "/kind");
    match kind {
        "User" => (user.name == name).then(|| format!("User \"{name}\"")),
        "Group" => user.groups.iter().any(|group| group == name).then(|| format!("Group \"{name}\"")),
        "ServiceAccount" => {
            let namespace = match text(subject, "/namespace") {
                "" => binding_namespace,
                namespace => namespace,
            };
            let account = format!("system:serviceaccount:{namespace}:{name}");
            (user.name == account).then(|| format!("ServiceAccount \"{name}/{namespace}\""))
        }
        _ => None,
    }
}

fn grants(rule: &Value, question: &Question) -> bool {
    let has = |field: &str, wanted: &dyn Fn(&str) -> bool| {
        let values = rule.get(field).and_then(Value::as_array);
        values.is_some_and(|values| values.iter().filter_map(Value::as_str).any(wanted))
    };
    let subresource = question.resource.split_once('/').map(|(_, subresource)| subresource);
    let names = rule.get("resourceNames").and_then(Value::as_array).is_none_or(Vec::is_empty);
    has("verbs", &|verb| verb == "*" || verb == question.verb)
        && has("apiGroups", &|group| group == "*" || group == question.group)
        && has("resources", &|resource| {
            resource == "*"
                || resource == question.resource
                || resource.strip_prefix("*/").is_some_and(|only| Some(only) == subresource)
        })
        && (names || has("resourceNames", &|name| !question.name.is_empty() && name == question.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(rules: Value, subject: Value) -> Authorizer {
        let store = Store::new();
        let metadata = json!({"name": "runner", "namespace": "fxh"});
        store.create(Kind::Role, json!({"metadata": metadata, "rules": rules})).unwrap();
        let binding = json!({"metadata": metadata, "roleRef": {"kind": "Role", "name": "runner"}, "subjects": [subject]});
        store.create(Kind::RoleBinding, binding).unwrap();
        Authorizer::new(store)
    }

    fn question(verb: &str, resource: &str, namespace: &str, name: &str) -> Question {
        Question {
            verb: verb.into(),
            group: String::new(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
        }
    }

    #[test]
    fn a_role_grants_its_verbs_on_its_resources_in_its_namespace() {
        let authorizer = store(
            json!([{"verbs": ["get", "create"], "apiGroups": [""], "resources": ["pods"]},
                   {"verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"]}]),
            json!({"kind": "ServiceAccount", "name": "runner", "namespace": "fxh"}),
        );
        let runner = User::authenticated("system:serviceaccount:fxh:runner", &[]);
        // http/52-access-reviews
        assert_eq!(
            authorizer.allows(&runner, &question("create", "pods", "fxh", "")).unwrap(),
            "RBAC: allowed by RoleBinding \"runner/fxh\" of Role \"runner\" to ServiceAccount \"runner/fxh\""
        );
        for (verb, resource, namespace, allowed) in [
            ("get", "pods/log", "fxh", true),
            ("create", "pods/exec", "fxh", false),
            ("list", "pods", "fxh", false),
            ("*", "pods", "fxh", false),
            ("create", "pods", "default", false),
            ("create", "pods", "", false),
        ] {
            let answer = authorizer.allows(&runner, &question(verb, resource, namespace, "x"));
            assert_eq!(answer.is_some(), allowed, "{verb} {resource} in {namespace}");
        }
        let other = User::authenticated("system:serviceaccount:default:runner", &[]);
        assert!(authorizer.allows(&other, &question("get", "pods", "fxh", "x")).is_none());
    }

    #[test]
    fn wildcards_and_resource_names_count() {
        let authorizer = store(
            json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*/log"]},
                   {"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"], "resourceNames": ["mine"]}]),
            json!({"kind": "Group", "name": "desk"}),
        );
        let user = User::authenticated("somebody", &["desk".into()]);
        for (verb, resource, name, allowed) in [
            ("get", "pods/log", "x", true),
            ("get", "pods", "x", false),
            ("get", "secrets", "mine", true),
            ("get", "secrets", "yours", false),
            ("get", "secrets", "", false),
        ] {
            assert_eq!(
                authorizer.allows(&user, &question(verb, resource, "fxh", name)).is_some(),
                allowed,
                "{resource} {name}"
            );
        }
    }

    #[test]
    fn anonymous_reads_the_version_and_nothing_else() {
        let authorizer = Authorizer::new(Store::new());
        assert!(authorizer.path(&User::anonymous(), "/version").is_some());
        assert!(authorizer.path(&User::anonymous(), "/api").is_none());
        assert!(authorizer.path(&User::authenticated("x", &[]), "/api/v1").is_some());
    }
}
