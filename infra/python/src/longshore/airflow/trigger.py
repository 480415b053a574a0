"""Waiting for a run without a worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from functools import cache
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent
from botocore.exceptions import ConnectionError as CannotConnectError
from botocore.exceptions import HTTPClientError

from longshore import runs
from longshore.deployment import Deployment

deployment_of = cache(Deployment)
"""One for all triggers of a process: a triggerer has thousands, and a client of S3 takes megabytes."""


class LongshoreRunTrigger(BaseTrigger):
    """Look at one object of the bucket, the result of a run, until it is there or the deadline has passed.

    The event is `{"run_id": …, "timed_out": bool}`; the operator reads the result itself. `poll_interval` in seconds,
    `deadline` in seconds since 1970. The triggerer needs the right to read the object and, to cancel the run of a task
    that somebody ended by hand, to send to the cancel queue.
    """

    def __init__(
        self,
        *,
        run_id: str,
        bucket: str,
        submissions_queue: str,
        cancel_queue: str | None = None,
        poll_interval: float = 5.0,
        deadline: float | None = None,
    ) -> None:
        super().__init__()
        self.run_id = run_id
        self.poll_interval = poll_interval
        self.deadline = deadline
        self.deployment = deployment_of(bucket, submissions_queue, cancel_queue)

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Say how the trigger is made again in another process."""
        return (
            "longshore.airflow.trigger.LongshoreRunTrigger",
            {
                "run_id": self.run_id,
                "bucket": self.deployment.bucket,
                "submissions_queue": self.deployment.submissions_queue,
                "cancel_queue": self.deployment.cancel_queue,
                "poll_interval": self.poll_interval,
                "deadline": self.deadline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look, pause, look again."""
        while True:
            if await self._has_ended():
                yield TriggerEvent({"run_id": self.run_id, "timed_out": False})
                return
            left = self.poll_interval if self.deadline is None else self.deadline - time.time()
            if left <= 0:
                yield TriggerEvent({"run_id": self.run_id, "timed_out": True})
                return
            await asyncio.sleep(min(self.poll_interval, left))

    async def _has_ended(self) -> bool:
        try:
            return await asyncio.to_thread(self.deployment.get, runs.result_key(self.run_id)) is not None
        except (CannotConnectError, HTTPClientError) as error:
            # The run goes on without us, so the task does not fail because S3 cannot be reached for a while.
            self.log.warning("cannot look for the result of run `%s`, trying again: %s", self.run_id, error)
            return False

    async def on_kill(self) -> None:
        """Cancel the run of a task that somebody marked or cleared; a restart of the triggerer does not come here."""
        if self.deployment.cancel_queue is None:
            self.log.warning("run `%s` goes on: no cancel queue is known", self.run_id)
            return
        await asyncio.to_thread(
            runs.cancel, self.run_id, reason="the Airflow task was ended", deployment=self.deployment
        )
