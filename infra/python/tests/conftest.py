"""The deployed local stack, one for all tests that need it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import boto3
import pytest

from longshore import Deployment

# Airflow makes its home when it is imported; the tests' is their own.
os.environ["AIRFLOW_HOME"] = tempfile.mkdtemp(prefix="longshore-airflow-")

WORKSPACE = Path(__file__).resolve().parents[3]
PYTHON_IMAGE = "python:3.12"
GREETING_IMAGE = "haskell_example:1"
"""An image of one program, at the path that the variable `GREETING` says: it greets whom its environment names."""

GREETING = """fn main() { println!("Hello, {}", std::env::var("NAME_TO_GREET").unwrap()); }"""


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """The variables of a local stack of the tests' own, whose Python image is the environment of the tests."""
    programs = os.environ.get("LONGSHORE_PROGRAMS")
    assert programs, "set LONGSHORE_PROGRAMS to the directory of the built programs; infra/python/check does"
    state = tmp_path_factory.mktemp("stack")
    command = [str(Path(programs) / "longshore")]
    environment = {**os.environ, "LONGSHORE_STATE": str(state), "LONGSHORE_WORKSPACE": str(WORKSPACE)}
    greeting = compiled(GREETING, tmp_path_factory.mktemp("greeting") / "haskell_example")
    images = ("--image", f"{PYTHON_IMAGE}={sys.prefix}", "--image", f"{GREETING_IMAGE}={greeting.parent}")
    up = ["up", "--owner", str(os.getpid()), "--functions", programs, *images]
    started = subprocess.run(command + up, env=environment, capture_output=True, text=True, check=False)
    assert started.returncode == 0, started.stderr
    try:
        yield {**variables(json.loads((state / "stack.json").read_text())), "GREETING": f"/{greeting.name}"}
    finally:
        subprocess.run([*command, "down"], env=environment, capture_output=True, check=True)


def compiled(source: str, program: Path) -> Path:
    """Make a program that needs no other file, with the compiler that the workspace is built with."""
    command = ["rustc", "-C", "target-feature=+crt-static", "-o", str(program), "-"]
    subprocess.run(command, input=source, text=True, cwd=WORKSPACE, check=True)
    return program


def variables(endpoints: Mapping[str, str]) -> Mapping[str, str]:
    """What `longshore env` exports."""
    return {
        "AWS_ENDPOINT_URL": endpoints["endpointUrl"],
        "AWS_DEFAULT_REGION": endpoints["region"],
        "AWS_ACCESS_KEY_ID": endpoints["accessKeyId"],
        "AWS_SECRET_ACCESS_KEY": endpoints["secretAccessKey"],
        "LONGSHORE_BUCKET": endpoints["bucket"],
        "LONGSHORE_SUBMISSIONS_QUEUE": endpoints["submissionsQueue"],
        "LONGSHORE_CANCEL_QUEUE": endpoints["cancelQueue"],
    }


@pytest.fixture
def deployment(stack: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Deployment:
    """The stack, also as the environment says it."""
    for name in ("AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in stack.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return Deployment.from_environment()
