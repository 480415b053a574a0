//! What each argument makes of the pod and the plan.

use serde_json::{Value, json};

use super::{base, plan, planned, refused, spec};
use crate::pod;
use crate::resolve::plan::Deciding;
use crate::spec::retry::Backoff;
use crate::spec::value_file::ValueFile;

#[test]
fn a_call_without_more_is_a_pod_of_one_container_that_decides() {
    let plan = plan(json!({}));
    assert_eq!(plan.deciding, Deciding::Container("base".to_owned()));
    assert_eq!(
        plan.pod["spec"],
        json!({"containers": [{"name": "base", "image": "busybox"}], "restartPolicy": "Never"})
    );
    let labels = json!({"task_id": "load", "kubernetes_pod_operator": "True"});
    assert_eq!(plan.pod["metadata"], json!({"name": "load", "labels": labels}));
    assert_eq!((plan.delete, plan.keep_failed, plan.resume), (true, false, true));
    let limits = plan.limits;
    assert_eq!((limits.scheduling_seconds, limits.waiting_seconds), (Some(120), 120));
    assert_eq!((limits.start_seconds(), limits.running_seconds), (240, 604_800));
    assert!(plan.warnings.is_empty() && !plan.files.has_sidecar() && plan.files.value.is_none());
    assert_eq!((plan.retry.max_attempts, plan.task.id.as_str()), (1, "load"));
}

#[test]
fn names_are_those_of_the_provider_with_ten_digits_of_their_own() {
    let long = "a".repeat(250);
    for (id, arguments, expected) in [
        ("A-NAME-01", json!({"name": "my_dag-my.task"}), "my-dag-my-task"),
        ("A-NAME-02", json!({"task_id": ".hi.-_09HI"}), "hi-09hi"),
        ("the name goes before the task", json!({"name": "Hello World", "task_id": "x"}), "hello-world"),
        ("the task alone, without its DAG", json!({"dag_id": "my_dag", "task_id": "t"}), "t"),
        ("that of a layer", json!({"full_pod_spec": {"metadata": {"name": "from-layer"}}}), "from-layer"),
        ("A-NAME-03", json!({"task_id": long}), &"a".repeat(52)),
    ] {
        let name = pod::name(&plan(arguments), "run-1", 1);
        let (readable, digits) = name.rsplit_once('-').unwrap();
        assert_eq!((readable, digits.len()), (expected, 10), "{id}");
        assert!(name.len() <= 63, "{id}");
    }
    assert!(plan(json!({"random_name_suffix": false})).warnings[0].contains("ten digits"));
    assert!(refused(json!({"name": "n".repeat(221)}))[0].contains("longer than 220"));
}

#[test]
fn labels_are_made_legal_without_collisions() {
    let labels = plan(json!({"labels": {"a": "dag*", "b": null, "c": "---", "d": "fine", "e": 7}})).pod["metadata"]["labels"].clone();
    for (key, id, start, length) in [
        ("a", "A-LABEL-01", "dag-", 13),
        ("b", "A-LABEL-05", "", 0),
        ("c", "A-LABEL-04, legal here", "", 9),
        ("d", "as is", "fine", 4),
        ("e", "number", "7", 1),
    ] {
        let value = labels[key].as_str().unwrap();
        assert!(value.starts_with(start) && value.len() == length, "{id}: {value}");
    }
    assert_eq!(
        plan(json!({"annotations": {"note": null, "n": 1}})).pod["metadata"]["annotations"],
        json!({"note": "", "n": "1"})
    );
}

#[test]
fn environment_comes_as_a_map_or_a_list_and_from_secrets_config_maps_and_the_pod() {
    for (arguments, expected) in [
        (
            json!({"env_vars": {"A": "1", "B": 2}}),
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]),
        ),
        (
            json!({"env_vars": [{"name": "A", "value_from": {"field_ref": {"field_path": "status.podIP"}}}]}),
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]),
        ),
        (
            json!({"secrets": [{"deploy_type": "env", "deploy_target": "sql_conn", "secret": "airflow-secrets", "key": "sql_alchemy_conn"}]}),
            json!([{"name": "SQL_CONN", "valueFrom": {"secretKeyRef": {"name": "airflow-secrets", "key": "sql_alchemy_conn"}}}]),
        ),
        (
            json!({"pod_runtime_info_envs": [{"name": "IP", "field_path": "status.podIP"}]}),
            json!([{"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]),
        ),
    ] {
        assert_eq!(base(arguments.clone(), "/env"), expected, "{arguments}");
    }
    for (arguments, expected) in [
        (
            json!({"configmaps": ["one", "two"]}),
            json!([{"configMapRef": {"name": "one"}}, {"configMapRef": {"name": "two"}}]),
        ),
        (
            json!({"secrets": [{"deploy_type": "env", "secret": "all"}]}),
            json!([{"secretRef": {"name": "all"}}]),
        ),
        (
            json!({"env_from": [{"config_map_ref": {"name": "a"}, "prefix": "P_"}]}),
            json!([{"configMapRef": {"name": "a"}, "prefix": "P_"}]),
        ),
    ] {
        assert_eq!(base(arguments.clone(), "/envFrom"), expected, "{arguments}");
    }
    let volume = json!({"secrets": [{"deploy_type": "volume", "deploy_target": "/etc/sql_conn", "secret": "airflow-secrets",
        "items": [{"key": "a", "path": "b"}]}]});
    assert_eq!(
        base(volume.clone(), "/volumeMounts"),
        json!([{"name": "secretvol0", "mountPath": "/etc/sql_conn", "readOnly": true}])
    );
    assert_eq!(
        spec(volume, "/volumes"),
        json!([{"name": "secretvol0", "secret": {"secretName": "airflow-secrets", "items": [{"key": "a", "path": "b"}]}}])
    );
    for wrong in [
        json!({"secrets": [{"deploy_type": "env", "deploy_target": "A", "secret": "s"}]}),
        json!({"secrets": [{"deploy_type": "file", "secret": "s"}]}),
        json!({"env_vars": "A=1"}),
        json!({"env_vars": [{"value": "nameless"}]}),
        json!({"pod_runtime_info_envs": [{"name": "IP"}]}),
    ] {
        assert_eq!(refused(wrong.clone()).len(), 1, "{wrong}: {:?}", refused(wrong.clone()));
    }
}

#[test]
fn resources_are_read_in_the_words_of_every_version() {
    let new = json!({"limits": {"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": 2}, "requests": {"cpu": "500m", "memory": "256Mi"}});
    let old = json!({"request_memory": "256Mi", "request_cpu": "500m", "limit_memory": "1Gi", "limit_cpu": "1", "limit_gpu": 2});
    for arguments in
        [json!({"container_resources": new}), json!({"container_resources": old}), json!({"resources": old})]
    {
        assert_eq!(base(arguments.clone(), "/resources"), new, "{arguments}");
    }
    let problems = refused(json!({"container_resources": {"limits": {"memory": "1 GB"}}}));
    assert!(
        problems.len() == 1 && problems[0].contains("/container_resources/limits/memory"),
        "{problems:?}"
    );
    assert!(
        refused(json!({"container_resources": {"limit_cpu": 1, "limits": {"cpu": 2}}}))[0]
            .contains("there already")
    );
}

#[test]
fn the_arguments_of_the_pod_stand_where_kubernetes_has_them_in_either_spelling() {
    for (arguments, pointer, expected) in [
        (
            json!({"image_pull_secrets": "one, two"}),
            "/imagePullSecrets",
            json!([{"name": "one"}, {"name": "two"}]),
        ),
        (
            json!({"image_pull_secrets": [{"name": "one"}, "two"]}),
            "/imagePullSecrets",
            json!([{"name": "one"}, {"name": "two"}]),
        ),
        (json!({"hostnetwork": true}), "/hostNetwork", json!(true)),
        (json!({"dnspolicy": "Default"}), "/dnsPolicy", json!("Default")),
        (json!({"schedulername": "mine"}), "/schedulerName", json!("mine")),
        (json!({"active_deadline_seconds": 60}), "/activeDeadlineSeconds", json!(60)),
        (json!({"termination_grace_period": "30"}), "/terminationGracePeriodSeconds", json!(30)),
        (
            json!({"security_context": {"run_as_user": 0, "fsGroup": 1}}),
            "/securityContext",
            json!({"runAsUser": 0, "fsGroup": 1}),
        ),
        (
            json!({"volumes": [{"name": "c", "empty_dir": {}}, {"name": "p", "persistentVolumeClaim": {"claimName": "x"}}]}),
            "/volumes",
            json!([{"name": "c", "emptyDir": {}}, {"name": "p", "persistentVolumeClaim": {"claimName": "x"}}]),
        ),
        (
            json!({"cmds": ["sh"], "arguments": ["-c", 5]}),
            "/containers/0",
            json!({"name": "base", "image": "busybox", "command": ["sh"], "args": ["-c", "5"]}),
        ),
        (
            json!({"ports": [{"container_port": 80}], "volume_mounts": [{"name": "c", "mount_path": "/c"}]}),
            "/containers/0",
            json!({"name": "base", "image": "busybox", "ports": [{"containerPort": 80}], "volumeMounts": [{"name": "c", "mountPath": "/c"}]}),
        ),
        (
            json!({"init_containers": [{"name": "i", "image": "b", "volume_mounts": [{"name": "c", "mount_path": "/c"}]}]}),
            "/initContainers",
            json!([{"name": "i", "image": "b", "volumeMounts": [{"name": "c", "mountPath": "/c"}]}]),
        ),
    ] {
        assert_eq!(spec(arguments.clone(), pointer), expected, "{arguments}");
    }
}

#[test]
fn finish_actions_say_which_pods_stay() {
    for (id, arguments, delete, keep_failed) in [
        ("default", json!({}), true, false),
        ("A-FIN-01", json!({"on_finish_action": "delete_succeeded_pod"}), true, true),
        (
            "A-FIN-02: one that still runs goes in any case",
            json!({"on_finish_action": "delete_active_pod"}),
            false,
            false,
        ),
        ("A-FIN-03", json!({"on_finish_action": "keep_pod"}), false, false),
        ("older", json!({"is_delete_operator_pod": false}), false, false),
        (
            "the newer one wins",
            json!({"is_delete_operator_pod": false, "on_finish_action": "delete_pod"}),
            true,
            false,
        ),
    ] {
        let plan = plan(arguments);
        assert_eq!((plan.delete, plan.keep_failed), (delete, keep_failed), "{id}");
    }
    assert!(refused(json!({"on_finish_action": "burn_pod"}))[0].contains("delete_succeeded_pod"));
}

#[test]
fn exit_codes_times_retries_and_the_return_value_reach_the_plan() {
    for (arguments, codes) in [
        (json!({"skip_on_exit_code": 100}), vec![100]),
        (json!({"skip_on_exit_code": [100, 102]}), vec![100, 102]),
        (json!({"skip_on_exit_code": 0}), vec![0]),
        (json!({}), vec![]),
    ] {
        assert_eq!(plan(arguments).skip_exit_codes, codes);
    }
    for (arguments, scheduling, waiting, running) in [
        (json!({"startup_timeout_seconds": 300}), 300, 300, 604_800),
        (json!({"startup_timeout_seconds": 300, "schedule_timeout_seconds": 60}), 60, 300, 604_800),
        (json!({"schedule_timeout_seconds": 60}), 60, 120, 604_800),
        (json!({"execution_timeout": "PT10M"}), 120, 120, 600),
        (json!({"execution_timeout": 90}), 120, 120, 90),
    ] {
        let limits = plan(arguments).limits;
        assert_eq!(limits.scheduling_seconds, Some(scheduling));
        assert_eq!((limits.waiting_seconds, limits.running_seconds), (waiting, running));
    }
    let retry = plan(json!({"retries": 2})).retry;
    assert_eq!((retry.max_attempts, retry.backoff), (3, Backoff::Constant { interval_seconds: 300 }));
    let retry = plan(json!({"retries": 1, "retry_delay": 10, "retry_exponential_backoff": true, "max_retry_delay": "PT1M"})).retry;
    let grown = Backoff::Exponential { interval_seconds: 10, max_interval_seconds: 60, factor: 2.0 };
    assert_eq!((retry.max_attempts, retry.backoff), (2, grown));
    for wrong in [json!({"retries": -1}), json!({"retries": 1.5}), json!({"execution_timeout": "soon"})] {
        assert_eq!(refused(wrong.clone()).len(), 1, "{wrong}");
    }
    let files = plan(json!({"do_xcom_push": true, "base_container_name": "work"})).files;
    let value = ValueFile {
        container: "work".to_owned(),
        directory: "/airflow/xcom".to_owned(),
        file: "return.json".to_owned(),
        output: "return_value".to_owned(),
    };
    assert!(files.has_sidecar() && !files.is_needed());
    assert_eq!(files.value, Some(value));
    let taken =
        json!({"do_xcom_push": true, "volume_mounts": [{"name": "x", "mount_path": "/airflow/xcom/"}]});
    assert!(refused(taken)[0].contains("reserved for the return value"));
}

#[test]
fn what_is_only_for_airflow_is_warned_of_or_refused_and_mistakes_are_told_by_name() {
    let arguments = json!({"get_logs": true, "log_events_on_failure": true, "deferrable": true, "in_cluster": true,
        "config_file": "/usr/local/airflow/include/.kube/config", "pool": "default_pool"});
    let warnings = plan(arguments).warnings;
    assert_eq!(warnings.len(), 3, "{warnings:?}");
    assert!(warnings.iter().all(|warning| warning.contains("has no effect here")), "{warnings:?}");
    for (arguments, words) in [
        (json!({"callbacks": "x"}), "is not supported yet"),
        (json!({"argments": []}), "did you mean `arguments`"),
        (json!({"image": null}), "no layer gives the container `base` an image"),
        (json!({"image": "Not An Image"}), "is no image reference"),
        (json!({"task_id": ""}), "`task_id` is empty"),
        (json!({"operator": "BashOperator"}), "is no operator whose pods can be run"),
        (json!({"base_container_name": "out-files"}), "reserved for moving files"),
        (json!({"init_containers": [{"name": "a b", "image": "x"}]}), "is no container name"),
        (json!({"namespace": "No_Namespace"}), "is no Kubernetes namespace"),
        (json!({"volumes": ["cache"]}), "is a text"),
    ] {
        let problems = refused(arguments.clone());
        assert!(problems.len() == 1 && problems[0].contains(words), "{arguments}: {problems:?}");
    }
}

#[test]
fn a_problem_stands_at_the_argument_that_it_comes_from() {
    for (arguments, pointer) in [
        (json!({"image": "A B"}), "/image"),
        (json!({"container_resources": {"requests": {"cpu": "many"}}}), "/container_resources/requests/cpu"),
        (json!({"env_vars": [{"name": "A"}, {"value": "x"}]}), "/env_vars/1"),
        (json!({"init_containers": [{"name": "init", "image": "x y"}]}), "/init_containers/0/image"),
        (json!({"volumes": [{"name": "kestra-files"}]}), "/volumes/0"),
        (json!({"tolerations": [1]}), "/tolerations/0"),
    ] {
        let problems = planned(arguments.clone(), json!({})).unwrap_err().0;
        let pointers: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
        assert_eq!(pointers, [pointer], "{arguments}: {problems:?}");
    }
    let nothing: Value = spec(json!({}), "/volumes");
    assert!(nothing.is_null());
}
