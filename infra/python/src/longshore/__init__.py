"""Run tasks as Kubernetes pods through a Longshore deployment: send them, wait for them, read how they ended."""

from longshore import task
from longshore.deployment import Deployment
from longshore.problems import (
    FunctionError,
    LongshoreError,
    NotConfiguredError,
    RunFailedError,
    StillRunningError,
    SubmissionError,
)
from longshore.results import Diagnosis, Log, OutputFile, Result, State
from longshore.runs import cancel, result, wait
from longshore.submissions import submit

__all__ = [
    "Deployment",
    "Diagnosis",
    "FunctionError",
    "Log",
    "LongshoreError",
    "NotConfiguredError",
    "OutputFile",
    "Result",
    "RunFailedError",
    "State",
    "StillRunningError",
    "SubmissionError",
    "cancel",
    "result",
    "submit",
    "task",
    "wait",
]
