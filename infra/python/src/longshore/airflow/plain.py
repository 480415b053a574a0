"""Arguments of operators as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

_SECRET = ("deploy_type", "deploy_target", "secret", "key", "items")


def plain(value: Any) -> Any:
    """Write a value as JSON has it.

    Objects of the Kubernetes client become maps with the names of the API, a `Secret` of Airflow's provider a map of
    its members, times whole seconds, code its name. Neither library is imported: who passes such objects has it.
    """
    members = _members(value)
    if members is not None:
        return {str(name): plain(member) for name, member in members.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(plain(item) for item in value)
    if isinstance(value, (list, tuple, range)):
        return [plain(item) for item in value]
    if isinstance(value, timedelta):
        return math.ceil(value.total_seconds())
    if callable(value):
        return f"{value.__module__}.{getattr(value, '__qualname__', type(value).__name__)}"
    return value


def _members(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    names = getattr(value, "attribute_map", None)
    if isinstance(names, Mapping):
        members = {name: getattr(value, attribute) for attribute, name in names.items()}
        return {name: member for name, member in members.items() if member is not None}
    if hasattr(value, "deploy_type"):
        return {name: getattr(value, name) for name in _SECRET if getattr(value, name)}
    return None
