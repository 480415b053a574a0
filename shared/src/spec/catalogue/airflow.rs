//! Airflow's `KubernetesPodOperator` (provider cncf.kubernetes 10.25) and the pods of its `KubernetesExecutor`.

use super::airflow_only::{REFUSED, UNHEARD};
use super::carrier::CARRIER;
use super::clusters::WORKER_GROUP;
use super::connection::CONNECTION;
use super::property::{Object, Property, Shape};

/// The values of `operator`; the module names are those of current and of older providers.
pub const OPERATORS: [&str; 3] = [
    "KubernetesPodOperator",
    "airflow.providers.cncf.kubernetes.operators.pod.KubernetesPodOperator",
    "airflow.providers.cncf.kubernetes.operators.kubernetes_pod.KubernetesPodOperator",
];

/// The values of `executor`.
pub const EXECUTORS: [&str; 2] = [
    "KubernetesExecutor",
    "airflow.providers.cncf.kubernetes.executors.kubernetes_executor.KubernetesExecutor",
];

/// A call of the operator.
pub const OPERATOR: Object = Object {
    name: "KubernetesPodOperator",
    about: "A call of Airflow's KubernetesPodOperator: its arguments by their names. The base container decides how the run ends.",
    types: &OPERATORS,
    needs_one_of: &[
        "image",
        "pod_template_file",
        "pod_template_dict",
        "full_pod_spec",
        "podOverride",
        "pod_override",
    ],
    parts: &[&[OPERATOR_TAG], TASK, PLACE, CONTAINER, POD, LAYERS, TIMES, CONDUCT, OWN, UNHEARD, REFUSED],
};

/// A task of the executor: a pod template and what overrides it.
pub const EXECUTOR: Object = Object {
    name: "KubernetesExecutor",
    about: "A task in the manner of Airflow's KubernetesExecutor: a pod template, the task's command and image, and an override. \
            The container `base` decides how the run ends.",
    types: &EXECUTORS,
    needs_one_of: &[
        "image",
        "podTemplate",
        "pod_template_file",
        "pod_template_dict",
        "podOverride",
        "pod_override",
    ],
    parts: &[&[EXECUTOR_TAG], TASK, EXECUTOR_LAYERS, TIMES, CONDUCT, OWN],
};

const OPERATOR_TAG: Property =
    Property::read("operator", Shape::Text, "The operator; an object with it is of this kind.").required();

const EXECUTOR_TAG: Property =
    Property::read("executor", Shape::Text, "The executor; an object with it is of this kind.").required();

const TASK: &[Property] = &[
    Property::read("task_id", Shape::Text, "Name of the task, for labels and templates.").required(),
    Property::read("dag_id", Shape::Text, "Name of the DAG, for labels and `{{ dag.dag_id }}`."),
    Property::read(
        "params",
        Shape::Map,
        "Values for `{{ params.… }}`; the inputs of a submission win over them.",
    ),
    Property::read(
        "namespace",
        Shape::Text,
        "Kubernetes namespace of the pod; the deployment's unless a layer says.",
    ),
    Property::read("image", Shape::Image, "Image of the base container, unless a layer says."),
    Property::read("cmds", Shape::Texts, "Its `command`."),
    Property::read("arguments", Shape::Texts, "Its `args`."),
];

const PLACE: &[Property] = &[
    Property::read(
        "name",
        Shape::Text,
        "The readable part of the pod's name, else that of a layer, else `task_id`; each attempt adds ten digits of its own.",
    ),
    Property::read(
        "random_name_suffix",
        Shape::Flag,
        "A pod's name always ends in ten digits that follow from run and attempt; with `false` the result warns of that.",
    )
    .default("true"),
    Property::read("labels", Shape::Labels, "Labels; values are made legal where they are not, null is an empty one."),
    Property::read("annotations", Shape::Labels, "Annotations; null is an empty one."),
];

const CONTAINER: &[Property] = &[
    Property::read("base_container_name", Shape::Text, "Name of the container that decides.").default("base"),
    Property::read("env_vars", Shape::Environment, "Environment: a map, or a list of `v1.EnvVar`."),
    Property::read("env_from", Shape::Maps, "List of `v1.EnvFromSource`."),
    Property::read("configmaps", Shape::Names, "Config maps whose entries become environment variables."),
    Property::read(
        "secrets",
        Shape::Maps,
        "List of `{deploy_type, deploy_target, secret, key, items}`: a variable, all variables of a secret, or a volume.",
    ),
    Property::read(
        "pod_runtime_info_envs",
        Shape::Maps,
        "List of `{name, field_path}`: facts of the pod as variables.",
    ),
    Property::read("ports", Shape::Maps, "List of `v1.ContainerPort`."),
    Property::read("volume_mounts", Shape::Maps, "List of `v1.VolumeMount`."),
    Property::read(
        "container_resources",
        Shape::Kubernetes("ResourceRequirements"),
        "Requests and limits; also as `request_memory`, `request_cpu`, `limit_memory`, `limit_cpu`, `limit_gpu`.",
    ),
    Property::older("resources", Shape::Kubernetes("ResourceRequirements"), "container_resources"),
    Property::read("image_pull_policy", Shape::Text, "`Always`, `IfNotPresent` or `Never`."),
    Property::read(
        "container_security_context",
        Shape::Kubernetes("SecurityContext"),
        "Of the base container.",
    ),
    Property::read("termination_message_policy", Shape::Text, "`File` or `FallbackToLogsOnError`.")
        .default("File"),
];

const POD: &[Property] = &[
    Property::read("volumes", Shape::Maps, "List of `v1.Volume`."),
    Property::read("init_containers", Shape::Maps, "List of `v1.Container`."),
    Property::read("affinity", Shape::Kubernetes("Affinity"), "As in the pod spec."),
    Property::read("tolerations", Shape::Maps, "List of `v1.Toleration`."),
    Property::read("node_selector", Shape::TextMap, "Labels that the node must have."),
    Property::read(
        "image_pull_secrets",
        Shape::Names,
        "Names, a list of `{name}`, or names with commas between them.",
    ),
    Property::read("service_account_name", Shape::Text, "As in the pod spec."),
    Property::read("automount_service_account_token", Shape::Flag, "As in the pod spec."),
    Property::read("hostnetwork", Shape::Flag, "`hostNetwork`.").default("false"),
    Property::read("host_aliases", Shape::Maps, "List of `v1.HostAlias`."),
    Property::read("hostname", Shape::Text, "As in the pod spec."),
    Property::read("subdomain", Shape::Text, "As in the pod spec."),
    Property::read("dnspolicy", Shape::Text, "`dnsPolicy`."),
    Property::read("dns_config", Shape::Kubernetes("PodDNSConfig"), "As in the pod spec."),
    Property::read("security_context", Shape::Kubernetes("PodSecurityContext"), "Of the pod."),
    Property::read("priority_class_name", Shape::Text, "As in the pod spec."),
    Property::read("schedulername", Shape::Text, "`schedulerName`."),
    Property::read("runtime_class_name", Shape::Text, "As in the pod spec."),
    Property::read(
        "active_deadline_seconds",
        Shape::Seconds,
        "As in the pod spec; the kubelet ends the pod then.",
    ),
    Property::read("termination_grace_period", Shape::Seconds, "`terminationGracePeriodSeconds`."),
];

const LAYERS: &[Property] = &[
    Property::read(
        "pod_template_file",
        Shape::Text,
        "A pod in Longshore's bucket, by its key below `config/templates/`; the weakest layer.",
    ),
    Property::read(
        "pod_template_dict",
        Shape::Kubernetes("Pod"),
        "The same in the document; of the two the file counts.",
    ),
    Property::read(
        "full_pod_spec",
        Shape::Kubernetes("Pod"),
        "A pod: the layer between the template and the arguments.",
    ),
    Property::read("podOverride", Shape::Kubernetes("Pod"), "A pod: the strongest layer."),
    Property::older("pod_override", Shape::Kubernetes("Pod"), "podOverride"),
];

const EXECUTOR_LAYERS: &[Property] = &[
    Property::read(
        "podTemplate",
        Shape::Text,
        "A pod in Longshore's bucket, by its key below `config/templates/`; the weakest layer.",
    ),
    Property::older("pod_template_file", Shape::Text, "podTemplate"),
    Property::read(
        "pod_template_dict",
        Shape::Kubernetes("Pod"),
        "The same in the document; of the two the file counts.",
    ),
    Property::read(
        "podOverride",
        Shape::Kubernetes("Pod"),
        "A pod: the strongest layer; `pod_override` of an `executor_config`.",
    ),
    Property::older("pod_override", Shape::Kubernetes("Pod"), "podOverride"),
];

const TIMES: &[Property] = &[
    Property::read(
        "startup_timeout_seconds",
        Shape::Seconds,
        "Limit from the pod's getting a node to the start of its base container.",
    )
    .default("120"),
    Property::read(
        "schedule_timeout_seconds",
        Shape::Seconds,
        "Limit from the creation of the pod to its getting a node; as long as `startup_timeout_seconds` unless said.",
    ),
    Property::read(
        "execution_timeout",
        Shape::Seconds,
        "Limit from the start of the base container to its end; seven days unless said.",
    ),
    Property::read("retries", Shape::Number, "How often a failed attempt is repeated.").default("0"),
    Property::read("retry_delay", Shape::Seconds, "Pause before another attempt.").default("300"),
    Property::read("retry_exponential_backoff", Shape::Flag, "The pause doubles each time.").default("false"),
    Property::read("max_retry_delay", Shape::Seconds, "No pause is longer.").default("86400"),
];

const CONDUCT: &[Property] = &[
    Property::read(
        "do_xcom_push",
        Shape::Flag,
        "The JSON in `/airflow/xcom/return.json` becomes the output `return_value`, also of a failure.",
    )
    .default("false"),
    Property::read(
        "skip_on_exit_code",
        Shape::Codes,
        "Exit codes of the base container that mean a skipped run; also 0.",
    ),
    Property::read(
        "on_finish_action",
        Shape::Words(&["delete_pod", "delete_succeeded_pod", "delete_active_pod", "keep_pod"]),
        "What becomes of the pod; one that still runs at the end of its run is deleted in any case.",
    )
    .default("delete_pod"),
    Property::read(
        "is_delete_operator_pod",
        Shape::Flag,
        "What `on_finish_action` said once: `false` is `keep_pod`, where `on_finish_action` is not given.",
    )
    .default("true"),
    Property::read(
        "reattach_on_restart",
        Shape::Flag,
        "A new submission under an existing run id joins that run; with `false` it is a new attempt.",
    )
    .default("true"),
];

const OWN: &[Property] = &[
    Property::read(
        "inputFiles",
        Shape::Files,
        "Of Longshore: files for `/kestra/working-dir`, by path; `s3://` addresses name objects.",
    ),
    Property::read(
        "outputFiles",
        Shape::Globs,
        "Of Longshore: files of `/kestra/working-dir` that are kept, as globs.",
    ),
    Property::read(
        "failOnMissingOutputs",
        Shape::Flag,
        "Of Longshore: a declared output that is missing fails the run.",
    )
    .default("false"),
    Property::read(
        "fileSidecar",
        Shape::Object(&CARRIER),
        "Of Longshore: settings of the carriers, which move files.",
    ),
    Property::read("connection", Shape::Object(&CONNECTION), "Of Longshore: how to reach another cluster."),
    Property::read(
        "workerGroup",
        Shape::Object(&WORKER_GROUP),
        "Of Longshore: which cluster of `config/clusters.yaml` the run goes to.",
    ),
    Property::read(
        "priority",
        Shape::Number,
        "Of Longshore: place among the runs that wait for a free place.",
    )
    .default("0"),
];
