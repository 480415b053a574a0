from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longshore import FunctionError, task
from longshore.source import source_of
from memory import Memory

OUTSIDE = 1


def called(function: Callable[..., Any], *arguments: Any) -> Any:
    """The value of the function as it comes out of nothing but its source."""
    scope: dict[str, Any] = {}
    exec(source_of(function), scope)  # noqa: S102
    return scope[function.__name__](*arguments)


def test_a_function_works_from_its_source_alone() -> None:
    def area(radius: float, path: Path, factors: list[float] | None = None) -> dict[str, Any]:
        """Its annotations name what only exists here."""
        import math as mathematics  # noqa: PLC0415

        def square(number: float) -> float:
            return number * number

        return {"area": mathematics.pi * square(radius), "path": path, "factors": [f * 2 for f in factors or []]}

    assert called(area, 2.0, "p", [1, 2]) == {"area": math.pi * 4, "path": "p", "factors": [2, 4]}


def test_a_text_that_spans_lines_stays_as_it_is() -> None:
    def spanning() -> str:
        return """one
  two
        three"""

    assert called(spanning) == "one\n  two\n        three" == spanning()


def test_a_function_may_call_itself() -> None:
    def factorial(number: int) -> int:
        return 1 if number < 2 else number * factorial(number - 1)

    assert called(factorial, 5) == 120


def test_the_decorator_stays_at_home() -> None:
    @task.kubernetes(image="python:3.12", labels={"a": "b"})
    def hello(name: str) -> str:
        return f"hello {name}"

    assert source_of(hello.local).splitlines()[2].strip() == "def hello(name: str) -> str:"
    assert hello.local("you") == "hello you"
    assert hello.__name__ == "hello"


def test_what_only_exists_here_is_named() -> None:
    inner = 1

    def enclosed() -> int:
        return inner

    def outside(number: int = OUTSIDE) -> float:
        return math.sqrt(number)

    with pytest.raises(FunctionError, match="`enclosed` uses `inner` from outside"):
        source_of(enclosed)
    with pytest.raises(FunctionError, match="`outside` uses `OUTSIDE`, `math` from outside"):
        source_of(outside)


def test_what_is_no_plain_function_is_refused() -> None:
    async def later() -> None: ...

    def twice(function: Callable[[], None]) -> Callable[[], None]:
        return function

    @twice
    @twice
    def decorated() -> None: ...

    for function, words in (
        (later, "no plain function"),
        (lambda: 1, "use `def`"),
        (decorated, "further decorators"),
        (len, "no source"),
    ):
        with pytest.raises(FunctionError, match=words):
            source_of(function)


def test_the_document_carries_the_pod_and_keeps_texts_as_they_are() -> None:
    memory = Memory()

    @task.kubernetes(
        image="python:3.12",
        name="Add Up",
        namespace="batch",
        env_vars={"TEMPLATE": "{{ x }}"},
        container_resources={"limits": {"memory": "1Gi"}},
        pod_spec={"serviceAccountName": "adder"},
        properties={"timeout": "PT5M", "outputFiles": ["*.csv"]},
        deployment=memory,
    )
    def add(one: int, other: int = 0) -> int:
        return one + other

    call = add.submit(1, other=2)
    _, message = memory.messages[0]
    assert call.run_id == message["runId"]
    assert call.run_id.startswith("add-up-")
    document = message["task"]
    assert (document["id"], document["namespace"], document["timeout"]) == ("Add Up", "batch", "PT5M")
    assert document["outputFiles"] == ["*.csv", "longshore-call/value"]
    assert document["spec"]["serviceAccountName"] == "adder"
    (container,) = document["spec"]["containers"]
    assert container["env"] == [{"name": "TEMPLATE", "value": "{{ '{{' }} x }}"}]
    assert container["resources"] == {"limits": {"memory": "1Gi"}}
    assert json.loads(message["inputs"]["arguments"]) == [[1], {"other": 2}]


def test_arguments_that_do_not_fit_are_refused_before_anything_is_sent() -> None:
    memory = Memory()

    @task.kubernetes(image="python:3.12", deployment=memory)
    def one(value: object) -> object:
        return value

    with pytest.raises(FunctionError, match="cannot be written as json"):
        one.submit(object())
    with pytest.raises(TypeError, match="missing a required argument"):
        one.submit()  # type: ignore[call-arg]
    assert memory.messages == []
    one.submit("x" * 200_000)
    assert memory.messages[0][1]["inputs"]["arguments"].startswith("s3://bucket/runs/one-")
