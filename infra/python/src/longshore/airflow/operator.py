"""A task of Airflow that is a run of Longshore."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException, TaskDeferralTimeout

from longshore import runs
from longshore.airflow.trigger import LongshoreRunTrigger
from longshore.deployment import BUCKET, CANCEL_QUEUE, SUBMISSIONS_QUEUE, Deployment
from longshore.problems import StillRunningError, describe
from longshore.results import Log, Result, State
from longshore.submissions import slug, submit

MAX_LOG_BYTES = 1024 * 1024
"""As much of the end of each container's log is copied into the log of the task."""


class LongshoreRunOperator(BaseOperator):
    """Run a task document through Longshore and wait for its result, without a worker unless `deferrable` is false.

    `document` is what `longshore.submit` takes, and `inputs` are the values of its `{{ inputs.… }}`. Airflow renders
    both before they are sent, so templates that are meant for Longshore stand between `{% raw %}` and `{% endraw %}`.
    The value of the task is the map of the run's outputs.

    Where the deployment is say `bucket`, `submissions_queue` and `cancel_queue`, else the variables that
    `longshore env` prints; credentials are those that boto3 finds. `poll_interval` in seconds.

    A run id follows from DAG run, task and try, so nothing is run twice however often a worker dies. With
    `reattach_on_restart` a try that follows one whose run is still under way waits for that run.
    """

    template_fields: Sequence[str] = ("document", "inputs", "bucket", "submissions_queue", "cancel_queue")

    def __init__(
        self,
        *,
        document: Mapping[str, Any] | str | None = None,
        inputs: Mapping[str, Any] | None = None,
        bucket: str | None = None,
        submissions_queue: str | None = None,
        cancel_queue: str | None = None,
        deferrable: bool = True,
        poll_interval: float = 5.0,
        get_logs: bool = True,
        reattach_on_restart: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.document = document
        self.inputs = inputs
        self.bucket = bucket
        self.submissions_queue = submissions_queue
        self.cancel_queue = cancel_queue
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.get_logs = get_logs
        self.reattach_on_restart = reattach_on_restart
        self._waiting_for: str | None = None

    def task_document(self, context: Context) -> Mapping[str, Any] | str:  # noqa: ARG002
        """Make the document that is sent."""
        if self.document is None:
            raise AirflowFailException("no `document` to send")
        return self.document

    def value(self, result: Result) -> Any:
        """Take the value of the task from a result."""
        return dict(result.outputs)

    def execute(self, context: Context) -> Any:
        """Send the task and wait for its end."""
        deployment = self._deployment()
        run_id = self._run_id(context, deployment)
        submit(self.task_document(context), inputs=self.inputs, run_id=run_id, deployment=deployment)
        self.log.info("submitted run `%s`", run_id)
        timeout = None if self.execution_timeout is None else self.execution_timeout.total_seconds()
        if self.deferrable:
            self.defer(
                trigger=LongshoreRunTrigger(
                    run_id=run_id,
                    bucket=deployment.bucket,
                    submissions_queue=deployment.submissions_queue,
                    cancel_queue=deployment.cancel_queue,
                    poll_interval=self.poll_interval,
                    deadline=None if timeout is None else time.time() + timeout,
                ),
                method_name="execute_complete",
            )
        return self._wait(context, run_id, timeout, deployment)

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> Any:
        """Go on after the trigger."""
        run_id = event["run_id"]
        if event["timed_out"]:
            self._give_up(run_id)
        result = runs.result(run_id, deployment=self._deployment())
        if result is None:
            raise AirflowException(f"the result of run `{run_id}` was there and is gone")
        return self._conclude(context, result)

    def on_kill(self) -> None:
        """Cancel the run that a worker waits for."""
        deployment = self._deployment()
        if self._waiting_for is not None and deployment.cancel_queue is not None:
            runs.cancel(self._waiting_for, reason="the Airflow task was ended", deployment=deployment)

    def _deployment(self) -> Deployment:
        given = {BUCKET: self.bucket, SUBMISSIONS_QUEUE: self.submissions_queue, CANCEL_QUEUE: self.cancel_queue}
        return Deployment.from_environment({**os.environ, **{name: value for name, value in given.items() if value}})

    def _run_id(self, context: Context, deployment: Deployment) -> str:
        instance, dag_run = context["ti"], context["dag_run"]
        # A DAG run that was deleted and made again has the same id, but did not start at the same time.
        place = [instance.dag_id, instance.run_id, str(dag_run.start_date), instance.task_id, instance.map_index]
        digest = hashlib.sha256(json.dumps(place).encode()).hexdigest()[:16]
        run_ids = [f"{slug(self.task_id)}-{digest}-{number}" for number in range(1, instance.try_number + 1)]
        if self.reattach_on_restart:
            for run_id in run_ids[:-1]:
                if deployment.get(runs.result_key(run_id)) is None:
                    self.log.info("run `%s` of an earlier try has not ended: joining it", run_id)
                    return run_id
        return run_ids[-1]

    def _wait(self, context: Context, run_id: str, timeout: float | None, deployment: Deployment) -> Any:
        self._waiting_for = run_id
        try:
            result = runs.wait(run_id, timeout=timeout, deployment=deployment)
        except StillRunningError:
            self._give_up(run_id)
        self._waiting_for = None
        return self._conclude(context, result)

    def _give_up(self, run_id: str) -> NoReturn:
        deployment = self._deployment()
        if deployment.cancel_queue is not None:
            runs.cancel(run_id, reason="the execution_timeout of the Airflow task has passed", deployment=deployment)
        raise TaskDeferralTimeout(f"run `{run_id}` has not ended within {self.execution_timeout}")

    def _conclude(self, context: Context, result: Result) -> Any:
        deployment = self._deployment()
        if self.get_logs:
            for container, log in result.logs.items():
                self._show(container, log, deployment)
        for warning in result.warnings:
            self.log.warning("%s", warning)
        instance = context["ti"]
        if result.pod_name is not None:
            instance.xcom_push(key="pod_name", value=result.pod_name)
            instance.xcom_push(key="pod_namespace", value=result.namespace)
        if result.succeeded:
            return self.value(result)
        if result.state is State.SKIPPED:
            raise AirflowSkipException(describe(result))
        value = self.value(result) if self.do_xcom_push else None
        if value:
            instance.xcom_push(key="return_value", value=value)
        # A document with mistakes has them in another try, too.
        raise (AirflowFailException if result.state is State.REJECTED else AirflowException)(describe(result))

    def _show(self, container: str, log: Log, deployment: Deployment) -> None:
        shown = deployment.read(log.uri, last=MAX_LOG_BYTES if log.size > MAX_LOG_BYTES else None)
        if log.size > len(shown):
            self.log.info("[%s] … %s bytes before are in %s", container, log.size - len(shown), log.uri)
        for line in shown.decode(errors="backslashreplace").splitlines():
            self.log.info("[%s] %s", container, line)
