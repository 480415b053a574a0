//! A trigger rule.

use super::property::{Object, Property, Shape};

/// A rule in `config/triggers/`.
pub const RULE: Object = Object {
    name: "TriggerRule",
    about: "Which uploads run which task.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read(
            "bucket",
            Shape::Text,
            "The bucket of the objects; Longshore's own unless it is given.",
        ),
        Property::read("prefix", Shape::Text, "How the key begins."),
        Property::read("suffix", Shape::Text, "How the key ends."),
        Property::read("glob", Shape::Text, "Fits the whole key."),
        Property::read("size", Shape::Object(&RULE_SIZE), "How large the object is."),
        Property::read("per", Shape::Words(&["object", "batch"]), "What makes one run.").default("object"),
        Property::read(
            "inputs",
            Shape::Map,
            "Values for `{{ inputs.… }}`; `{{ trigger.… }}` may stand in them.",
        ),
        Property::read(
            "task",
            Shape::Document,
            "A task or a flow with one task, or the key of one below `config/tasks/`.",
        )
        .required(),
    ]],
};

/// Bounds of an object's size.
pub const RULE_SIZE: Object = Object {
    name: "TriggerRuleSize",
    about: "Bounds of a size in bytes, as a number or a quantity.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("min", Shape::Quantity, "Fewest bytes."),
        Property::read("max", Shape::Quantity, "Most bytes."),
    ]],
};
