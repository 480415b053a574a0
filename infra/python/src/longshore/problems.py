"""What can go wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from longshore.results import Result

SHOWN_LOG_LINES = 20
"""As many lines of the log's end stand in the message of a failure."""


class LongshoreError(Exception):
    """Every error of this package."""


class NotConfiguredError(LongshoreError):
    """Nobody said where the deployment is."""


class SubmissionError(LongshoreError, ValueError):
    """A task cannot be sent."""


class FunctionError(LongshoreError, TypeError):
    """A function, its arguments or its value cannot travel to or from a pod."""


class StillRunningError(LongshoreError, TimeoutError):
    """A run has not ended in the time that was given for it; it goes on."""


class RunFailedError(LongshoreError):
    """A run has ended otherwise than wanted; `result` says how."""

    def __init__(self, result: Result) -> None:
        super().__init__(describe(result))
        self.result = result


def describe(result: Result) -> str:
    """How a run has ended, in words: state, diagnosis, problems, the end of its log."""
    lines = [f"run `{result.run_id}` ended as {result.state.value}"]
    diagnosis = result.diagnosis
    if diagnosis is not None:
        lines[0] += f": {diagnosis.message} ({diagnosis.cause})"
        if diagnosis.hint:
            lines.append(f"hint: {diagnosis.hint}")
    if result.skipped_because:
        lines[0] += f": {result.skipped_because}"
    lines += [f"{problem.get('pointer', '')}: {problem.get('message', '')}" for problem in result.problems]
    if result.log_tail:
        lines.append("the end of its log:")
        lines += result.log_tail.rstrip("\n").split("\n")[-SHOWN_LOG_LINES:]
    return "\n".join(lines)
