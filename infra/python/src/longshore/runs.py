"""Runs that were sent: how they ended, and ending them."""

from __future__ import annotations

import json
import time

from longshore.deployment import CANCEL_QUEUE, Deployment
from longshore.problems import NotConfiguredError, StillRunningError
from longshore.results import Result, parse
from longshore.submissions import checked_run_id

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 5.0
_GROWTH = 1.5


def result_key(run_id: str) -> str:
    """Key of a run's result in the bucket; that it exists means that the run has ended."""
    return f"runs/{checked_run_id(run_id)}/result.json"


def result(run_id: str, *, deployment: Deployment | None = None) -> Result | None:
    """Read how a run ended; `None` while it has not, or when there is no such run."""
    text = (deployment or Deployment.from_environment()).get(result_key(run_id))
    return None if text is None else parse(text)


def wait(run_id: str, *, timeout: float | None = None, deployment: Deployment | None = None) -> Result:
    """Wait for the end of a run, however it ends; `Result.check()` raises unless it succeeded.

    `timeout` in seconds; without one this waits for ever, also for a run that nobody sent. Each look is one GET, after
    pauses that grow from 0.2 to 5 seconds.
    """
    deployment = deployment or Deployment.from_environment()
    deadline = None if timeout is None else time.monotonic() + timeout
    pause = FIRST_PAUSE_SECONDS
    while True:
        ended = result(run_id, deployment=deployment)
        if ended is not None:
            return ended
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise StillRunningError(f"run `{run_id}` has not ended within {timeout} seconds")
        time.sleep(min(pause, left))
        pause = min(pause * _GROWTH, LONGEST_PAUSE_SECONDS)


def cancel(run_id: str, *, reason: str | None = None, deployment: Deployment | None = None) -> None:
    """Ask for the end of a run; one that has ended stays as it is."""
    deployment = deployment or Deployment.from_environment()
    if deployment.cancel_queue is None:
        raise NotConfiguredError(f"{CANCEL_QUEUE} not set: it is the output `CancelQueue` of the deployed stack")
    request = {"runId": checked_run_id(run_id)} | ({"reason": reason} if reason else {})
    deployment.send(deployment.cancel_queue, json.dumps({"cancel": request}))
