"""The operators and the trigger by themselves."""

from __future__ import annotations

import asyncio
import pkgutil
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from airflow.providers.cncf.kubernetes.secret import Secret
from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferred
from botocore.exceptions import EndpointConnectionError
from kubernetes.client import models as k8s

from longshore.airflow import LongshorePodOperator, LongshoreRunOperator, LongshoreRunTrigger
from longshore.results import parse
from memory import Memory

DOCUMENT = {"id": "hello", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "spec": {}}


@pytest.fixture
def memory(monkeypatch: pytest.MonkeyPatch) -> Memory:
    memory = Memory()
    monkeypatch.setattr(LongshoreRunOperator, "_deployment", lambda _: memory)
    return memory


class Instance(SimpleNamespace):
    """A task instance as far as the operators look at it."""

    def xcom_push(self, key: str, value: Any) -> None:
        self.pushed = {**getattr(self, "pushed", {}), key: value}


def context(*, try_number: int = 1, start: str = "2026-01-01") -> Context:
    instance = Instance(dag_id="d", run_id="manual", task_id="load", map_index=-1, try_number=try_number)
    return cast("Context", {"ti": instance, "dag_run": SimpleNamespace(start_date=start)})


def submitted(operator: LongshoreRunOperator, memory: Memory, context: Context) -> str:
    with pytest.raises(TaskDeferred):
        operator.execute(context)
    return str(memory.messages[-1][1]["runId"])


def test_a_try_is_one_run_however_often_it_is_executed(memory: Memory) -> None:
    operator = LongshoreRunOperator(task_id="load", document=DOCUMENT, inputs={"a": 1})
    first = submitted(operator, memory, context())
    assert submitted(operator, memory, context()) == first
    assert memory.messages[0] == memory.messages[1]
    assert memory.messages[0][1] == {"task": DOCUMENT, "inputs": {"a": 1}, "runId": first}
    assert submitted(operator, memory, context(start="2026-01-02")) != first


def test_a_later_try_joins_a_run_that_goes_on_and_follows_one_that_has_ended(memory: Memory) -> None:
    operator = LongshoreRunOperator(task_id="load", document=DOCUMENT)
    first = submitted(operator, memory, context())
    assert submitted(operator, memory, context(try_number=2)) == first
    memory.end(first, "FAILED")
    second = submitted(operator, memory, context(try_number=2))
    assert (first[-2:], second) == ("-1", first[:-1] + "2")
    assert submitted(operator, memory, context(try_number=3)) == second
    alone = LongshoreRunOperator(task_id="load", document=DOCUMENT, reattach_on_restart=False)
    assert submitted(alone, memory, context(try_number=3)) == first[:-1] + "3"


def test_the_trigger_is_made_again_from_what_it_says(memory: Memory) -> None:
    operator = LongshoreRunOperator(task_id="load", document=DOCUMENT, execution_timeout=timedelta(hours=1))
    with pytest.raises(TaskDeferred) as deferred:
        operator.execute(context())
    path, arguments = deferred.value.trigger.serialize()
    again = pkgutil.resolve_name(path)(**arguments)
    assert again.serialize() == (path, arguments)
    assert again.deployment is pkgutil.resolve_name(path)(**arguments).deployment
    assert arguments["deadline"] is not None
    assert (arguments["bucket"], arguments["run_id"]) == ("bucket", memory.messages[0][1]["runId"])


def test_the_trigger_fires_when_the_result_is_there_or_the_deadline_has_passed() -> None:
    memory = Memory()
    memory.end("r", "FAILED")
    assert events(trigger(memory)) == [{"run_id": "r", "timed_out": False}]
    assert events(trigger(Memory(), deadline=0.0)) == [{"run_id": "r", "timed_out": True}]


def test_the_trigger_goes_on_when_s3_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Memory()
    looks = []

    def get(_: Memory, key: str) -> bytes | None:
        looks.append(key)
        if len(looks) == 1:
            raise EndpointConnectionError(endpoint_url="https://s3")
        return b"{}" if len(looks) == 3 else None

    monkeypatch.setattr(Memory, "get", get)
    assert events(trigger(memory)) == [{"run_id": "r", "timed_out": False}]
    assert looks == ["runs/r/result.json"] * 3


def test_the_trigger_cancels_the_run_of_a_task_that_somebody_ended() -> None:
    memory = Memory()
    asyncio.run(trigger(memory).on_kill())
    assert memory.messages == [("cancel", {"cancel": {"runId": "r", "reason": "the Airflow task was ended"}})]
    silent = Memory(cancel_queue=None)
    asyncio.run(trigger(silent).on_kill())
    assert silent.messages == []


def trigger(memory: Memory, deadline: float | None = None) -> LongshoreRunTrigger:
    made = LongshoreRunTrigger(run_id="r", bucket="b", submissions_queue="q", poll_interval=0.001, deadline=deadline)
    made.deployment = memory
    return made


def events(trigger: LongshoreRunTrigger) -> list[Any]:
    async def collect() -> list[Any]:
        return [event.payload async for event in trigger.run()]

    return asyncio.run(collect())


def test_the_task_ends_as_the_run_has_ended(memory: Memory) -> None:
    operator = LongshoreRunOperator(task_id="load", document=DOCUMENT)
    event = {"run_id": "r", "timed_out": False}
    memory.end("r", "SUCCEEDED", outputs={"rows": 2}, podName="load-1", namespace="batch")
    here = context()
    assert operator.execute_complete(here, event) == {"rows": 2}
    assert cast("Instance", here["ti"]).pushed == {"pod_name": "load-1", "pod_namespace": "batch"}
    for state, error in (
        ("SKIPPED", AirflowSkipException),
        ("REJECTED", AirflowFailException),
        ("FAILED", AirflowException),
        ("TIMED_OUT", AirflowException),
        ("CANCELLED", AirflowException),
    ):
        memory.end("r", state, outputs={"rows": 1})
        here = context()
        with pytest.raises(error, match=f"ended as {state}") as raised:
            operator.execute_complete(here, event)
        assert type(raised.value) is error


def test_an_expired_task_cancels_its_run(memory: Memory) -> None:
    operator = LongshoreRunOperator(task_id="load", document=DOCUMENT, execution_timeout=timedelta(seconds=5))
    with pytest.raises(AirflowException, match="run `r` has not ended within 0:00:05"):
        operator.execute_complete(context(), {"run_id": "r", "timed_out": True})
    assert memory.messages[0][0] == "cancel"


def test_a_pod_operator_says_its_arguments_as_the_operator_of_the_provider_does(memory: Memory) -> None:
    operator = LongshorePodOperator(
        task_id="load",
        image="busybox",
        cmds=["sh", "-c"],
        arguments=["echo {% raw %}{{ x }}{% endraw %}"],
        env_vars=[k8s.V1EnvVar(name="A", value="1")],
        pod_runtime_info_envs=[
            k8s.V1EnvVar(
                name="IP",
                value_from=k8s.V1EnvVarSource(field_ref=k8s.V1ObjectFieldSelector(field_path="status.podIP")),
            )
        ],
        secrets=[Secret("env", "password", "database", "key"), Secret("volume", "/etc/keys", "keys")],
        volumes=[
            k8s.V1Volume(
                name="data",
                persistent_volume_claim=k8s.V1PersistentVolumeClaimVolumeSource(claim_name="data"),
            )
        ],
        volume_mounts=[k8s.V1VolumeMount(name="data", mount_path="/data", read_only=True)],
        container_resources=k8s.V1ResourceRequirements(limits={"memory": "1Gi"}),
        skip_on_exit_code={4, 3},
        do_xcom_push=True,
        hostnetwork=False,
        log_formatter=lambda container, _: container,
        output_files=["*.csv"],
        execution_timeout=timedelta(minutes=4, seconds=59.5),
    )
    submitted(operator, memory, context())
    document = memory.messages[0][1]["task"]
    formatter = document.pop("log_formatter")
    assert formatter.endswith("<lambda>")
    assert document == {
        "operator": "KubernetesPodOperator",
        "task_id": "load",
        "dag_id": "d",
        "image": "busybox",
        "cmds": ["sh", "-c"],
        "arguments": ["echo {{ '{%' }} raw %}{{ '{{' }} x }}{{ '{%' }} endraw %}"],
        "env_vars": [{"name": "A", "value": "1"}],
        "pod_runtime_info_envs": [{"name": "IP", "field_path": "status.podIP"}],
        "secrets": [
            {"deploy_type": "env", "deploy_target": "PASSWORD", "secret": "database", "key": "key"},
            {"deploy_type": "volume", "deploy_target": "/etc/keys", "secret": "keys"},
        ],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
        "volume_mounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
        "container_resources": {"limits": {"memory": "1Gi"}},
        "skip_on_exit_code": [3, 4],
        "do_xcom_push": True,
        "hostnetwork": False,
        "outputFiles": ["*.csv"],
        "execution_timeout": 300,
    }


def test_a_template_file_of_the_worker_travels_in_the_document(memory: Memory, tmp_path: Path) -> None:
    file = tmp_path / "pod.yaml"
    file.write_text("spec: {containers: [{name: base, image: busybox}]}\n", encoding="utf-8")
    for written, sent in (
        (str(file), {"pod_template_dict": {"spec": {"containers": [{"name": "base", "image": "busybox"}]}}}),
        ("batch.yaml", {"pod_template_file": "batch.yaml"}),
    ):
        submitted(LongshorePodOperator(task_id="load", pod_template_file=written), memory, context())
        document = memory.messages[-1][1]["task"]
        assert {name: document[name] for name in document if name.startswith("pod_")} == sent


def test_the_value_of_a_pod_is_what_it_pushes_also_when_it_fails(memory: Memory) -> None:
    operator = LongshorePodOperator(task_id="load", image="busybox", do_xcom_push=True)
    memory.end("r", "SUCCEEDED", outputs={"return_value": [1, 2]})
    assert operator.execute_complete(context(), {"run_id": "r", "timed_out": False}) == [1, 2]
    memory.end("r", "FAILED", outputs={"return_value": 3})
    here = context()
    with pytest.raises(AirflowException):
        operator.execute_complete(here, {"run_id": "r", "timed_out": False})
    assert cast("Instance", here["ti"]).pushed == {"return_value": 3}
    silent = LongshorePodOperator(task_id="load", image="busybox")
    assert silent.value(parse(memory.objects["runs/r/result.json"])) is None


def test_resources_is_the_older_name_of_container_resources(memory: Memory) -> None:
    limits = k8s.V1ResourceRequirements(limits={"cpu": "800m"})
    submitted(LongshorePodOperator(task_id="load", image="busybox", resources=limits), memory, context())
    assert memory.messages[-1][1]["task"]["container_resources"] == {"limits": {"cpu": "800m"}}
    with pytest.raises(ValueError, match="give one of them"):
        LongshorePodOperator(task_id="load", image="busybox", resources=limits, container_resources=limits)
