//! `retry` of a task.

use super::property::{Object, Property, Shape};

const COMMON: &[Property] = &[
    Property::read("type", Shape::Text, "How the pauses are made.").required(),
    Property::read("maxAttempts", Shape::Count, "Attempts in all, the first included."),
    Property::older("maxAttempt", Shape::Count, "maxAttempts"),
    Property::read(
        "maxDuration",
        Shape::Duration,
        "No new attempt once this much time has passed since the run was accepted.",
    ),
    Property::read("warningOnRetry", Shape::Flag, "A run that succeeded after a retry carries a warning.")
        .default("false"),
    Property::read(
        "behavior",
        Shape::Words(&["RETRY_FAILED_TASK", "CREATE_NEW_EXECUTION"]),
        "Another attempt of the same run; or the run ends as failed and a new run takes over.",
    )
    .default("RETRY_FAILED_TASK"),
];

/// Always the same pause.
pub const CONSTANT: Object = Object {
    name: "ConstantRetry",
    about: "The pause is always the same.",
    types: &["constant", "Constant", "io.kestra.core.models.tasks.retrys.Constant"],
    needs_one_of: &["maxAttempts", "maxAttempt", "maxDuration"],
    parts: &[COMMON, &[Property::read("interval", Shape::Duration, "The pause.").required()]],
};

/// A growing pause.
pub const EXPONENTIAL: Object = Object {
    name: "ExponentialRetry",
    about: "The pause grows by a factor.",
    types: &["exponential", "Exponential", "io.kestra.core.models.tasks.retrys.Exponential"],
    needs_one_of: &["maxAttempts", "maxAttempt", "maxDuration"],
    parts: &[
        COMMON,
        &[
            Property::read("interval", Shape::Duration, "The pause before the second attempt.").required(),
            Property::read("maxInterval", Shape::Duration, "No pause is longer.").required(),
            Property::read("delayFactor", Shape::Number, "Factor from one pause to the next; at least 1.")
                .default("2"),
        ],
    ],
};

/// A pause between two bounds.
pub const RANDOM: Object = Object {
    name: "RandomRetry",
    about: "The pause lies between two bounds.",
    types: &["random", "Random", "io.kestra.core.models.tasks.retrys.Random"],
    needs_one_of: &["maxAttempts", "maxAttempt", "maxDuration"],
    parts: &[
        COMMON,
        &[
            Property::read("minInterval", Shape::Duration, "No pause is shorter.").required(),
            Property::read("maxInterval", Shape::Duration, "No pause is longer.").required(),
        ],
    ],
};

/// The kinds of retry.
pub const RETRIES: [&Object; 3] = [&CONSTANT, &EXPONENTIAL, &RANDOM];
