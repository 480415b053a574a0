"""`KubernetesPodOperator` without Airflow's workers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import yaml
from airflow.sdk import Context

from longshore.airflow.operator import LongshoreRunOperator
from longshore.airflow.plain import plain
from longshore.documents import literal
from longshore.results import Result

_NOT_SENT = frozenset({"self", "kwargs", "__class__", "resources"})

_OWN = {
    "input_files": "inputFiles",
    "output_files": "outputFiles",
    "fail_on_missing_outputs": "failOnMissingOutputs",
}
"""Names of a task document's own properties."""


class LongshorePodOperator(LongshoreRunOperator):
    """Take the arguments of `KubernetesPodOperator`, run the pod through Longshore and wait without a worker.

    The arguments are those of the provider, by their names and with their meaning; what Longshore makes of each is
    in `docs/FROM-AIRFLOW.md`. One that it ignores is a warning in the task's log, one that it refuses fails the task.
    What is not given is not sent. Beside the arguments of `LongshoreRunOperator` there are `input_files`,
    `output_files`, `fail_on_missing_outputs` and `connection` (the `inputFiles`, `outputFiles`, `failOnMissingOutputs`
    and `connection` of a task document).

    `pod_template_file` is a file of the worker, or else the key of a pod below `config/templates/` of the bucket. With
    `do_xcom_push` the value of the task is the JSON in `/airflow/xcom/return.json`.
    """

    pod_template_file: str | None

    template_fields: Sequence[str] = (
        *("image", "name", "hostname", "cmds", "annotations", "arguments", "env_vars", "labels", "pod_template_file"),
        *("pod_template_dict", "namespace", "container_resources", "volumes", "volume_mounts", "env_from"),
        *("configmaps", "node_selector", "base_container_name", "kubernetes_conn_id", "config_file", "cluster_context"),
        *("trigger_kwargs", "input_files", "output_files", "inputs", "bucket", "submissions_queue", "cancel_queue"),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"env_vars": "py"}

    def __init__(
        self,
        *,
        image: str | None = None,
        name: str | None = None,
        namespace: str | None = None,
        cmds: Sequence[str] | None = None,
        arguments: Sequence[str] | None = None,
        env_vars: Mapping[str, str] | Sequence[Any] | None = None,
        env_from: Sequence[Any] | None = None,
        secrets: Sequence[Any] | None = None,
        configmaps: Sequence[str] | None = None,
        pod_runtime_info_envs: Sequence[Any] | None = None,
        ports: Sequence[Any] | None = None,
        volumes: Sequence[Any] | None = None,
        volume_mounts: Sequence[Any] | None = None,
        labels: Mapping[str, Any] | None = None,
        annotations: Mapping[str, Any] | None = None,
        random_name_suffix: bool | None = None,
        container_resources: Any = None,
        resources: Any = None,
        affinity: Any = None,
        tolerations: Sequence[Any] | None = None,
        node_selector: Mapping[str, str] | None = None,
        image_pull_secrets: Sequence[Any] | str | None = None,
        image_pull_policy: str | None = None,
        service_account_name: str | None = None,
        automount_service_account_token: bool | None = None,
        hostnetwork: bool | None = None,
        host_aliases: Sequence[Any] | None = None,
        hostname: str | None = None,
        subdomain: str | None = None,
        dnspolicy: str | None = None,
        dns_config: Any = None,
        security_context: Any = None,
        container_security_context: Any = None,
        xcom_sidecar_container_security_context: Any = None,
        priority_class_name: str | None = None,
        runtime_class_name: str | None = None,
        schedulername: str | None = None,
        init_containers: Sequence[Any] | None = None,
        base_container_name: str | None = None,
        startup_timeout_seconds: int | None = None,
        schedule_timeout_seconds: int | None = None,
        startup_check_interval_seconds: int | None = None,
        base_container_status_polling_interval: float | None = None,
        active_deadline_seconds: int | None = None,
        termination_grace_period: int | None = None,
        termination_message_policy: str | None = None,
        skip_on_exit_code: Any = None,
        on_finish_action: str | None = None,
        on_kill_action: str | None = None,
        is_delete_operator_pod: bool | None = None,
        pod_template_file: str | None = None,
        pod_template_dict: Mapping[str, Any] | None = None,
        full_pod_spec: Any = None,
        do_xcom_push: bool = False,
        container_logs: Any = None,
        init_container_logs: Any = None,
        container_name_log_prefix_enabled: bool | None = None,
        log_formatter: Callable[[str, str], str] | None = None,
        log_events_on_failure: bool | None = None,
        log_events_on_startup: bool | None = None,
        log_pod_spec_on_failure: bool | None = None,
        logging_interval: int | None = None,
        trigger_kwargs: Mapping[str, Any] | None = None,
        callbacks: Any = None,
        progress_callback: Callable[[str], None] | None = None,
        kubernetes_conn_id: str | None = None,
        in_cluster: bool | None = None,
        config_file: str | None = None,
        cluster_context: str | None = None,
        durable: bool | None = None,
        input_files: Mapping[str, str] | None = None,
        output_files: Sequence[str] | None = None,
        fail_on_missing_outputs: bool | None = None,
        connection: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        if resources is not None and container_resources is not None:
            raise ValueError("`resources` is the older name of `container_resources`: give one of them")
        # Airflow itself has an argument `resources`, which means something else.
        container_resources = resources if container_resources is None else container_resources
        given = {name: value for name, value in locals().items() if name not in _NOT_SENT}
        super().__init__(do_xcom_push=do_xcom_push, **kwargs)
        self._names = tuple(name for name in given if name != "do_xcom_push")
        for argument in self._names:
            setattr(self, argument, plain(given[argument]))

    def task_document(self, context: Context) -> Mapping[str, Any]:
        """Make the document of the arguments: what Airflow has rendered stays as it is."""
        given = {name: getattr(self, name) for name in self._names}
        arguments = {_OWN.get(name, name): plain(value) for name, value in given.items() if value is not None}
        if "pod_runtime_info_envs" in arguments:
            arguments["pod_runtime_info_envs"] = [_fact(variable) for variable in arguments["pod_runtime_info_envs"]]
        if self.pod_template_file is not None and Path(self.pod_template_file).is_file():
            del arguments["pod_template_file"]
            arguments["pod_template_dict"] = yaml.safe_load(Path(self.pod_template_file).read_text(encoding="utf-8"))
        if self.execution_timeout is not None:
            arguments["execution_timeout"] = plain(self.execution_timeout)
        identity = {"operator": "KubernetesPodOperator", "task_id": self.task_id, "dag_id": context["ti"].dag_id}
        return identity | {"do_xcom_push": self.do_xcom_push} | dict(literal(arguments))

    def value(self, result: Result) -> Any:
        """Take what the pod wrote to `/airflow/xcom/return.json`."""
        return result.outputs.get("return_value") if self.do_xcom_push else None


def _fact(variable: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name a fact of the pod as the document does: the provider has it as a variable of the Kubernetes API."""
    field = variable.get("valueFrom", {}).get("fieldRef")
    return variable if field is None else {"name": variable["name"], "field_path": field["fieldPath"]}
