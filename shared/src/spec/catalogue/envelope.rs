//! The envelope around a task document.

use super::property::{Object, Property, Shape};

/// A document with what a submission says beyond it.
pub const ENVELOPE: Object = Object {
    name: "Envelope",
    about: "A task document with inputs and a run id. An object with a `task` and without `type` and `tasks` is one.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read(
            "task",
            Shape::Document,
            "The document: a task, a flow, or either as a text of YAML or JSON.",
        )
        .required(),
        Property::read("inputs", Shape::Map, "Values for `{{ inputs.… }}`."),
        Property::read(
            "runId",
            Shape::Text,
            "Run id: 1 to 128 of `A-Z a-z 0-9 . _ -`, beginning and ending with a letter or digit. Without one it is derived from the message.",
        ),
        Property::read("trigger", Shape::Map, "Values for `{{ trigger.… }}`."),
        Property::read(
            "taskToken",
            Shape::Text,
            "Task token of a Step Functions state that waits for the run: `$$.Task.Token`.",
        )
        .secret(),
        Property::read("replyTo", Shape::Object(&REPLY_TO), "A queue that is told how the run ended."),
        Property::read(
            "heartbeatSeconds",
            Shape::Count,
            "The `HeartbeatSeconds` of the state that waits, 90 at least: a sign of life goes out about twice a minute.",
        ),
        Property::read(
            "stepFunctions",
            Shape::Object(&STEP_FUNCTIONS),
            "The state of a state machine that submits; the run's id is derived from it.",
        ),
        Property::read(
            "priority",
            Shape::Number,
            "Place among the runs that wait for a free place in their cluster, -1000 to 1000, the highest first; goes before the task's own `priority`. \
             How soon the submission is read is decided by its queue.",
        ),
        Property::read("formatVersion", Shape::Count, "Version of the envelope.").default("1"),
    ]],
};

/// A queue that is told how a run ended.
pub const REPLY_TO: Object = Object {
    name: "ReplyTo",
    about: "A queue that is told how the run ended. The deployment must allow it (`ReplyQueues`), and it must be in the same region.",
    types: &[],
    needs_one_of: &["queueUrl", "queueArn"],
    parts: &[&[
        Property::read("queueUrl", Shape::Text, "URL of the queue."),
        Property::read("queueArn", Shape::Text, "ARN of the queue, in place of its URL."),
        Property::read(
            "correlationId",
            Shape::Text,
            "Comes back as message attribute `correlationId`, so that the answer finds its question.",
        ),
    ]],
};

/// The state that made a submission.
pub const STEP_FUNCTIONS: Object = Object {
    name: "StepFunctions",
    about: "Which try of which state of which execution submits, from the state machine's context object. Each try is a run of its own, however often it \
            is delivered; when the execution is aborted, the run ends too.",
    types: &[],
    needs_one_of: &[],
    parts: &[&[
        Property::read("executionId", Shape::Text, "The execution: `$$.Execution.Id`.").required(),
        Property::read("stateName", Shape::Text, "The state: `$$.State.Name`.").required(),
        Property::read("enteredTime", Shape::Text, "When the state was entered: `$$.State.EnteredTime`.")
            .required(),
        Property::read("retryCount", Shape::Number, "Which try of the state: `$$.State.RetryCount`.")
            .default("0"),
    ]],
};
