//! `taskRunner` of a script task.

use super::connection::CONNECTION;
use super::property::{Object, Property, Shape};
use super::task::CONTAINERS;

/// The values of its `type`.
pub const RUNNER_TYPES: [&str; 3] = [
    "io.kestra.plugin.kubernetes.runner.Kubernetes",
    "io.kestra.plugin.ee.kubernetes.runner.Kubernetes",
    "io.kestra.plugin.ee.kubernetes.runner.kubernetes",
];

/// The Kubernetes task runner.
pub const RUNNER: Object = Object {
    name: "TaskRunner",
    about: "Where and how the pod of a script task runs. A script task without one runs with these defaults.",
    types: &RUNNER_TYPES,
    needs_one_of: &[],
    parts: &[
        &[
            Property::read("type", Shape::Text, "Kind of task runner.").required(),
            Property::read(
                "version",
                Shape::Text,
                "Version of a Kestra plugin; it has no effect here, and the result warns of it.",
            ),
            Property::read("config", Shape::Object(&CONNECTION), "How to reach the cluster."),
            Property::read("namespace", Shape::Text, "Kubernetes namespace of the pod."),
            Property::read(
                "pullPolicy",
                Shape::Spelled(&["ALWAYS", "IF_NOT_PRESENT", "NEVER"]),
                "When the image of the main container is pulled.",
            ),
            Property::read("resources", Shape::Object(&RESOURCES), "CPU and memory of the main container."),
            Property::read(
                "labels",
                Shape::TextMap,
                "Labels of the pod; values are made legal where they are not.",
            ),
            Property::read("nodeSelector", Shape::TextMap, "Labels that the node must have."),
            Property::read("serviceAccountName", Shape::Text, "Service account of the pod."),
            Property::read(
                "podSpec",
                Shape::Kubernetes("PodSpec"),
                "Fields of the pod; a container `main` in it is the main container, others run beside it.",
            ),
            Property::read(
                "containerSpec",
                Shape::Kubernetes("Container"),
                "Fields of the main container; they win over those of `podSpec`.",
            ),
        ],
        CONTAINERS,
        &[
            Property::read(
                "fileSideCarSpec",
                Shape::Kubernetes("Container"),
                "Fields of the carriers, merged last; any field but `name`, `command` and `args`.",
            ),
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
                "Limit from the creation of the pod to the start of the main container.",
            )
            .default("PT10M"),
            Property::read(
                "waitUntilCompletion",
                Shape::Time,
                "Limit from the start of the main container to its end, when there is no `timeout`.",
            )
            .default("PT1H"),
            Property::read("waitForLogs", Shape::Duration, "Upper bound on asking for late logs.")
                .default("PT30S"),
            Property::older("waitForLogInterval", Shape::Duration, "waitForLogs"),
            Property::read(
                "syncWorkingDirectory",
                Shape::Flag,
                "Every file of the working directory is an output.",
            )
            .default("false"),
            Property::read(
                "inheritClusterConfig",
                Shape::Flag,
                "What the connection does not say comes from the deployment's cluster; otherwise the two never mix.",
            )
            .default("false"),
            Property::refused("credentials", "name an `imagePullSecrets` in `podSpec`"),
            Property::refused("killed", "cancel the run"),
            Property::refused("waitUntilReady", ""),
        ],
    ],
};

/// `resources` of the main container.
pub const RESOURCES: Object = Object {
    name: "Resources",
    about: "CPU and memory of the main container.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("request", Shape::Object(&AMOUNTS), "What the node must have free."),
        Property::read("limit", Shape::Object(&AMOUNTS), "The most that may be used."),
    ]],
};

/// One side of `resources`.
pub const AMOUNTS: Object = Object {
    name: "Amounts",
    about: "An amount of CPU and memory.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("cpu", Shape::Quantity, "Cores, such as `500m` or `2`."),
        Property::read("memory", Shape::Quantity, "Bytes, such as `128Mi`."),
    ]],
};
