"""Against the deployed local stack: real functions, queues, bucket and pods."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import PYTHON_IMAGE
from longshore import Deployment, RunFailedError, State, cancel, result, submit, task, wait

SOON = 120.0
"""Seconds that no run of these tests takes, however busy the machine is."""


def pod(*command: str, **properties: Any) -> dict[str, Any]:
    container = {"name": "main", "image": "busybox:1.37", "command": ["sh", "-c", *command]}
    return {
        "id": "python-test",
        "type": "io.kestra.plugin.kubernetes.core.PodCreate",
        "spec": {"containers": [container]},
        **properties,
    }


def test_a_task_with_files_and_outputs_runs(deployment: Deployment, tmp_path: Path) -> None:
    data = tmp_path / "data ü.txt"
    data.write_bytes(b"1\n2\n")
    lines = 'wc -l < in.txt > "$W/out.txt"; echo \'::{"outputs":{"rows":2}}::\''
    document = pod(
        f"W={{{{ workingDir }}}}; cd $W; {lines}",
        inputFiles={"in.txt": "{{ inputs.data }}"},
        outputFiles=["out.txt"],
    )
    run_id = submit(document, inputs={"data": data})
    ended = wait(run_id, timeout=SOON).check()
    assert ended.outputs == {"rows": 2}
    assert deployment.read(ended.file("out.txt").uri).strip() == b"2"
    assert b"outputs" in deployment.read(ended.logs["main"].uri)
    assert result(run_id) == ended


def test_the_same_run_is_done_once(deployment: Deployment) -> None:
    document = pod('echo "::{\\"outputs\\":{\\"pid\\":\\"$(date +%s%N)\\"}}::"')
    run_id = submit(document, run_id="python-once")
    first = wait(run_id, timeout=SOON, deployment=deployment).check()
    submit(document, run_id=run_id)
    assert wait(run_id, timeout=SOON).outputs == first.outputs


def test_a_failure_says_why(deployment: Deployment) -> None:
    ended = wait(submit(pod("echo broken; exit 3")), timeout=SOON, deployment=deployment)
    assert ended.diagnosis is not None
    assert (ended.state, ended.diagnosis.exit_code) == (State.FAILED, 3)
    with pytest.raises(RunFailedError, match="broken"):
        ended.check()


def test_a_document_with_mistakes_is_rejected_with_their_places(deployment: Deployment) -> None:
    ended = wait(submit(pod("true", tiemout="PT1M")), timeout=SOON, deployment=deployment)
    assert ended.state is State.REJECTED
    assert [problem["pointer"] for problem in ended.problems] == ["/task/tiemout"]


def test_a_run_is_cancelled(deployment: Deployment) -> None:
    run_id = submit(pod("sleep 600"))
    cancel(run_id, reason="seen enough", deployment=deployment)
    ended = wait(run_id, timeout=SOON)
    assert ended.state is State.CANCELLED
    assert ended.diagnosis is not None
    assert "seen enough" in ended.diagnosis.message


def test_a_function_runs_in_a_pod_and_its_value_comes_back(deployment: Deployment) -> None:
    @task.kubernetes(image=PYTHON_IMAGE, env_vars={"GREETING": "{{ hello }}"})
    def describe(numbers: list[int], *, word: str = "") -> dict[str, Any]:
        import os  # noqa: PLC0415

        print(f"summing {{{len(numbers)}}}")  # noqa: T201
        template = "{{ not rendered }} {% nor this %} {# nor this #}"
        return {
            "sum": sum(numbers),
            "word": word,
            "template": template,
            "greeting": os.environ["GREETING"],
            "pid": os.getpid(),
            "folder": os.getcwd(),  # noqa: PTH109
        }

    value = describe([1, 2, 3], word="ü {{ x }} \x00")
    assert (value["sum"], value["word"]) == (6, "ü {{ x }} \x00")
    assert value["template"] == "{{ not rendered }} {% nor this %} {# nor this #}"
    assert value["greeting"] == "{{ hello }}"
    assert value["folder"] == "/kestra/working-dir"
    assert deployment == Deployment.from_environment()


def test_what_one_function_returns_is_given_to_the_next(deployment: Deployment) -> None:
    @task.kubernetes(image=PYTHON_IMAGE, name="extract", deployment=deployment)
    def extract() -> dict[str, float]:
        return {"books": 12.5, "maps": 30.0, "pens": 4.25}

    @task.kubernetes(image=PYTHON_IMAGE, name="transform", deployment=deployment)
    def transform(orders: dict[str, float]) -> dict[str, float]:
        return {"total": sum(orders.values()), "count": len(orders)}

    @task.kubernetes(image=PYTHON_IMAGE, name="load", deployment=deployment)
    def load(summary: dict[str, float]) -> str:
        return f"{summary['count']} orders: {summary['total']:.2f}"

    assert load(transform(extract())) == "3 orders: 46.75"


def test_arguments_and_values_may_be_large(deployment: Deployment) -> None:
    @task.kubernetes(image=PYTHON_IMAGE, deployment=deployment)
    def reversed_text(text: str) -> str:
        return text[::-1]

    text = "abcdefgh" * 250_000
    assert reversed_text(text) == text[::-1]


def test_pickle_is_for_those_who_ask_for_it(deployment: Deployment) -> None:
    @task.kubernetes(image=PYTHON_IMAGE, serializer="pickle", deployment=deployment)
    def versions(stream: io.BytesIO, pair: tuple[int, int]) -> tuple[bytes, tuple[int, int], tuple[int, ...]]:
        import sys  # noqa: PLC0415

        return stream.read(), pair, tuple(sys.version_info[:2])

    assert versions(io.BytesIO(b"\x00\xff"), (1, 2)) == (b"\x00\xff", (1, 2), sys.version_info[:2])


def test_an_exception_in_the_pod_comes_back_with_its_traceback(deployment: Deployment) -> None:
    @task.kubernetes(image=PYTHON_IMAGE, deployment=deployment)
    def divide(number: int) -> float:
        return number / 0

    @task.kubernetes(image=PYTHON_IMAGE, deployment=deployment)
    def unsendable() -> object:
        return {1, 2}

    failing, refusing = divide.submit(1), unsendable.submit()
    with pytest.raises(RunFailedError, match="ZeroDivisionError"):
        failing.value(timeout=SOON)
    with pytest.raises(RunFailedError, match="`unsendable` returned a value that cannot be written as json"):
        refusing.value(timeout=SOON)
