//! Arguments of Airflow's operators that make sense inside Airflow only.

use super::property::{Property, Shape};

const OTHER_CLUSTER: &str =
    "the pod runs in the deployment's cluster; `workerGroup` or `connection` names another";
const NO_WORKER: &str = "nothing waits for the pod in a process";
const ALL_LOGS: &str = "the log of every container is kept";
const SCHEDULER: &str = "it steers Airflow's scheduler, which is not there";
const WORDS: &str = "it is for Airflow's pages";
const DAG: &str = "it is for the DAG around the call";

/// Arguments that make sense inside Airflow only.
pub(super) const UNHEARD: &[Property] = &[
    Property::ignored("in_cluster", Shape::Any, OTHER_CLUSTER),
    Property::ignored("config_file", Shape::Any, OTHER_CLUSTER),
    Property::ignored("cluster_context", Shape::Any, OTHER_CLUSTER),
    Property::ignored("kubernetes_conn_id", Shape::Any, OTHER_CLUSTER),
    Property::inert("get_logs", Shape::Any, "The log of every container is kept in the bucket in any case."),
    Property::inert(
        "log_events_on_failure",
        Shape::Any,
        "Every failure has its warning events in the bucket.",
    ),
    Property::inert(
        "log_events_on_startup",
        Shape::Any,
        "The events of a start that fails are in its diagnosis.",
    ),
    Property::inert(
        "log_pod_spec_on_failure",
        Shape::Any,
        "Every failure has its pod in the bucket, without values.",
    ),
    Property::ignored("container_logs", Shape::Any, ALL_LOGS),
    Property::ignored("init_container_logs", Shape::Any, ALL_LOGS),
    Property::ignored("container_name_log_prefix_enabled", Shape::Any, "each container has a log of its own"),
    Property::ignored("log_formatter", Shape::Any, "the log is kept as the containers write it"),
    Property::inert("durable", Shape::Any, "A run finds its own pod again in any case."),
    Property::inert("deferrable", Shape::Any, "No process waits for a pod in any case."),
    Property::ignored("poll_interval", Shape::Any, NO_WORKER),
    Property::ignored("logging_interval", Shape::Any, NO_WORKER),
    Property::ignored("trigger_kwargs", Shape::Any, NO_WORKER),
    Property::ignored("startup_check_interval_seconds", Shape::Any, NO_WORKER),
    Property::ignored("base_container_status_polling_interval", Shape::Any, NO_WORKER),
    Property::ignored("on_kill_action", Shape::Any, "a cancelled run's pod is deleted"),
    Property::ignored("xcom_sidecar_container_security_context", Shape::Any, "set `fileSidecar.defaultSpec`"),
    Property::ignored("trigger_rule", Shape::Any, SCHEDULER),
    Property::ignored("depends_on_past", Shape::Any, SCHEDULER),
    Property::ignored("wait_for_downstream", Shape::Any, SCHEDULER),
    Property::ignored("pool", Shape::Any, SCHEDULER),
    Property::ignored("pool_slots", Shape::Any, SCHEDULER),
    Property::ignored("queue", Shape::Any, SCHEDULER),
    Property::ignored("priority_weight", Shape::Any, SCHEDULER),
    Property::ignored("weight_rule", Shape::Any, SCHEDULER),
    Property::ignored("start_date", Shape::Any, SCHEDULER),
    Property::ignored("end_date", Shape::Any, SCHEDULER),
    Property::ignored("max_active_tis_per_dag", Shape::Any, SCHEDULER),
    Property::ignored("owner", Shape::Any, WORDS),
    Property::ignored(
        "email",
        Shape::Any,
        "`replyTo` of the envelope and the events of the bus tell how a run ended",
    ),
    Property::ignored(
        "email_on_failure",
        Shape::Any,
        "`replyTo` of the envelope and the events of the bus tell how a run ended",
    ),
    Property::ignored(
        "email_on_retry",
        Shape::Any,
        "`replyTo` of the envelope and the events of the bus tell how a run ended",
    ),
    Property::ignored("sla", Shape::Any, SCHEDULER),
    Property::ignored("ignore_first_depends_on_past", Shape::Any, SCHEDULER),
    Property::ignored("wait_for_past_depends_before_skipping", Shape::Any, SCHEDULER),
    Property::ignored("max_active_tis_per_dagrun", Shape::Any, SCHEDULER),
    Property::ignored("dag", Shape::Any, DAG),
    Property::ignored("task_group", Shape::Any, DAG),
    Property::ignored("allow_nested_operators", Shape::Any, DAG),
    Property::ignored("render_template_as_native_obj", Shape::Any, "templates make texts"),
    Property::ignored("run_as_user", Shape::Any, "set `security_context`"),
    Property::ignored("logger_name", Shape::Any, WORDS),
    Property::ignored("map_index_template", Shape::Any, WORDS),
    Property::ignored("doc_md", Shape::Any, WORDS),
    Property::ignored("doc", Shape::Any, WORDS),
    Property::ignored("doc_json", Shape::Any, WORDS),
    Property::ignored("doc_rst", Shape::Any, WORDS),
    Property::ignored("doc_yaml", Shape::Any, WORDS),
    Property::ignored("task_display_name", Shape::Any, WORDS),
];

const PYTHON: &str = "it is Python, and no Python of yours runs outside the pod";

/// What would change what the task does, and cannot be done.
pub(super) const REFUSED: &[Property] = &[
    Property::refused("callbacks", PYTHON),
    Property::refused("progress_callback", PYTHON),
    Property::refused("on_success_callback", PYTHON),
    Property::refused("on_failure_callback", PYTHON),
    Property::refused("on_retry_callback", PYTHON),
    Property::refused("on_execute_callback", PYTHON),
    Property::refused("on_skipped_callback", PYTHON),
    Property::refused("pre_execute", PYTHON),
    Property::refused("post_execute", PYTHON),
    Property::refused("retry_policy", PYTHON),
    Property::refused("default_args", "write its entries as arguments"),
    Property::refused("executor_config", "use `executor: KubernetesExecutor` with `podOverride`"),
    Property::refused("inlets", "pass values as inputs"),
    Property::refused("outlets", "name what is kept with `outputFiles`"),
    Property::refused(
        "multiple_outputs",
        "the value is one output, `return_value`, whose members can be named",
    ),
];
