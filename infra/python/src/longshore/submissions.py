"""Sending tasks."""

from __future__ import annotations

import base64
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from longshore.deployment import Deployment
from longshore.problems import SubmissionError

MAX_MESSAGE_BYTES = 1024 * 1024
"""The largest message that SQS takes."""

_RUN_ID = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_INPUT_NAME = re.compile(r"[\w-]+")
_MAX_SLUG_CHARACTERS = 40


def submit(
    document: Mapping[str, Any] | str | Path,
    *,
    inputs: Mapping[str, Any] | None = None,
    run_id: str | None = None,
    deployment: Deployment | None = None,
) -> str:
    """Send a task to the submissions queue and give its run id.

    `document` is a task or a flow with one task: a map, a text of YAML or JSON, or the path of a file with either.
    `inputs` are the values of `{{ inputs.… }}`; a `Path` or `bytes` among them is uploaded first, and the input is
    then its `s3://` address, for `inputFiles`. Sending the same task again under the same `run_id` joins the run.
    """
    deployment = deployment or Deployment.from_environment()
    task = document.read_text(encoding="utf-8") if isinstance(document, Path) else document
    run_id = fresh_run_id(task_name(task)) if run_id is None else checked_run_id(run_id)
    envelope: dict[str, Any] = {"task": task, "runId": run_id}
    if inputs:
        envelope["inputs"] = {name: _placed(name, value, run_id, deployment) for name, value in inputs.items()}
    try:
        body = json.dumps(envelope, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SubmissionError(f"the task cannot be written as JSON: {error}") from error
    size = len(body.encode())
    if size > MAX_MESSAGE_BYTES:
        raise SubmissionError(
            f"the task makes a message of {size} bytes, and SQS takes {MAX_MESSAGE_BYTES}: "
            "give large files as inputs (`inputs={'data': Path(…)}`) and write `{{ inputs.data }}` under `inputFiles`"
        )
    deployment.send(deployment.submissions_queue, body)
    return run_id


def fresh_run_id(name: str) -> str:
    """Make a run id that nobody has had: a readable part and 50 random bits."""
    random = base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
    return f"{slug(name)}-{random}"


def slug(name: str) -> str:
    """Lower-case letters and digits with single hyphens between them; `task` when nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", name[:_MAX_SLUG_CHARACTERS].lower()).strip("-") or "task"


def checked_run_id(run_id: str) -> str:
    """Refuse what is no run id."""
    if not _RUN_ID.fullmatch(run_id):
        raise SubmissionError(
            f"`{run_id}` is no run id: use 1 to 128 of A-Z a-z 0-9 . _ - that begin and end with a letter or digit"
        )
    return run_id


def task_name(task: Mapping[str, Any] | str) -> str:
    """Find the name of a flow or task; that of a text is not looked for."""
    if isinstance(task, str):
        return "task"
    name = task.get("id") or task.get("task_id")
    if not name and task.get("tasks"):
        name = task["tasks"][0].get("id")
    return str(name or "task")


def _placed(name: str, value: Any, run_id: str, deployment: Deployment) -> Any:
    if not isinstance(value, (Path, bytes)):
        return value
    if not _INPUT_NAME.fullmatch(name):
        raise SubmissionError(f"`{name}` cannot be the name of an input: use letters, digits, `_` and `-`")
    folder = f"runs/{run_id}/inputs/{name}"
    if isinstance(value, bytes):
        return deployment.put(f"{folder}/content", value)
    if not value.is_file():
        raise SubmissionError(f"input `{name}`: `{value}` is no file")
    return deployment.upload(f"{folder}/{value.name}", str(value))
