"""Where Longshore is: its bucket and its queues."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import boto3
from botocore.exceptions import ClientError

from longshore.problems import LongshoreError, NotConfiguredError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from types_boto3_s3 import S3Client
    from types_boto3_sqs import SQSClient

BUCKET = "LONGSHORE_BUCKET"
SUBMISSIONS_QUEUE = "LONGSHORE_SUBMISSIONS_QUEUE"
CANCEL_QUEUE = "LONGSHORE_CANCEL_QUEUE"


@dataclass(frozen=True)
class Deployment:
    """A deployment of `template.yaml`, by the outputs `Bucket`, `SubmissionsQueue` and `CancelQueue` of its stack.

    Region and credentials are those of `session`, else what boto3 finds by itself.
    """

    bucket: str
    submissions_queue: str
    cancel_queue: str | None = None
    session: boto3.session.Session = field(default_factory=boto3.session.Session, repr=False, compare=False)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Deployment:
        """Read the variables that `longshore env` prints."""
        missing = [name for name in (BUCKET, SUBMISSIONS_QUEUE) if not environment.get(name)]
        if missing:
            raise NotConfiguredError(
                f"{' and '.join(missing)} not set: take them from the outputs of the deployed stack, "
                'or from a local one by eval "$(longshore env)"'
            )
        return cls(
            bucket=environment[BUCKET],
            submissions_queue=environment[SUBMISSIONS_QUEUE],
            cancel_queue=environment.get(CANCEL_QUEUE) or None,
        )

    @cached_property
    def _s3(self) -> S3Client:
        return self.session.client("s3")

    @cached_property
    def _sqs(self) -> SQSClient:
        return self.session.client("sqs")

    def send(self, queue: str, body: str) -> None:
        """Send a message."""
        self._sqs.send_message(QueueUrl=queue, MessageBody=body)

    def put(self, key: str, content: bytes) -> str:
        """Write an object and give its `s3://` address."""
        self._s3.put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def upload(self, key: str, path: str) -> str:
        """Write a file of any size and give its `s3://` address."""
        self._s3.upload_file(path, self.bucket, key)
        return f"s3://{self.bucket}/{key}"

    def get(self, key: str) -> bytes | None:
        """Read an object of the bucket as a whole; `None` when there is none.

        Without `s3:ListBucket` S3 answers 403 for an object that does not exist, and that is an error here.
        """
        try:
            return self._s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:  # noqa: PLR2004
                return None
            raise

    def read(self, uri: str, *, last: int | None = None) -> bytes:
        """Read what an `s3://` address of a result names, an output file or a log; of a large one the `last` bytes."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        if not uri.startswith("s3://") or not key:
            raise LongshoreError(f"`{uri}` is no address of an object (s3://bucket/key)")
        if last is None:
            return self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return self._s3.get_object(Bucket=bucket, Key=key, Range=f"bytes=-{last}")["Body"].read()
