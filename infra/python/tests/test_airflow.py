"""A DAG in a real Airflow, whose tasks defer and whose pods run on the deployed local stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from longshore import Deployment, State, wait

DAGS = Path(__file__).parent / "dags"


@pytest.fixture(scope="session")
def environment(stack: Mapping[str, str]) -> Mapping[str, str]:
    """An Airflow with a database of its own that knows the DAG."""
    environment = {
        **os.environ,
        **stack,
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    for command in (["db", "migrate"], ["dags", "reserialize"]):
        run([str(Path(sys.executable).with_name("airflow")), *command], environment)
    return environment


def run(command: list[str], environment: Mapping[str, str]) -> str:
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output
    return output


def told_by(dag: str, environment: Mapping[str, str]) -> tuple[dict[str, Any], str]:
    """Run a DAG: what it says became of it, and its log."""
    log = run([sys.executable, str(DAGS / f"{dag}.py")], environment)
    (answer,) = re.findall(r"^answer: (.*)$", log, re.MULTILINE)
    return json.loads(answer), log


def test_the_tasks_of_a_dag_defer_and_end_as_their_runs(environment: Mapping[str, str], deployment: Deployment) -> None:
    told, log = told_by("longshore_dag", environment)
    assert told["states"] == {
        "produce": "success",
        "double": "success",
        "at_once": "success",
        "skip": "skipped",
        "fail": "failed",
        "late": "failed",
    }, log
    # what one run set is what the next task was given
    assert (told["produce"], told["double"]) == ({"rows": 7}, 14)
    assert told["pod"].startswith("from-airflow-")
    # all but `at_once` and `double` went through their trigger
    assert log.count("[DAG TEST] Trigger completed") == 4
    assert "hello from longshore_test" in log
    assert "(NonZeroExit)" in log
    (late,) = re.findall(r"submitted run `(late-[0-9a-f]+-1)`", log)
    assert wait(late, timeout=60, deployment=deployment).state is State.CANCELLED


def test_the_examples_of_the_pages_run_with_the_arguments_of_kubernetes_pod_operator(
    environment: Mapping[str, str], deployment: Deployment
) -> None:
    told, log = told_by("pages_dag", environment)
    assert told["states"] == {
        "task-one": "success",
        "example_volume_test": "success",
        "haskell_example": "success",
        "decorated": "success",
        "extract_data": "success",
        "transform": "success",
        "load_data": "success",
        "skipped": "skipped",
        "broken": "failed",
        "refused": "failed",
        "hanging": "failed",
    }, log
    assert told["values"] == {
        "decorated": 23,
        "extract_data": 20,
        "transform": {"return_value": "460"},
        "load_data": "loaded 460",
        # pushed although the pod failed
        "broken": [1, 2],
    }
    assert told["pod"].startswith("airflow-test-pod-")
    # every pod was waited for by a trigger; the decorated function waits itself
    assert log.count("[DAG TEST] Trigger completed") == 8
    for line in (
        "Hello from a pod!",
        "kept",
        "Hello, Longshore",
        # an argument without effect is a warning
        "`cluster_context` has no effect here",
        "is a Python literal",
        # the diagnosis is the failure's message, with every problem of a refused document
        "(NonZeroExit)",
        "/task/callbacks",
    ):
        assert line in log, line
    # Airflow cancels it, and its pod has the same limit: whichever is noticed first.
    (hanging,) = re.findall(r"submitted run `(hanging-[0-9a-f]+-1)`", log)
    assert wait(hanging, timeout=60, deployment=deployment).state in {State.CANCELLED, State.TIMED_OUT}
