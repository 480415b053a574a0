//! Whether a task runs, and what is made of its end.

use serde_json::json;

use super::{plan, plan_with, pod_create, refused, runner, shell};
use crate::resolve::plan::ClusterChoice;
use crate::spec::cache::TaskCache;
use crate::spec::namespace_files::NamespaceFiles;

#[test]
fn a_condition_that_is_false_zero_or_empty_skips_the_run() {
    for (condition, expected) in [
        ("\"true\"", None),
        ("true", None),
        ("\"yes\"", None),
        ("1", None),
        ("0.0", None),
        ("\"null\"", None),
        ("null", None),
        ("\"{{ run.id == 'run-1' }}\"", None),
        ("\"False\"", None),
        ("false", Some("`runIf` is `false`")),
        ("\"false\"", Some("`runIf` is `false`")),
        ("0", Some("`runIf` is `0`")),
        ("\"-0\"", Some("`runIf` is `-0`")),
        ("\"\"", Some("`runIf` is ``")),
        ("\" false \"", Some("`runIf` is `false`")),
        ("\"{{ run.id == 'run-2' }}\"", Some("`runIf` is `false`")),
        ("\"{{ trigger.missing is defined }}\"", Some("`runIf` is `false`")),
    ] {
        let planned = plan(&shell(&format!("runIf: {condition}")));
        assert_eq!(planned.skip.as_deref(), expected, "{condition}");
    }
    assert!(refused(&shell("runIf: \"{{ inputs.missing }}\""))[0].starts_with("/runIf: "));
}

#[test]
fn a_disabled_task_is_skipped_whatever_its_condition() {
    for (lines, expected) in [
        ("disabled: true", Some("the task is disabled")),
        ("disabled: \"{{ 1 == 1 }}\"", Some("the task is disabled")),
        ("disabled: true\nrunIf: false", Some("the task is disabled")),
        ("disabled: false", None),
    ] {
        assert_eq!(plan(&shell(lines)).skip.as_deref(), expected, "{lines}");
        assert_eq!(plan(&pod_create(lines)).skip.as_deref(), expected, "{lines}");
    }
}

#[test]
fn what_is_made_of_a_failure_is_in_the_plan() {
    let planned = plan(&shell("allowFailure: true\nallowWarning: \"true\""));
    assert_eq!((planned.allow_failure, planned.allow_warning), (true, true));
    let planned = plan(&pod_create(""));
    assert_eq!((planned.allow_failure, planned.allow_warning), (false, false));
}

#[test]
fn what_cannot_be_done_for_a_pod_is_a_warning_and_no_refusal() {
    for (lines, part) in [
        ("warningOnStdErr: true", Some("does not tell standard error from standard output")),
        ("warningOnStdErr: false", None),
        ("logLevel: WARN", Some("`logLevel` has no effect")),
        ("logToFile: true", None),
    ] {
        let warnings = plan(&shell(lines)).warnings;
        match part {
            Some(part) => assert!(warnings[0].contains(part), "{lines}: {warnings:?}"),
            None => assert!(warnings.is_empty(), "{lines}: {warnings:?}"),
        }
    }
}

#[test]
fn a_cache_is_asked_for_by_name() {
    for (line, expected) in [
        ("taskCache: {enabled: true}", Some(TaskCache { ttl_seconds: None })),
        ("taskCache: {enabled: true, ttl: PT1H}", Some(TaskCache { ttl_seconds: Some(3600) })),
        ("taskCache: {enabled: false, ttl: PT1H}", None),
        ("taskCache: null", None),
    ] {
        assert_eq!(plan(&shell(line)).cache, expected, "{line}");
    }
}

#[test]
fn shared_files_are_those_of_the_flow_or_of_the_namespaces_that_are_named() {
    let task = "- {id: t, type: io.kestra.plugin.scripts.shell.Commands, commands: [ls], namespaceFiles: {enabled: true}}";
    let planned = plan(&format!("id: f\nnamespace: company.team\ntasks:\n{task}\n"));
    assert_eq!(planned.files.namespace.as_ref().unwrap().namespaces, ["company.team"]);
    assert!(planned.files.has_inputs() && planned.files.is_needed());

    let line = "namespaceFiles: {namespaces: [a, b], include: [x.sql, /top.sql, 'q/**', '*.py'], exclude: ['q/old/**']}";
    assert_eq!(
        plan(&shell(line)).files.namespace.unwrap(),
        NamespaceFiles {
            namespaces: vec!["a".to_owned(), "b".to_owned()],
            include: ["**/x.sql", "top.sql", "**/q/**", "*.py"].map(str::to_owned).into(),
            exclude: vec!["**/q/old/**".to_owned()],
        }
    );
    assert_eq!(plan(&shell("namespaceFiles: {enabled: false}")).files.namespace, None);
    let spoiled = format!("id: f\nnamespace: a/b\ntasks:\n{task}\n");
    assert!(refused(&spoiled)[0].contains("cannot be a folder"));
}

#[test]
fn a_connection_takes_over_the_deployments_settings_only_when_told_to() {
    let connection = |document: &str| match plan(document).target.cluster {
        ClusterChoice::Explicit(connection) => connection.inherit_cluster_config,
        ClusterChoice::Default | ClusterChoice::Named(_) => panic!("no connection"),
    };
    let config = "config: {masterUrl: 'https://a'}";
    assert!(connection(&runner(&format!("{config}\ninheritClusterConfig: true"))));
    assert!(!connection(&runner(config)));
    assert!(connection(&pod_create("connection: {masterUrl: 'https://a'}\ninheritClusterConfig: true")));
    assert_eq!(plan(&runner("inheritClusterConfig: true")).target.cluster, ClusterChoice::Default);
}

#[test]
fn a_pod_has_to_become_ready_when_a_time_is_given() {
    for (line, expected) in
        [("waitUntilReady: PT90S", Some(90)), ("waitUntilReady: PT0S", None), ("delete: true", None)]
    {
        assert_eq!(plan(&pod_create(line)).limits.ready_seconds, expected, "{line}");
    }
}

#[test]
fn a_condition_sees_the_inputs() {
    let document = shell("runIf: \"{{ inputs.wanted }}\"");
    let skip = |wanted| plan_with(&document, json!({"wanted": wanted}), false).unwrap().skip;
    assert_eq!((skip(true), skip(false)), (None, Some("`runIf` is `false`".to_owned())));
}
