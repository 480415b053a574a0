"""The examples of the pages about KubernetesPodOperator, written with `LongshorePodOperator`; for `dag.test()`."""

from __future__ import annotations

import json
import os
import sys
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, task
from kubernetes.client import models as k8s

from longshore import task as longshore_task
from longshore.airflow import LongshorePodOperator

PYTHON = "python:3.12"
MULTIPLY = """
import os
product = 23 * int(os.environ["DATA_POINT"])
with open("/airflow/xcom/return.json", "w") as file:
    file.write(str({"return_value": str(product)}))
"""

with DAG(
    "longshore_pages",
    schedule=None,
    start_date=datetime(2026, 1, 1, tzinfo=timezone.utc),
    default_args={"poll_interval": 0.2},
    params={"greeted": "Longshore"},
) as dag:
    # A pod and where it goes, as the pages' first call says it.
    LongshorePodOperator(
        task_id="task-one",
        name="airflow-test-pod",
        namespace="default",
        image="hello-world",
        cmds=["echo", "Hello from a pod!"],
        labels={"run": "{{ run_id }}"},
        in_cluster=False,
        cluster_context="docker-desktop",
        config_file="/usr/local/airflow/include/.kube/config",
        is_delete_operator_pod=True,
        get_logs=True,
    )
    # With resources, by the argument's older name, and with a directory on the node.
    LongshorePodOperator(
        task_id="example_volume_test",
        image="busybox:1.37",
        cmds=["sh", "-c"],
        arguments=["echo kept > /cache/word && cat /cache/word"],
        resources=k8s.V1ResourceRequirements(
            limits={"cpu": "800m", "memory": "256Mi"}, requests={"cpu": "100m", "memory": "64Mi"}
        ),
        volumes=[k8s.V1Volume(name="cache-volume", empty_dir=k8s.V1EmptyDirVolumeSource())],
        volume_mounts=[k8s.V1VolumeMount(mount_path="/cache", name="cache-volume")],
    )
    # A compiled program, which a variable tells whom to greet.
    LongshorePodOperator(
        task_id="haskell_example",
        image="haskell_example:1",
        cmds=[os.environ.get("GREETING", "haskell_example")],
        env_vars={"NAME_TO_GREET": "{{ params.greeted }}"},
        random_name_suffix=True,
        reattach_on_restart=True,
        startup_timeout_seconds=300,
        log_events_on_failure=True,
    )

    @longshore_task.kubernetes(image=PYTHON, name="decorated")
    def add(one: int, other: int) -> int:
        return one + other

    @task
    def decorated() -> int:
        return add(20, 3)

    @task
    def extract_data() -> int:
        return 20

    transform = LongshorePodOperator(
        task_id="transform",
        image=PYTHON,
        cmds=["python", "-c"],
        arguments=[MULTIPLY],
        env_vars={"DATA_POINT": "{{ ti.xcom_pull(task_ids='extract_data') }}"},
        do_xcom_push=True,
    )

    @task
    def load_data(transformed: dict[str, str]) -> str:
        return f"loaded {transformed['return_value']}"

    decorated()
    extract_data() >> transform
    load_data(transform.output)  # type: ignore[arg-type]  # what Airflow passes is the value

    # How a pod can end otherwise.
    LongshorePodOperator(
        task_id="skipped", image="busybox:1.37", cmds=["sh", "-c", "exit 100"], skip_on_exit_code=[99, 100]
    )
    LongshorePodOperator(
        task_id="broken",
        image="busybox:1.37",
        cmds=["sh", "-c", "echo '[1, 2]' > /airflow/xcom/return.json; exit 7"],
        do_xcom_push=True,
    )
    LongshorePodOperator(task_id="refused", image="busybox:1.37", cmds=["true"], callbacks=["mine"])
    LongshorePodOperator(
        task_id="hanging", image="busybox:1.37", cmds=["sleep", "600"], execution_timeout=timedelta(seconds=2)
    )

if __name__ == "__main__":
    run = dag.test()
    instances = {instance.task_id: instance for instance in run.get_task_instances()}
    values = {name: instance.xcom_pull(task_ids=name) for name, instance in instances.items()}
    answer = {
        "states": {name: instance.state for name, instance in instances.items()},
        "values": {name: value for name, value in values.items() if value is not None},
        "pod": instances["task-one"].xcom_pull(task_ids="task-one", key="pod_name"),
    }
    sys.stdout.write(f"\nanswer: {json.dumps(answer)}\n")
