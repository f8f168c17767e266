"""``processing_steps``: functions of one record -> the same steps as data, where they have that form.

In: lambdas and functions of the file. Out: ``filter``, ``map`` and ``yield_map`` as mappings, or a to-do.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog.files.yaml_config import Path
from analytics_sync.catalog.from_python.draft import Draft
from analytics_sync.catalog.from_python.filters import NoFilter, conditions_of
from analytics_sync.catalog.from_python.maps import NoMap, fan_out_of, maps_of
from analytics_sync.catalog.from_python.values import Function, Value

_FORMS = {
    "filter": "{field: status, op: '!=', value: deleted}",
    "map": "{rename: {old: new}, drop: [field], set: {field: constant}}",
    "yield_map": "{field: lines}",
}


def write_steps(draft: Draft, value: Value, path: Path) -> Any:
    """The steps as data."""
    if not isinstance(value.data, list):
        return draft.plain(value, path)
    steps: list[Any] = []
    for number, step in enumerate(value.data):
        here = (*path, number)
        draft.mark(here, step)
        if not isinstance(step.data, dict):
            steps.append(draft.plain(step, here))
            continue
        for kind, function in step.data.items():
            steps += _step(draft, str(kind), function, (*here, str(kind)))
    return steps


def _step(draft: Draft, kind: str, value: Value, path: Path) -> list[Any]:
    if kind not in _FORMS or not isinstance(value.data, Function):
        plain = (
            draft.plain(value, path)
            if kind not in _FORMS or isinstance(value.data, dict | str)
            else None
        )
        if plain is None:
            draft.todo(f"this {kind} is code; write it as data: {_FORMS[kind]}", value.line, path)
        return [{kind: plain}]
    try:
        match kind:
            case "filter":
                found: Any = conditions_of(value.data)
                return [{kind: found[0] if len(found) == 1 else found}]
            case "map":
                return [{kind: step} for step in maps_of(value.data)]
            case _:
                return [{kind: fan_out_of(value.data)}]
    except (NoFilter, NoMap) as e:
        draft.todo(f"this {kind} is code ({e}); write it as data: {_FORMS[kind]}", value.line, path)
        return [{kind: None}]
