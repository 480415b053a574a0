//! `PodCreate`.

use super::connection::CONNECTION;
use super::property::{Object, Property, Shape};
use super::task::{COMMON, COMMON_LATER, CONTAINERS};

/// The values of its `type`.
pub const POD_CREATE_TYPES: [&str; 2] =
    ["io.kestra.plugin.kubernetes.core.PodCreate", "io.kestra.plugin.kubernetes.PodCreate"];

/// The author's own pod.
pub const POD_CREATE: Object = Object {
    name: "PodCreate",
    about: "Runs the author's own pod. It succeeds when every container has exited with 0.",
    types: &POD_CREATE_TYPES,
    needs_one_of: &[],
    parts: &[COMMON, CONTAINERS, OWN, COMMON_LATER, LATER],
};

const OWN: &[Property] = &[
    Property::read(
        "spec",
        Shape::Kubernetes("PodSpec"),
        "The pod; `restartPolicy` is `Never` unless it says otherwise.",
    )
    .required(),
    Property::read(
        "metadata",
        Shape::Object(&POD_METADATA),
        "Labels, annotations and maybe a name of the pod.",
    ),
    Property::read("connection", Shape::Object(&CONNECTION), "How to reach the cluster."),
    Property::read("namespace", Shape::Text, "Kubernetes namespace of the pod."),
    Property::read(
        "delete",
        Shape::Flag,
        "Delete the pod after collection; one in which something still runs then goes in any case, as does that of an attempt which is repeated.",
    )
    .default("true"),
    Property::read(
        "resume",
        Shape::Flag,
        "A new submission under an existing run id joins that run; with `false` it is a new attempt.",
    )
    .default("true"),
    Property::read(
        "waitUntilRunning",
        Shape::Time,
        "Limit from the creation of the pod to the start of its containers.",
    )
    .default("PT10M"),
    Property::read(
        "waitUntilCompletion",
        Shape::Time,
        "Limit from the start of the containers to their end, when there is no `timeout`.",
    )
    .default("PT1H"),
    Property::older("waitRunning", Shape::Time, "waitUntilCompletion"),
    Property::read("waitForLogs", Shape::Duration, "Upper bound on asking for late logs.").default("PT30S"),
    Property::older("waitForLogInterval", Shape::Duration, "waitForLogs"),
    Property::read(
        "waitUntilReady",
        Shape::Duration,
        "Limit from the creation of the pod until it is ready; `PT0S` means that it need not become ready.",
    )
    .default("PT0S"),
    Property::read(
        "inheritClusterConfig",
        Shape::Flag,
        "What the connection does not say comes from the deployment's cluster; otherwise the two never mix.",
    )
    .default("false"),
];

const LATER: &[Property] = &[Property::refused("apiVersion", "")];

/// `metadata` of a pod.
pub const POD_METADATA: Object = Object {
    name: "PodMetadata",
    about: "Metadata of the pod. Labels of Longshore win over those of the author.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read(
            "name",
            Shape::Text,
            "The readable part of the pod's name; each attempt adds its own end.",
        ),
        Property::read("generateName", Shape::Text, "Like `name`, when there is none."),
        Property::read("namespace", Shape::Text, "Kubernetes namespace, when the task does not name one."),
        Property::read("labels", Shape::TextMap, "Labels; values are made legal where they are not."),
        Property::read("annotations", Shape::TextMap, "Annotations."),
        Property::read("finalizers", Shape::List, "Handed to the cluster as it is."),
        Property::read("ownerReferences", Shape::List, "Handed to the cluster as it is."),
        Property::refused("clusterName", ""),
    ]],
};
