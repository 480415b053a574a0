from __future__ import annotations

import json
from pathlib import Path

import pytest

from longshore import LongshoreError, RunFailedError, State
from longshore.results import parse

FORMATS = Path(__file__).resolve().parents[3] / "tests/fixtures/formats"


def test_the_recorded_result_of_the_functions_is_read_member_by_member() -> None:
    result = parse((FORMATS / "result-1.json").read_bytes())
    assert (result.run_id, result.state, result.attempt) == ("nightly-17", State.FAILED, 2)
    assert result.diagnosis is not None
    assert (result.diagnosis.class_, result.diagnosis.cause, result.diagnosis.exit_code) == ("user", "NonZeroExit", 3)
    assert result.outputs == {"rows": 12, "name": "table", "nested": {"ok": True}}
    assert result.file("rows 1/ü+%.csv").size == 11
    assert not result.logs["main"].complete
    assert (result.pod_name, result.namespace) == ("load-455bd5d52c", "batch")
    assert result.timings["totalMs"] == 90850
    assert result.raw["submissionHash"].startswith("9f86d081")


def test_a_failure_is_raised_with_its_diagnosis_and_the_end_of_its_log() -> None:
    result = parse((FORMATS / "result-1.json").read_bytes())
    with pytest.raises(RunFailedError) as raised:
        result.check()
    assert raised.value.result is result
    message = str(raised.value)
    assert message.startswith("run `nightly-17` ended as FAILED: container `main` ended with exit code 3 (NonZeroExit)")
    assert "hint: read the end of the log" in message
    assert "/task/timeout: is no duration" in message
    assert message.endswith("rows: 12")


def test_members_of_later_versions_are_kept_and_another_format_is_refused() -> None:
    raw = {"formatVersion": 1, "runId": "a", "state": "SUCCEEDED", "attempt": 1, "news": 1}
    assert parse(json.dumps(raw).encode()).check().raw["news"] == 1
    raw["formatVersion"] = 2
    with pytest.raises(LongshoreError, match="format version 2"):
        parse(json.dumps(raw).encode())


def test_a_file_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(LongshoreError, match="no output file `b`; it has: rows 1/ü"):
        parse((FORMATS / "result-1.json").read_bytes()).file("b")
