"""Python functions that run in pods.

::

    from longshore import task

    @task.kubernetes(image="python:3.12")
    def total(numbers: list[int]) -> int:
        return sum(numbers)

    total([1, 2, 3])                    # runs in a pod and gives 6
    call = total.submit([1, 2, 3])      # does not wait
    call.value(timeout=600)
"""

from __future__ import annotations

import inspect
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import update_wrapper
from importlib import resources
from typing import Any, Generic, Literal, ParamSpec, TypeVar, cast

from longshore.deployment import Deployment
from longshore.documents import literal
from longshore.problems import FunctionError
from longshore.results import Result
from longshore.runs import wait
from longshore.source import source_of
from longshore.submissions import submit

P = ParamSpec("P")
R = TypeVar("R")
Serializer = Literal["json", "pickle"]

FOLDER = "longshore-call"
"""Folder of the pod's working directory that the call lives in."""

_INLINE_BYTES = 128 * 1024
"""Larger arguments travel as an object of the bucket instead of in the message."""


@dataclass(frozen=True)
class Pod:
    """The pod of a function. Fields of `container` and `spec` are those of the Kubernetes API."""

    image: str
    namespace: str | None = None
    env_vars: Mapping[str, str] | None = None
    container_resources: Mapping[str, Any] | None = None
    labels: Mapping[str, str] | None = None
    python: str = "python3"
    container: Mapping[str, Any] | None = None
    spec: Mapping[str, Any] | None = None
    properties: Mapping[str, Any] | None = None

    def document(self, name: str, function: str, serializer: Serializer) -> dict[str, Any]:
        """Make the task that calls the function; source and arguments are its inputs."""
        container: dict[str, Any] = {
            "name": "main",
            "image": self.image,
            "env": [{"name": key, "value": value} for key, value in (self.env_vars or {}).items()],
        }
        if self.container_resources:
            container["resources"] = self.container_resources
        container = literal(container | dict(self.container or {}))
        container["workingDir"] = "{{ workingDir }}"
        container["command"] = [self.python, f"{{{{ workingDir }}}}/{FOLDER}/inside.py", function, serializer]
        container.pop("args", None)
        document: dict[str, Any] = {
            "id": name,
            "type": "io.kestra.plugin.kubernetes.core.PodCreate",
            "spec": literal(dict(self.spec or {})) | {"containers": [container]},
        }
        if self.namespace:
            document["namespace"] = literal(self.namespace)
        if self.labels:
            document["metadata"] = {"labels": literal(self.labels)}
        document |= dict(self.properties or {})
        document["inputFiles"] = dict(document.get("inputFiles") or {}) | {
            f"{FOLDER}/{file}": f"{{{{ inputs.{file.partition('.')[0]} }}}}"
            for file in ("function.py", "inside.py", "arguments")
        }
        document["outputFiles"] = [*(document.get("outputFiles") or []), f"{FOLDER}/value"]
        return document


@dataclass(frozen=True)
class Call(Generic[R]):
    """A call that is under way in a pod, or over."""

    run_id: str
    deployment: Deployment
    serializer: Serializer = "json"

    def result(self, timeout: float | None = None) -> Result:
        """Wait for the end of the run, however it ends; `timeout` in seconds."""
        return wait(self.run_id, timeout=timeout, deployment=self.deployment)

    def value(self, timeout: float | None = None) -> R:
        """Wait for what the function returns; `RunFailedError` when it raised, with the end of its log."""
        result = self.result(timeout).check()
        content = self.deployment.read(result.file(f"{FOLDER}/value").uri)
        # Whoever chose pickle trusts the pod with this process.
        value = json.loads(content) if self.serializer == "json" else pickle.loads(content)  # noqa: S301
        return cast("R", value)


class Function(Generic[P, R]):
    """A function that runs in a pod each time it is called. `local` is the function itself."""

    __name__: str

    def __init__(
        self,
        local: Callable[P, R],
        pod: Pod,
        name: str | None = None,
        serializer: Serializer = "json",
        deployment: Deployment | None = None,
    ) -> None:
        self.local = local
        self.pod = pod
        self.serializer = serializer
        self._source = source_of(local)
        self._function = local.__name__
        self._name = name or self._function
        self._deployment = deployment
        update_wrapper(self, local)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the function in a pod, wait, and give what it returned."""
        return self.submit(*args, **kwargs).value()

    def submit(self, *args: P.args, **kwargs: P.kwargs) -> Call[R]:
        """Begin to run the function in a pod and do not wait."""
        inspect.signature(self.local).bind(*args, **kwargs)
        deployment = self._deployment or Deployment.from_environment()
        program = resources.files("longshore").joinpath("inside.py").read_text(encoding="utf-8")
        run_id = submit(
            self.pod.document(self._name, self._function, self.serializer),
            inputs={"function": self._source, "inside": program, "arguments": self._arguments(args, kwargs)},
            deployment=deployment,
        )
        return Call(run_id, deployment, self.serializer)

    def _arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | bytes:
        try:
            if self.serializer == "pickle":
                return pickle.dumps((args, dict(kwargs)))
            text = json.dumps([args, kwargs])
        except (TypeError, ValueError, AttributeError, pickle.PicklingError) as error:
            raise FunctionError(
                f"the arguments of `{self._function}` cannot be written as {self.serializer}: {error}"
            ) from error
        return text if len(text) <= _INLINE_BYTES else text.encode()


def kubernetes(
    *,
    image: str,
    name: str | None = None,
    namespace: str | None = None,
    env_vars: Mapping[str, str] | None = None,
    container_resources: Mapping[str, Any] | None = None,
    labels: Mapping[str, str] | None = None,
    python: str = "python3",
    container: Mapping[str, Any] | None = None,
    pod_spec: Mapping[str, Any] | None = None,
    properties: Mapping[str, Any] | None = None,
    serializer: Serializer = "json",
    deployment: Deployment | None = None,
) -> Callable[[Callable[P, R]], Function[P, R]]:
    """Run a function in a pod of `image` each time it is called.

    Only the function's own source travels, so it imports what it needs. Arguments and value are JSON: tuples arrive as
    lists, keys of maps as texts. With `serializer="pickle"` they are what pickle makes of them, the pod needs the
    same Python and libraries, and the caller trusts what the pod sends back as it trusts its own code.

    `container` and `pod_spec` are further fields of the container and the pod as Kubernetes has them, `properties`
    those of the task (`timeout`, `retry`, `taskCache`, `connection`, `outputFiles` …, `docs/TASK-SPEC.md`).
    `python` is how the image calls its interpreter, 3.8 or newer. Without a `deployment` the environment says which.
    """
    pod = Pod(
        image=image,
        namespace=namespace,
        env_vars=env_vars,
        container_resources=container_resources,
        labels=labels,
        python=python,
        container=container,
        spec=pod_spec,
        properties=properties,
    )

    def decorate(function: Callable[P, R]) -> Function[P, R]:
        return Function(function, pod, name, serializer, deployment)

    return decorate
