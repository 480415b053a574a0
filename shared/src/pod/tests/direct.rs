//! Pods whose files a helper moves.

use serde_json::{Value, json};

use super::{container, plan};
use crate::pod::{Grants, INIT_CARRIER, OUT_CARRIER, PodIdentity, build};
use crate::resolve::transfer::{Means, grant_seconds, settle, wrapped};

const TASK: &str =
    "id: t\ntype: io.kestra.plugin.scripts.shell.Commands\ncommands: [\"true\"]\noutputFiles: [a]\n";
const MEANS: Means<'static> = Means { image: Some("helper:1"), signing_seconds: 86_400 };

fn built(document: &str, means: Means<'_>) -> (Value, Vec<String>) {
    let mut plan = plan(document);
    settle(&mut plan, means);
    let identity = PodIdentity { run_id: "run-1", attempt: 1, submission_hash: "5ub", group: "default" };
    let grants =
        Grants { manifest_url: Some("https://b/manifest"), grants_url: Some("https://b/grants?a=$b") };
    (build(&plan, &identity, grants), plan.warnings)
}

fn runner(more: &str) -> String {
    format!("{TASK}taskRunner: {{type: io.kestra.plugin.kubernetes.runner.Kubernetes, {more}}}\n")
}

#[test]
fn the_helper_stands_in_front_of_the_program_and_no_container_waits_for_files() {
    let (exec, _) = built(TASK, Means::default());
    let (pod, warnings) = built(TASK, MEANS);
    assert!(warnings.is_empty());
    let init = container(&pod, INIT_CARRIER);
    assert_eq!((&init["image"], &init["command"]), (&json!("helper:1"), &json!(["/longshore-helper", "in"])));
    assert!(init["env"].to_string().contains("/kestra/.longshore/helper"));
    let main = container(&pod, "main");
    let program = container(&exec, "main")["command"].as_array().unwrap().clone();
    let wrapped = [vec![json!("/kestra/.longshore/helper"), json!("run"), json!("--")], program].concat();
    assert_eq!(main["command"], Value::from(wrapped));
    assert_eq!(main["args"], container(&exec, "main")["args"]);
    assert!(main["env"].to_string().contains("https://b/grants?a=$$b"), "{main}");
    assert!(!pod.to_string().contains(OUT_CARRIER) && exec.to_string().contains(OUT_CARRIER));
    assert_eq!(main["volumeMounts"], container(&exec, "main")["volumeMounts"]);
}

#[test]
fn with_inputs_alone_the_program_is_left_as_it_is() {
    let document = TASK.replace("outputFiles: [a]", "inputFiles: {a: x}");
    let ((pod, _), (exec, _)) = (built(&document, MEANS), built(&document, Means::default()));
    assert_eq!(container(&pod, "main"), container(&exec, "main"));
    assert_eq!(container(&pod, INIT_CARRIER)["command"], json!(["/longshore-helper", "in"]));
}

#[test]
fn what_stands_in_the_way_is_said_to_whoever_asked_for_direct_transfer_and_to_nobody_else() {
    let short = Means { signing_seconds: 3600, ..MEANS };
    let direct = runner("fileSidecar: {transfer: direct}");
    let pods = "id: p\ntype: io.kestra.plugin.kubernetes.core.PodCreate\noutputFiles: [a]\nfileSidecar: {transfer: direct}\nspec: {containers: [{name: c, image: i, command: [a]}]}\n";
    let again = runner("fileSidecar: {transfer: direct}, podSpec: {restartPolicy: OnFailure}");
    let queued = runner("fileSidecar: {transfer: direct}, labels: {kueue.x-k8s.io/queue-name: team}");
    for (document, means, words) in [
        (direct.as_str(), Means::default(), "the deployment has no helper"),
        (&direct, short, "the run may last 5100 s, and the functions' signatures are sure to last 3600 s"),
        (pods, MEANS, "the program of one container that decides"),
        (&again, MEANS, "never restarts"),
        (&queued, MEANS, "a queue or a gate lets the pod in"),
    ] {
        let (pod, warnings) = built(document, means);
        assert!(warnings.iter().any(|warning| warning.contains(words)), "{words}: {warnings:?}");
        assert!(pod.to_string().contains(OUT_CARRIER), "{words}");
    }
    let (pod, warnings) = built(TASK, short);
    assert!(pod.to_string().contains(OUT_CARRIER) && warnings.is_empty());
    let (pod, warnings) = built(&runner("fileSidecar: {transfer: exec}"), MEANS);
    assert!(pod.to_string().contains(OUT_CARRIER) && warnings.is_empty());
}

#[test]
fn grants_are_needed_for_as_long_as_the_pod_may_live() {
    let mut plan = plan(TASK);
    assert_eq!(grant_seconds(&plan), 600 + 3600 + 900);
    assert_eq!(wrapped(&plan), Some("main"));
    plan.limits.scheduling_seconds = Some(120);
    assert_eq!(
        grant_seconds(&plan),
        120 + 600 + 3600 + 900,
        "the time before it has a node is part of its life"
    );
}
