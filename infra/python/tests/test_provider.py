"""The arguments of the provider's operator, all of them, in ours and in the table for those who come from Airflow."""

from __future__ import annotations

import inspect
import re

from airflow.providers.cncf.kubernetes.operators.pod import KubernetesPodOperator
from airflow.sdk import BaseOperator

from conftest import WORKSPACE
from longshore.airflow import LongshorePodOperator, LongshoreRunOperator

OWN = frozenset({"self", "kwargs"})


def arguments(operator: type[BaseOperator]) -> set[str]:
    return set(inspect.signature(operator.__init__).parameters) - OWN


def in_table() -> set[str]:
    """The first column of the table of the operator's arguments, which is written from the reader's catalogue."""
    page = (WORKSPACE / "docs" / "FROM-AIRFLOW.md").read_text(encoding="utf-8")
    table = page.split("\n## KubernetesPodOperator\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))


def test_every_argument_of_the_provider_is_one_of_ours() -> None:
    ours = arguments(LongshorePodOperator) | arguments(LongshoreRunOperator)
    provider = arguments(KubernetesPodOperator)
    assert len(provider) > 60
    assert provider - ours == set()


def test_every_argument_of_the_provider_and_of_all_operators_is_in_the_table() -> None:
    assert arguments(KubernetesPodOperator) - in_table() == set()
    # There, `executor` names Airflow's; in a document it says what kind of task this is.
    assert arguments(BaseOperator) - in_table() == {"executor"}


def test_what_the_provider_renders_is_rendered() -> None:
    assert set(KubernetesPodOperator.template_fields) - set(LongshorePodOperator.template_fields) == set()
    assert LongshorePodOperator.template_fields_renderers == KubernetesPodOperator.template_fields_renderers


def test_each_argument_means_the_same_to_python() -> None:
    provider = inspect.signature(KubernetesPodOperator.__init__).parameters
    ours = inspect.signature(LongshorePodOperator.__init__).parameters
    for name in arguments(KubernetesPodOperator) & set(ours):
        assert provider[name].kind == ours[name].kind, name
