//! Properties that every kind of task has.

use super::carrier::CARRIER;
use super::clusters::WORKER_GROUP;
use super::property::{Object, Property, Shape};
use super::retry::RETRIES;

/// What every task has.
pub(super) const COMMON: &[Property] = &[
    Property::read("id", Shape::Text, "Name of the task; the readable part of the pod's name.").required(),
    Property::read("type", Shape::Text, "Kind of task.").required(),
    Property::inert("description", Shape::Text, "Words for readers."),
    Property::read(
        "version",
        Shape::Text,
        "Version of a Kestra plugin; it has no effect here, and the result warns of it.",
    ),
    Property::read(
        "timeout",
        Shape::Time,
        "Limit from the start of the main container to its end; it comes before `waitUntilCompletion`.",
    ),
    Property::read("retry", Shape::Variants(&RETRIES), "How often and when a failed attempt is repeated."),
    Property::read(
        "inputFiles",
        Shape::Files,
        "Files for the working directory: path to content, or to the `s3://` address of an object. Null drops a file.",
    ),
    Property::read(
        "outputFiles",
        Shape::Globs,
        "Files of the working directory that are kept, as globs; a directory name selects nothing.",
    ),
    Property::read(
        "failOnMissingOutputs",
        Shape::Flag,
        "A declared output that is missing fails the run; otherwise it is a warning.",
    )
    .default("false"),
    Property::read(
        "taskCache",
        Shape::Object(&TASK_CACHE),
        "An earlier success of the same task with the same inputs stands for the run.",
    ),
    Property::read(
        "namespaceFiles",
        Shape::Object(&NAMESPACE_FILES),
        "Files that all tasks of a namespace share, from `config/namespaces/<namespace>/files/` of the bucket; `inputFiles` win.",
    ),
    Property::read(
        "runIf",
        Shape::Text,
        "The run is skipped when this is `false`, `0`, `-0` or empty once rendered.",
    )
    .default("true"),
    Property::read("disabled", Shape::Flag, "The run is skipped.").default("false"),
    Property::read(
        "allowFailure",
        Shape::Flag,
        "A run that fails or takes too long ends as a success with a warning; the result keeps the diagnosis.",
    )
    .default("false"),
    Property::read(
        "allowWarning",
        Shape::Flag,
        "A success with warnings is as good as one without: `taskCache` keeps it too.",
    )
    .default("false"),
    Property::read(
        "logLevel",
        Shape::Words(&["ERROR", "WARN", "INFO", "DEBUG", "TRACE"]),
        "It has no effect, and the result warns of that: the log is kept as the containers write it.",
    ),
    Property::read(
        "workerGroup",
        Shape::Object(&WORKER_GROUP),
        "Which cluster of `config/clusters.yaml` the run goes to.",
    ),
    Property::read(
        "priority",
        Shape::Number,
        "Place among the runs that wait for a free place in their cluster: -1000 to 1000, the highest first.",
    )
    .default("0"),
    Property::inert("logToFile", Shape::Flag, "The log is a file in the bucket in any case."),
];

/// What every task could have and nothing reads yet.
pub(super) const COMMON_LATER: &[Property] = &[Property::refused("assets", "")];

/// Settings of all containers and of the carriers: of the task runner for scripts, of the task for `PodCreate`.
pub(super) const CONTAINERS: &[Property] = &[
    Property::read(
        "containerDefaultSpec",
        Shape::Kubernetes("Container"),
        "Defaults for every container, the carriers included; any field but `name`, `image`, `command` and `args`. Probes, hooks and restarts are none for init containers and carriers.",
    ),
    Property::read("fileSidecar", Shape::Object(&CARRIER), "Settings of the carriers, which move files."),
];

/// `taskCache`.
pub const TASK_CACHE: Object = Object {
    name: "TaskCache",
    about: "Whether an earlier success may stand for the run.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("enabled", Shape::Flag, "Look for an earlier success, and keep this one.").required(),
        Property::read(
            "ttl",
            Shape::Time,
            "A success older than this does not count; without it none is too old.",
        ),
    ]],
};

/// `namespaceFiles`.
pub const NAMESPACE_FILES: Object = Object {
    name: "NamespaceFiles",
    about: "Which shared files go into the working directory.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("enabled", Shape::Flag, "Add the files.").default("true"),
        Property::read(
            "include",
            Shape::Globs,
            "Files to add; all when it is absent. A glob that begins with a letter or digit matches at any depth.",
        ),
        Property::read("exclude", Shape::Globs, "Files to leave out even if they are included."),
        Property::read(
            "namespaces",
            Shape::Texts,
            "Whose files; of the flow's namespace when it is absent. Later ones win over earlier ones.",
        ),
        Property::refused("folderPerNamespace", "paths are the same for every namespace"),
        Property::refused("ifExists", "`inputFiles` win over shared files"),
    ]],
};
