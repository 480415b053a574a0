//! The kinds of object that the store holds.

/// A kind of object.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Kind {
    /// `v1` Pod.
    Pod,
    /// `v1` Event.
    Event,
    /// `v1` Namespace.
    Namespace,
    /// `v1` Node.
    Node,
    /// `v1` Secret.
    Secret,
    /// `v1` ConfigMap.
    ConfigMap,
    /// `v1` ServiceAccount.
    ServiceAccount,
    /// `rbac.authorization.k8s.io/v1` Role.
    Role,
    /// `rbac.authorization.k8s.io/v1` RoleBinding.
    RoleBinding,
}

impl Kind {
    /// Every kind, in the order of discovery.
    pub const ALL: [Kind; 9] = [
        Kind::ConfigMap,
        Kind::Event,
        Kind::Namespace,
        Kind::Node,
        Kind::Pod,
        Kind::Secret,
        Kind::ServiceAccount,
        Kind::Role,
        Kind::RoleBinding,
    ];

    /// The `kind` field.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Pod => "Pod",
            Kind::Event => "Event",
            Kind::Namespace => "Namespace",
            Kind::Node => "Node",
            Kind::Secret => "Secret",
            Kind::ConfigMap => "ConfigMap",
            Kind::ServiceAccount => "ServiceAccount",
            Kind::Role => "Role",
            Kind::RoleBinding => "RoleBinding",
        }
    }

    /// The word in the path.
    pub fn plural(self) -> &'static str {
        match self {
            Kind::Pod => "pods",
            Kind::Event => "events",
            Kind::Namespace => "namespaces",
            Kind::Node => "nodes",
            Kind::Secret => "secrets",
            Kind::ConfigMap => "configmaps",
            Kind::ServiceAccount => "serviceaccounts",
            Kind::Role => "roles",
            Kind::RoleBinding => "rolebindings",
        }
    }

    /// The API group; empty for the core group.
    pub fn group(self) -> &'static str {
        match self {
            Kind::Role | Kind::RoleBinding => "rbac.authorization.k8s.io",
            _ => "",
        }
    }

    /// The `apiVersion` field.
    pub fn api_version(self) -> &'static str {
        match self {
            Kind::Role | Kind::RoleBinding => "rbac.authorization.k8s.io/v1",
            _ => "v1",
        }
    }

    /// The resource as messages name it: `pods`, `roles.rbac.authorization.k8s.io`.
    pub fn qualified(self) -> String {
        if self.group().is_empty() {
            self.plural().into()
        } else {
            format!("{}.{}", self.plural(), self.group())
        }
    }

    /// Whether objects live in a namespace.
    pub fn is_namespaced(self) -> bool {
        !matches!(self, Kind::Namespace | Kind::Node)
    }

    /// The kind of this group and plural, if the store has it.
    pub fn find(group: &str, plural: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.group() == group && kind.plural() == plural)
    }

    /// The kind with this `apiVersion` and `kind`, if the store has it.
    pub fn of(api_version: &str, name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.api_version() == api_version && kind.name() == name)
    }
}
