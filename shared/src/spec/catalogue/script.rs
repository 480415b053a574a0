//! Tasks of commands or a script.

use super::property::{Object, Property, Shape};
use super::runner::RUNNER;
use super::task::{COMMON, COMMON_LATER};

/// Shell commands.
pub const SHELL_COMMANDS: &str = "io.kestra.plugin.scripts.shell.Commands";
/// A shell script.
pub const SHELL_SCRIPT: &str = "io.kestra.plugin.scripts.shell.Script";
/// Shell commands in an image with Python.
pub const PYTHON_COMMANDS: &str = "io.kestra.plugin.scripts.python.Commands";
/// A Python script.
pub const PYTHON_SCRIPT: &str = "io.kestra.plugin.scripts.python.Script";

/// A task of commands.
pub const COMMANDS: Object = Object {
    name: "Commands",
    about: "Runs shell commands in a container.",
    types: &[SHELL_COMMANDS, PYTHON_COMMANDS],
    needs_one_of: &[],
    parts: &[
        COMMON,
        OWN,
        &[Property::read("commands", Shape::SomeTexts, "Shell commands, one after the other.").required()],
        COMMON_LATER,
        LATER,
    ],
};

/// A task of one script.
pub const SCRIPT: Object = Object {
    name: "Script",
    about: "Runs a script in a container.",
    types: &[SHELL_SCRIPT, PYTHON_SCRIPT],
    needs_one_of: &[],
    parts: &[
        COMMON,
        OWN,
        &[Property::read("script", Shape::Text, "The script, in the language of the task.").required()],
        COMMON_LATER,
        LATER,
    ],
};

const OWN: &[Property] = &[
    Property::read(
        "containerImage",
        Shape::Image,
        "Image of the main container; without one `ubuntu` for shell tasks, `ghcr.io/kestra-io/pydata:latest` for Python.",
    ),
    Property::read("taskRunner", Shape::Object(&RUNNER), "Where and how the pod runs."),
    Property::read("interpreter", Shape::SomeTexts, "What is given the commands, as its last argument."),
    Property::read("beforeCommands", Shape::Texts, "Shell commands that run first."),
    Property::read("env", Shape::TextMap, "Environment of the main container."),
    Property::read(
        "failFast",
        Shape::Flag,
        "A command that fails ends the task; otherwise the next one runs.",
    )
    .default("true"),
    Property::read(
        "outputDir",
        Shape::Flag,
        "The task has an output directory (`{{ outputDir }}`), all of whose files are kept.",
    )
    .default("false"),
    Property::read("targetOS", Shape::Words(&["LINUX", "AUTO"]), "Operating system of the node.")
        .default("AUTO"),
    Property::read(
        "warningOnStdErr",
        Shape::Flag,
        "It has no effect, and the result warns of that: the log of a pod does not tell standard error from standard output.",
    )
    .default("false"),
];

const LATER: &[Property] = &[
    Property::refused("runner", "use `taskRunner`"),
    Property::refused("docker", "use `containerImage` and `taskRunner`"),
    Property::refused("dependencies", "install them with `beforeCommands`, or use an image that has them"),
    Property::refused("pythonVersion", "use an image that has it"),
    Property::refused("packageManager", ""),
    Property::refused("dependencyCacheEnabled", ""),
];
