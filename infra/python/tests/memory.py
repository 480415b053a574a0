"""A deployment that remembers what it is sent."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longshore import Deployment


@dataclass(frozen=True)
class Memory(Deployment):
    bucket: str = "bucket"
    submissions_queue: str = "submissions"
    cancel_queue: str | None = "cancel"
    messages: list[tuple[str, Any]] = field(default_factory=list)
    objects: dict[str, bytes] = field(default_factory=dict)

    def send(self, queue: str, body: str) -> None:
        self.messages.append((queue, json.loads(body)))

    def put(self, key: str, content: bytes) -> str:
        self.objects[key] = content
        return f"s3://{self.bucket}/{key}"

    def upload(self, key: str, path: str) -> str:
        return self.put(key, Path(path).read_bytes())

    def get(self, key: str) -> bytes | None:
        return self.objects.get(key)

    def end(self, run_id: str, state: str, **members: Any) -> None:
        """Let a run have ended."""
        result = {"formatVersion": 1, "runId": run_id, "state": state, "attempt": 1, **members}
        self.objects[f"runs/{run_id}/result.json"] = json.dumps(result).encode()
