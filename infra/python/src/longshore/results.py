"""What a run ends with: `docs/RESULT.md`, member by member."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from longshore.problems import LongshoreError, RunFailedError

FORMAT_VERSION = 1
"""The version of `result.json` that is read here; members may be added within it."""


class State(str, Enum):
    """How a run ended."""

    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"
    REJECTED = "REJECTED"


@dataclass(frozen=True)
class Diagnosis:
    """Why a run did not succeed: `docs/DIAGNOSIS.md`."""

    class_: str
    cause: str
    message: str
    hint: str = ""
    container: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutputFile:
    """A file that was brought back; `size` in bytes, `sha256` in lower-case hex."""

    path: str
    uri: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Log:
    """Where a container's log is; incomplete when its beginning had been rotated away."""

    uri: str
    size: int
    complete: bool


@dataclass(frozen=True)
class Result:
    """The result of a run. `raw` is all of it, with the members that have no name here."""

    run_id: str
    state: State
    attempt: int
    diagnosis: Diagnosis | None = None
    problems: tuple[Mapping[str, Any], ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    output_files: tuple[OutputFile, ...] = ()
    logs: Mapping[str, Log] = field(default_factory=dict)
    log_tail: str | None = None
    warnings: tuple[str, ...] = ()
    pod_name: str | None = None
    namespace: str | None = None
    skipped_because: str | None = None
    superseded_by: str | None = None
    timings: Mapping[str, Any] = field(default_factory=dict)
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def succeeded(self) -> bool:
        """Whether it ended as a success."""
        return self.state is State.SUCCEEDED

    def check(self) -> Result:
        """Give this very result back, or raise `RunFailedError` unless the run succeeded."""
        if not self.succeeded:
            raise RunFailedError(self)
        return self

    def file(self, path: str) -> OutputFile:
        """Find the output file with this path."""
        for file in self.output_files:
            if file.path == path:
                return file
        known = ", ".join(file.path for file in self.output_files) or "none"
        raise LongshoreError(f"run `{self.run_id}` has no output file `{path}`; it has: {known}")


def parse(text: bytes) -> Result:
    """Read a `result.json`."""
    raw = json.loads(text)
    version = raw.get("formatVersion")
    if version != FORMAT_VERSION:
        raise LongshoreError(
            f"the result has format version {version}, and this package reads {FORMAT_VERSION}: "
            "take the package that belongs to the deployment"
        )
    return Result(
        run_id=raw["runId"],
        state=State(raw["state"]),
        attempt=raw["attempt"],
        diagnosis=_diagnosis(raw.get("diagnosis")),
        problems=tuple(raw.get("problems", ())),
        outputs=raw.get("outputs", {}),
        output_files=tuple(
            OutputFile(path=file["path"], uri=file["uri"], size=file["size"], sha256=file["sha256"])
            for file in raw.get("outputFiles", ())
        ),
        logs={
            name: Log(uri=log["uri"], size=log["size"], complete=log["complete"])
            for name, log in raw.get("logs", {}).items()
        },
        log_tail=raw.get("logTail"),
        warnings=tuple(raw.get("warnings", ())),
        pod_name=raw.get("podName"),
        namespace=raw.get("namespace"),
        skipped_because=raw.get("skippedBecause"),
        superseded_by=raw.get("supersededBy"),
        timings=raw.get("timings", {}),
        raw=raw,
    )


def _diagnosis(raw: Mapping[str, Any] | None) -> Diagnosis | None:
    if raw is None:
        return None
    return Diagnosis(
        class_=raw["class"],
        cause=raw["cause"],
        message=raw["message"],
        hint=raw.get("hint", ""),
        container=raw.get("container"),
        exit_code=raw.get("exitCode"),
        signal=raw.get("signal"),
        evidence=tuple(raw.get("evidence", ())),
    )
