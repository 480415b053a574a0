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


def test_the_tasks_of_a_dag_defer_and_end_as_their_runs(environment: Mapping[str, str], deployment: Deployment) -> None:
    log = run([sys.executable, str(DAGS / "longshore_dag.py")], environment)
    (answer,) = re.findall(r"^answer: (.*)$", log, re.MULTILINE)
    told: dict[str, Any] = json.loads(answer)
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
