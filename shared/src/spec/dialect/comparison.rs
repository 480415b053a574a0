//! What becomes of everything that an author of Airflow or Kestra may have written, as pages: `docs/FROM-AIRFLOW.md` and `docs/FROM-KESTRA.md`.
//! What is accepted stands in the catalogue; only what differs is said here.

use std::fmt::Write as _;

use super::super::catalogue::{
    AMOUNTS, CARRIER, COMMANDS, CONNECTION, CONSTANT, EXECUTOR, EXPONENTIAL, FLOW, OPERATOR, Object,
    POD_CREATE, Property, RANDOM, RESOURCES, RUNNER, SCRIPT, Status, TOKEN_PROVIDER, WORKER_GROUP,
};
use super::airflow;

const AIRFLOW: &str = include_str!("airflow.md");
const KESTRA: &str = include_str!("kestra.md");

/// Arguments of Airflow that mean something else here.
static AIRFLOW_DIFFERS: &[(&str, &str)] = &[
    ("name", "ten digits of run and attempt follow it in place of eight random ones"),
    ("random_name_suffix", "a name always has its own end, so that each attempt has one pod; `false` warns"),
    ("namespace", "the default is the deployment's namespace"),
    ("labels", "an illegal value gets 9 digits of a SHA-256, not of an MD5; Longshore's labels win"),
    ("secrets", "for the base container, not the first one; volumes are called `secretvol0`, `secretvol1` …"),
    ("container_resources", "merges with that of earlier layers, amount by amount"),
    ("tolerations", "an empty list replaces that of an earlier layer"),
    ("node_selector", "merges with that of earlier layers"),
    ("volumes", "of two layers' volumes with one name the later counts"),
    ("volume_mounts", "of two layers' mounts at one path the later counts"),
    ("hostnetwork", "`false` wins over `true` of an earlier layer"),
    ("init_containers", "a problem of theirs ends the run at once, as one of the base container does"),
    (
        "pod_template_file",
        "an object of the bucket; one that is missing rejects the submission; a field that the API server does not know fails the run",
    ),
    ("full_pod_spec", "merges by name and not by position"),
    ("startup_timeout_seconds", "ends with the start of the base container, not of any container"),
    ("schedule_timeout_seconds", "where a queue or a gate lets the pod in, the time before does not count"),
    ("execution_timeout", "counts from the start of the base container; without one seven days"),
    (
        "do_xcom_push",
        "no sidecar that sleeps and wakes: the carrier of output files; a Python literal is read with a warning",
    ),
    ("on_finish_action", "a pod that still runs when its run ends is deleted in any case"),
    ("is_delete_operator_pod", "the provider reads it no more since version 10"),
    ("reattach_on_restart", "a run finds its own pod again in any case"),
    ("retry_delay", "exponential pauses are not spread by chance"),
    ("termination_grace_period", "is the pod's own, whoever deletes it"),
];

/// Properties of Kestra that mean something else here.
static KESTRA_DIFFERS: &[(&str, &str)] = &[
    (
        "containerDefaultSpec",
        "any field but `name`, `image`, `command`, `args`; a container's null removes a default; unknown fields are refused",
    ),
    (
        "fileSidecar",
        "explicit `resources` win over `defaultSpec`; the volume lies on disk unless `medium` says `Memory`",
    ),
    (
        "podSpec",
        "further containers are sidecars: they are ended when `main` has, and only warn; a field that the API server does not know fails the run, and is not left out",
    ),
    ("spec", "a field that the API server does not know fails the run, and is not left out"),
    (
        "delete",
        "a cancelled run's pod is deleted in any case, and so is one in which something still runs, and that of an attempt which is repeated",
    ),
    (
        "resume",
        "a redelivered message always finds its pod; `false` concerns a new submission under an existing run id",
    ),
    ("labels", "an illegal value gets 9 digits of a hash, so that two never become one"),
    ("waitUntilRunning", "one budget from the creation of the pod to the start of its main container"),
    ("waitForLogs", "an upper bound, not a pause"),
    ("inputFiles", "an object is named `s3://bucket/key`; inputs are checked before a pod is created"),
    ("outputFiles", "end in Longshore's bucket; globs match real names, dot files too"),
    (
        "retry",
        "failures of the infrastructure before the start are repeated without being counted; mistakes in the document never are",
    ),
    ("taskCache", "keeps a success in Longshore's bucket"),
    ("namespaceFiles", "lie below `config/namespaces/` of Longshore's bucket"),
    ("version", "has no effect; the result warns"),
    ("logLevel", "has no effect; the result warns"),
    ("warningOnStdErr", "has no effect; the result warns"),
    ("namespace", "of a flow, it is for names and labels; of a task, the default is the deployment's"),
    ("inputs", "values come with the submission"),
    ("targetOS", "Linux only"),
    ("medium", "only here: `Memory` or disk, where the volume of the carriers lies"),
    ("sizeLimit", "only here: of that volume"),
    ("transfer", "only here: how files move"),
];

/// Kestra's objects that are read, with those inside them.
const KESTRA_OBJECTS: [&Object; 14] = [
    &COMMANDS,
    &SCRIPT,
    &RUNNER,
    &POD_CREATE,
    &CARRIER,
    &RESOURCES,
    &AMOUNTS,
    &CONNECTION,
    &TOKEN_PROVIDER,
    &FLOW,
    &CONSTANT,
    &EXPONENTIAL,
    &RANDOM,
    &WORKER_GROUP,
];

/// `docs/FROM-AIRFLOW.md`.
pub fn from_airflow() -> String {
    let refused: String =
        airflow::REFUSED.iter().map(|(name, instead)| format!("| `{name}` | {instead} |\n")).collect();
    let mut page = AIRFLOW.replace("{refused}\n", &refused);
    for object in [&OPERATOR, &EXECUTOR] {
        section(object, AIRFLOW_DIFFERS, &mut page);
    }
    page
}

/// `docs/FROM-KESTRA.md`.
pub fn from_kestra() -> String {
    let mut page = KESTRA.to_owned();
    for object in KESTRA_OBJECTS {
        section(object, KESTRA_DIFFERS, &mut page);
    }
    page
}

fn section(object: &Object, differs: &[(&str, &str)], page: &mut String) {
    // writing into a text cannot fail
    let _ = write!(
        page,
        "\n## {}\n\n| written | here | what differs, or why |\n| --- | --- | --- |\n",
        object.name
    );
    for property in object.properties() {
        let (verdict, note) = verdict(property, differs);
        let _ = writeln!(page, "| `{}` | {verdict} | {note} |", property.name);
    }
}

fn verdict(property: &Property, differs: &[(&str, &str)]) -> (&'static str, String) {
    let difference = differs.iter().find(|(name, _)| *name == property.name).map(|(_, words)| *words);
    match property.status {
        Status::Read if property.about.starts_with("Of Longshore: ") => ("added", String::new()),
        Status::Read => match difference {
            Some(words) => ("different", words.to_owned()),
            None => ("same", String::new()),
        },
        Status::Older(of) => ("same", format!("as `{of}`")),
        Status::Inert => ("no effect", property.about.trim_end_matches('.').to_owned()),
        Status::Ignored(reason) => ("ignored, with a warning", reason.to_owned()),
        Status::Refused(instead) => ("not there", instead.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_difference_is_one_of_a_property_that_is_read() {
        let airflow = [&OPERATOR, &EXECUTOR];
        for (objects, table) in [(&airflow[..], AIRFLOW_DIFFERS), (&KESTRA_OBJECTS[..], KESTRA_DIFFERS)] {
            for (name, _) in table {
                let found = objects
                    .iter()
                    .filter_map(|object| object.property(name))
                    .any(|property| property.status == Status::Read);
                assert!(found, "{name}");
            }
        }
    }
}
