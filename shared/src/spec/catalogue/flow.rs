//! The flow around a task.

use super::property::{Object, Property, Shape};

/// A flow with one task.
pub const FLOW: Object = Object {
    name: "Flow",
    about: "A flow with exactly one task. An object with `tasks` is one.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("id", Shape::Text, "Name of the flow, for labels and `{{ flow.id }}`.").required(),
        Property::read("namespace", Shape::Text, "The flow's namespace; not the one in Kubernetes."),
        Property::inert("description", Shape::Any, "Words for readers."),
        Property::read("inputs", Shape::Objects(&FLOW_INPUT), "Inputs that a submission gives values for."),
        Property::read("tasks", Shape::OneTask, "A list of one task.").required(),
        Property::inert("labels", Shape::Any, "Labels of the flow; the pod's are those of the task."),
        Property::read("variables", Shape::Map, "Values for `{{ vars.… }}`."),
        Property::refused("triggers", "put the document under `submissions/` or send it to the queue"),
        Property::refused("errors", "use Catch of a Step Functions state"),
        Property::refused("finally", ""),
        Property::refused("afterExecution", ""),
        Property::refused("outputs", "the result has the task's outputs"),
        Property::refused("pluginDefaults", "write the properties into the task"),
        Property::refused("taskDefaults", "write the properties into the task"),
        Property::refused("concurrency", ""),
        Property::refused("retry", "put `retry` on the task"),
        Property::refused("sla", ""),
        Property::refused("checks", ""),
        Property::refused("listeners", ""),
        Property::refused("disabled", ""),
        Property::refused("deleted", ""),
        Property::refused("revision", ""),
        Property::refused("tenantId", ""),
        Property::refused("workerGroup", ""),
        Property::refused("timeout", "put `timeout` on the task"),
    ]],
};

/// One declared input of a flow.
pub const FLOW_INPUT: Object = Object {
    name: "FlowInput",
    about: "A declared input of a flow.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("id", Shape::Text, "The name under `inputs`.").required(),
        Property::read("type", Shape::Text, "`STRING`, `INT`, `FILE` …").default("STRING"),
        Property::read("defaults", Shape::Any, "The value when none is given."),
        Property::read("required", Shape::Flag, "A value must be given, or a default.").default("true"),
        Property::inert("description", Shape::Any, "Words for readers."),
        Property::inert("displayName", Shape::Any, "Words for readers."),
        Property::inert("name", Shape::Any, "An older name for `id`; nothing reads it."),
        Property::inert("extension", Shape::Any, "File name extension of a `FILE`; nothing reads it."),
        Property::read("prefill", Shape::Any, "The value when none is given and there are no `defaults`."),
        Property::refused("validator", ""),
        Property::refused("min", ""),
        Property::refused("max", ""),
        Property::refused("after", ""),
        Property::refused("before", ""),
        Property::refused("values", ""),
        Property::refused("options", ""),
        Property::refused("itemType", ""),
        Property::refused("dependsOn", ""),
        Property::refused("expression", ""),
        Property::refused("allowCustomValue", ""),
    ]],
};
