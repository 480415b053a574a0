//! `config/clusters.yaml`: the clusters of a deployment by name, and how many pods may live in them.

use std::collections::BTreeMap;

use serde_json::Value;

use super::catalogue::{CLUSTER, CLUSTER_NAMESPACE, CLUSTERS, EKS_CLUSTER};
use super::connection::{self, Connection};
use super::fields::Fields;
use super::name;
use super::place::{Notes, Place, Reading};
use super::problem::Problems;
use super::token_provider::{self, TokenProvider};
use super::worker_group::{self, ACCEPTED_KEY, Fallback};

/// Name of the entry about the deployment's own cluster, which its `ClusterName` parameter names.
pub const DEFAULT: &str = "default";

/// What the file says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Clusters(BTreeMap<String, ClusterEntry>);

/// What it says of one cluster.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClusterEntry {
    /// How it is reached; `None` for the deployment's own.
    pub connection: Option<Connection>,
    /// Kubernetes namespace of tasks that name none.
    pub namespace: Option<String>,
    /// Keys of `workerGroup` that lead here, beside the name.
    pub worker_groups: Vec<String>,
    /// What becomes of a run when the cluster cannot be reached, unless its task says.
    pub fallback: Option<Fallback>,
    /// How many pods may live in it.
    pub caps: Caps,
}

/// How many pods of a cluster may live at the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// In the cluster; `None` is no limit.
    pub cluster: Option<u32>,
    /// In single namespaces.
    pub namespaces: BTreeMap<String, u32>,
}

impl Caps {
    /// Pods of that namespace are limited in number.
    pub fn cover(&self, namespace: &str) -> bool {
        self.cluster.is_some() || self.namespaces.contains_key(namespace)
    }

    /// There is any limit.
    pub fn are_none(&self) -> bool {
        self.cluster.is_none() && self.namespaces.is_empty()
    }

    /// How many more pods may begin in a namespace, where so many live in it and in the whole cluster.
    pub fn room(&self, in_namespace: usize, in_cluster: usize, namespace: &str) -> usize {
        let left = |cap: Option<u32>, live: usize| {
            cap.map_or(usize::MAX, |cap| usize::try_from(cap).unwrap_or(usize::MAX).saturating_sub(live))
        };
        left(self.cluster, in_cluster).min(left(self.namespaces.get(namespace).copied(), in_namespace))
    }
}

impl Clusters {
    /// The cluster of that name.
    pub fn named(&self, name: &str) -> Option<&ClusterEntry> {
        self.0.get(name)
    }

    /// Name of the cluster that a key of `workerGroup` leads to: a name counts before the keys of others.
    pub fn led_to_by(&self, key: &str) -> Option<&str> {
        let by_name = self.0.get_key_value(key).map(|(name, _)| name);
        let leads = |entry: &ClusterEntry| entry.worker_groups.iter().any(|group| group == key);
        by_name
            .or_else(|| self.0.iter().find(|(_, entry)| leads(entry)).map(|(name, _)| name))
            .map(String::as_str)
    }
}

/// Read the file.
///
/// # Errors
/// Every problem in it.
pub fn read(document: &Value) -> Result<Clusters, Problems> {
    let notes = Notes::new(Reading::Rendered);
    let clusters = clusters(document, &Place::new(&notes, ""));
    let problems = notes.into_problems();
    if problems.is_empty() { Ok(clusters.unwrap_or_default()) } else { Err(problems) }
}

fn clusters(document: &Value, place: &Place<'_>) -> Option<Clusters> {
    let fields = Fields::read(document, place.clone())?;
    fields.only(&CLUSTERS);
    let entries = fields.nested("clusters")?;
    let mut found: BTreeMap<String, ClusterEntry> = BTreeMap::new();
    for name in fields.object("clusters")?.keys() {
        if !worker_group::is_key(name) {
            let place = entries.place.at(name);
            place.refuse(&name.as_str().into(), "is no name for a cluster", ACCEPTED_KEY);
        }
        let Some(entry) = entries.nested(name).map(|fields| entry(name, &fields)) else { continue };
        for key in &entry.worker_groups {
            let other = found.iter().find(|(_, known)| known.worker_groups.contains(key));
            if let Some((other, _)) = other {
                let place = entries.place.at(name).at("workerGroups");
                place.wrong(format!("`{key}` leads to `{other}` already"));
            }
        }
        found.insert(name.clone(), entry);
    }
    Some(Clusters(found))
}

fn entry(name: &str, fields: &Fields<'_>) -> ClusterEntry {
    fields.only(&CLUSTER);
    let namespace = fields.text("namespace");
    if let Some(namespace) = &namespace {
        check_namespace(namespace, &fields.place.at("namespace"));
    }
    let worker_groups = fields.texts("workerGroups").unwrap_or_default();
    for (index, key) in worker_groups.iter().enumerate().filter(|(_, key)| !worker_group::is_key(key)) {
        let place = fields.place.at("workerGroups").item(index);
        place.refuse(&key.as_str().into(), "is no key of a worker group", ACCEPTED_KEY);
    }
    let connection = connection::read(fields, "connection", true);
    let provider = fields.nested("eks").and_then(|eks| eks_cluster(&eks));
    let own = name == DEFAULT;
    match (fields.value("eks").is_some(), fields.value("connection").is_some()) {
        (true, true) => fields.place.wrong("has `eks` and `connection`; keep one of them"),
        (false, false) if !own => fields.place.wrong("has neither `eks` nor `connection`, which say how it is reached"),
        (true, _) | (_, true) if own => fields.place.wrong(
            "`default` is the deployment's own cluster, which its parameter `ClusterName` names; give another one another name",
        ),
        (true, false) | (false, true) | (false, false) => {}
    }
    let by_eks =
        provider.map(|provider| Connection { oauth_token_provider: Some(provider), ..Connection::default() });
    ClusterEntry {
        connection: by_eks.or(connection),
        namespace,
        worker_groups,
        fallback: worker_group::fallback(fields),
        caps: Caps { cluster: cap(fields), namespaces: namespaces(fields) },
    }
}

fn eks_cluster(fields: &Fields<'_>) -> Option<TokenProvider> {
    fields.only(&EKS_CLUSTER);
    let role_arn = fields.text("roleArn");
    if let Some(role) = &role_arn {
        token_provider::check_role(role, &fields.place.at("roleArn"));
    }
    let (region, external_id) = (fields.text("region"), fields.text("externalId"));
    let cluster = fields.required_text("name")?;
    Some(TokenProvider { cluster, region, role_arn, external_id, cache_seconds: None })
}

fn namespaces(fields: &Fields<'_>) -> BTreeMap<String, u32> {
    let Some(entries) = fields.nested("namespaces") else { return BTreeMap::new() };
    let mut caps = BTreeMap::new();
    for name in fields.object("namespaces").unwrap_or_default().keys() {
        check_namespace(name, &entries.place.at(name));
        let Some(entry) = entries.nested(name) else { continue };
        entry.only(&CLUSTER_NAMESPACE);
        caps.extend(cap(&entry).map(|cap| (name.clone(), cap)));
    }
    caps
}

fn cap(fields: &Fields<'_>) -> Option<u32> {
    fields.count("maxLivePods").map(|count| u32::try_from(count).unwrap_or(u32::MAX))
}

fn check_namespace(namespace: &str, place: &Place<'_>) {
    if !name::is_dns_label(namespace) {
        place.refuse(&namespace.into(), "is no Kubernetes namespace", "at most 63 of a-z, 0-9 and -");
    }
}

#[cfg(test)]
#[path = "clusters/tests.rs"]
mod tests;
