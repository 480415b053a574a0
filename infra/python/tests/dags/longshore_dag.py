"""A DAG for `dag.test()` in an Airflow of its own; prints what became of it as JSON."""

from __future__ import annotations

import json
import sys
from datetime import datetime, timedelta, timezone

from airflow.sdk import DAG, task

from longshore.airflow import LongshoreRunOperator


def pod(command: str) -> dict[str, object]:
    container = {"name": "main", "image": "busybox:1.37", "command": ["sh", "-c", command]}
    return {
        "id": "from-airflow",
        "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "spec": {"containers": [container]},
    }


with DAG("longshore_test", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=timezone.utc)) as dag:
    produce = LongshoreRunOperator(
        task_id="produce",
        document=pod(
            'echo hello from {{ dag_run.dag_id }}; sleep 1; echo \'::{"outputs":{"rows":{{ params.rows }}}}::\''
        ),
        params={"rows": 7},
        poll_interval=0.2,
    )

    @task
    def double(outputs: dict[str, int]) -> int:
        return outputs["rows"] * 2

    fail = LongshoreRunOperator(task_id="fail", document=pod("echo broken; exit 3"), poll_interval=0.2)
    late = LongshoreRunOperator(
        task_id="late", document=pod("sleep 600"), poll_interval=0.2, execution_timeout=timedelta(seconds=2)
    )
    at_once = LongshoreRunOperator(task_id="at_once", document=pod("true"), deferrable=False)
    skip = LongshoreRunOperator(task_id="skip", document={**pod("true"), "disabled": True}, poll_interval=0.2)
    double(produce.output)  # type: ignore[arg-type]  # what Airflow passes is the value

if __name__ == "__main__":
    run = dag.test()
    instances = {instance.task_id: instance for instance in run.get_task_instances()}
    answer = {
        "states": {name: instance.state for name, instance in instances.items()},
        "produce": instances["produce"].xcom_pull(task_ids="produce"),
        "pod": instances["produce"].xcom_pull(task_ids="produce", key="pod_name"),
        "double": instances["double"].xcom_pull(task_ids="double"),
    }
    sys.stdout.write(f"\nanswer: {json.dumps(answer)}\n")
