"""Texts of a task document."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_BEGINS_TEMPLATE = re.compile(r"\{\{|\{%")


def literal(value: Any) -> Any:
    """Write texts so that they stay as they are when Longshore renders the templates of the document.

    Keys of maps are texts too.
    """
    if isinstance(value, str):
        return _BEGINS_TEMPLATE.sub(lambda begin: "{{ '" + begin.group() + "' }}", value)
    if isinstance(value, Mapping):
        return {literal(key): literal(member) for key, member in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [literal(item) for item in value]
    return value
