//! `config/clusters.yaml`, and `workerGroup` of a task, which refers to it.

use super::connection::CONNECTION;
use super::property::{Object, Property, Shape};
use crate::spec::worker_group::Fallback;

/// `workerGroup` of a task.
pub const WORKER_GROUP: Object = Object {
    name: "WorkerGroup",
    about: "Which cluster of `config/clusters.yaml` the run goes to, unless the task has a connection.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("key", Shape::Text, "Name of the cluster, or one of its `workerGroups`.").required(),
        Property::read(
            "fallback",
            Shape::Words(Fallback::WORDS),
            "What becomes of the run when the cluster is not known or cannot be reached.",
        )
        .default("WAIT"),
    ]],
};

/// `config/clusters.yaml`.
pub const CLUSTERS: Object = Object {
    name: "Clusters",
    about: "The clusters of a deployment.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[Property::read(
        "clusters",
        Shape::Map,
        "By name; `default` is the deployment's own cluster.",
    )]],
};

/// One cluster.
pub const CLUSTER: Object = Object {
    name: "Cluster",
    about: "How a cluster is reached, who is led to it, and how many pods may live in it.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("eks", Shape::Object(&EKS_CLUSTER), "An EKS cluster."),
        Property::read("connection", Shape::Object(&CONNECTION), "Any cluster."),
        Property::read("namespace", Shape::Text, "Kubernetes namespace of tasks that name none."),
        Property::read(
            "workerGroups",
            Shape::Texts,
            "Keys of `workerGroup` that lead here, beside the name.",
        ),
        Property::read(
            "fallback",
            Shape::Words(Fallback::WORDS),
            "What becomes of a run when the cluster cannot be reached, unless its task says.",
        )
        .default("WAIT"),
        Property::read("maxLivePods", Shape::Count, "How many pods may live in it."),
        Property::read("namespaces", Shape::Map, "By name: `maxLivePods` of single namespaces."),
    ]],
};

/// An EKS cluster.
pub const EKS_CLUSTER: Object = Object {
    name: "EksCluster",
    about: "An EKS cluster, maybe of another account.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("name", Shape::Text, "Its name.").required(),
        Property::read("region", Shape::Text, "Its region; the deployment's own unless it is given."),
        Property::read("roleArn", Shape::Text, "Role to assume first."),
        Property::read("externalId", Shape::Text, "External id that the role asks for."),
    ]],
};

/// Settings of one namespace of a cluster.
pub const CLUSTER_NAMESPACE: Object = Object {
    name: "ClusterNamespace",
    about: "Settings of one namespace of a cluster.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[Property::read("maxLivePods", Shape::Count, "How many pods may live in it.")]],
};
