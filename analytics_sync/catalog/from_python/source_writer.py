"""The writer of one source: a configuration as values -> the draft of a catalog file.

In: a ``FoundSource``. Out: its ``Draft``.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from analytics_sync.catalog.from_python.client_keys import write_client
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.resource_keys import write_defaults, write_resource
from analytics_sync.catalog.from_python.values import Code, FoundSource, Value

# Calls on a source that change its rows, and those that choose what one run loads.
_CHANGES = frozenset(
    {"add_map", "add_filter", "add_yield_map", "add_step", "apply_hints", "pipe", "bind", "apply"}
)
_CHOICES = frozenset({"with_resources", "add_limit"})

_ANY_NAME = frozenset({"source", "src", "data", "api", "config", "resource", "resources", "result"})


def write_source(found: FoundSource) -> Draft:
    """The draft of a catalog file for one source."""
    draft = Draft(name=found.name, fallback=_fallback(found), line=found.line)
    value = found.config
    if not isinstance(value.data, dict):
        why = (
            value.data.why if isinstance(value.data, Code) else "the configuration is no dictionary"
        )
        line = value.data.line if isinstance(value.data, Code) else value.line
        draft.todo(f"{why}; write the configuration into this file", line)
        draft.data = {"client": {}, "resources": []}
        return draft
    draft.mark((), value)
    _write(draft, value)
    for why, line in found.others:
        draft.todo(f"{why}; load it by a program of its own, or declare its endpoint", line)
    for name, line in found.changes:
        if name in _CHANGES:
            draft.todo(
                f"{name} changes the source afterwards; write it into the resource, as processing_steps or keys",
                line,
            )
        elif name in _CHOICES:
            draft.note(f"{name} is left out: choose resources when you start a run", line)
    return draft


def _fallback(found: FoundSource) -> str:
    """The name of the variable or function that holds a source without a name."""
    named = found.variable if found.variable not in _ANY_NAME else ""
    return named or found.place


def _write(draft: Draft, value: Value) -> None:
    keys: dict[Any, Value] = value.data
    client, prefix = write_client(draft, keys["client"]) if "client" in keys else (None, "")
    data: dict[str, Any] = {}
    if client is not None:
        data["client"] = client
    days: list[date] = []
    defaults: dict[str, Any] = {}
    declared = keys.get("resource_defaults")
    if declared is not None and declared.data is not None:
        written, cursor = write_defaults(draft, declared, prefix)
        data["resource_defaults"] = written
        defaults = dict(written) if isinstance(written, dict) else {}
        days += [cursor.first_day] if cursor and cursor.first_day else []
    for key, item in keys.items():
        if key not in {"client", "resource_defaults", "resources"}:
            data[str(key)] = draft.plain(item, (str(key),))
    if "resources" in keys:
        data["resources"] = _resources(draft, keys["resources"], prefix, defaults, days)
    if days:
        data = {"start_date": min(days).isoformat(), **data}
    draft.data = data


def _resources(
    draft: Draft, value: Value, prefix: str, defaults: dict[str, Any], days: list[date]
) -> Any:
    draft.mark(("resources",), value)
    if not isinstance(value.data, list):
        return draft.plain(value, ("resources",))
    resources: list[Any] = []
    for number, item in enumerate(value.data):
        written, cursor = write_resource(draft, item, number, prefix, defaults)
        resources.append(written)
        days += [cursor.first_day] if cursor and cursor.first_day else []
    return resources
