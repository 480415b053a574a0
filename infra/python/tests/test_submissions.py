from __future__ import annotations

from pathlib import Path

import pytest

from longshore import Deployment, NotConfiguredError, StillRunningError, SubmissionError, cancel, result, submit, wait
from longshore.documents import literal
from longshore.submissions import checked_run_id, fresh_run_id, slug
from memory import Memory

HELLO = {"id": "Hello World", "type": "io.kestra.plugin.kubernetes.core.PodCreate", "spec": {}}


def test_a_task_is_sent_in_an_envelope_with_a_run_id_named_for_it() -> None:
    memory = Memory()
    run_id = submit(HELLO, inputs={"rows": 3}, deployment=memory)
    assert run_id.startswith("hello-world-")
    assert memory.messages == [("submissions", {"task": HELLO, "runId": run_id, "inputs": {"rows": 3}})]


def test_a_document_may_be_a_text_or_a_file(tmp_path: Path) -> None:
    memory = Memory()
    file = tmp_path / "task.yaml"
    file.write_text("id: ü\n", encoding="utf-8")
    submit("id: hello\n", run_id="one", deployment=memory)
    submit(file, run_id="two", deployment=memory)
    assert [message["task"] for _, message in memory.messages] == ["id: hello\n", "id: ü\n"]


def test_files_and_bytes_are_uploaded_and_named_by_their_address(tmp_path: Path) -> None:
    memory = Memory()
    file = tmp_path / "data + ü.csv"
    file.write_bytes(b"1;2")
    submit(HELLO, inputs={"data": file, "model": b"\x00", "n": "1"}, run_id="r", deployment=memory)
    assert memory.messages[0][1]["inputs"] == {
        "data": "s3://bucket/runs/r/inputs/data/data + ü.csv",
        "model": "s3://bucket/runs/r/inputs/model/content",
        "n": "1",
    }
    assert memory.objects == {
        "runs/r/inputs/data/data + ü.csv": b"1;2",
        "runs/r/inputs/model/content": b"\x00",
    }


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        ({"data": Path("/does/not/exist")}, "is no file"),
        ({"../x": b""}, "cannot be the name of an input"),
        ({"n": float("nan")}, "cannot be written as JSON"),
        ({"n": object()}, "cannot be written as JSON"),
        ({"n": "x" * 1024 * 1024}, "SQS takes 1048576"),
    ],
)
def test_what_cannot_be_sent_is_told_and_nothing_is_sent(inputs: dict[str, object], words: str) -> None:
    memory = Memory()
    with pytest.raises(SubmissionError, match=words):
        submit(HELLO, inputs=inputs, deployment=memory)
    assert memory.messages == []


def test_run_ids_are_those_that_longshore_accepts() -> None:
    assert checked_run_id(fresh_run_id("Kubernetes_Script  Runner")).startswith("kubernetes-script-runner-")
    assert fresh_run_id("a") != fresh_run_id("a")
    assert [slug(name) for name in ("__x__", "日本", "")] == ["x", "task", "task"]
    for wrong in ("", "../x", "a/b", "-a", "a-", "a b", "ä", "a" * 129, "a\n"):
        with pytest.raises(SubmissionError):
            checked_run_id(wrong)


def test_a_text_stays_as_it_is_when_templates_are_rendered() -> None:
    written = {"a{{b": ["{{{", "{% raw %}", 1, None, "plain }} %} {#"], "flag": True}
    assert literal(written) == {
        "a{{ '{{' }}b": ["{{ '{{' }}{", "{{ '{%' }} raw %}", 1, None, "plain }} %} {#"],
        "flag": True,
    }


def test_a_run_is_waited_for_until_its_result_is_there() -> None:
    memory = Memory()
    assert result("r", deployment=memory) is None
    with pytest.raises(StillRunningError, match="has not ended within 0 seconds"):
        wait("r", timeout=0, deployment=memory)
    memory.end("r", "SUCCEEDED")
    assert wait("r", deployment=memory).succeeded


def test_a_cancel_names_run_and_reason() -> None:
    memory = Memory()
    cancel("r", reason="too late", deployment=memory)
    assert memory.messages == [("cancel", {"cancel": {"runId": "r", "reason": "too late"}})]
    with pytest.raises(NotConfiguredError, match="LONGSHORE_CANCEL_QUEUE"):
        cancel("r", deployment=Memory(cancel_queue=None))


def test_a_deployment_is_what_the_environment_says() -> None:
    with pytest.raises(NotConfiguredError, match="LONGSHORE_BUCKET and LONGSHORE_SUBMISSIONS_QUEUE"):
        Deployment.from_environment({})
    found = Deployment.from_environment({"LONGSHORE_BUCKET": "b", "LONGSHORE_SUBMISSIONS_QUEUE": "q"})
    assert found == Deployment("b", "q")
