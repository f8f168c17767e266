"""Records before their processing steps: what an API must serve, so that the declared rows come out.

In: a record as the table has it. Out: the record whose steps give it: fields under their old names, values that
a filter keeps, and the list that a record is an element of.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.steps import Condition, ProcessingStep
from analytics_sync.catalog.naming import ROW_HASH
from analytics_sync.sandbox.data.declared_path import path_of
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put

_CHOSEN = {"==": lambda value: value, "in": lambda value: value[0], "contains": lambda value: value}


def is_changed(resource: Resource) -> bool:
    """Whether an API serves other records than the rows are made of."""
    return bool(resource.steps) or resource.has_row_hash


def unprocessed(resource: Resource, record: dict[str, Any]) -> dict[str, Any]:
    """The record that the steps of a resource turn into ``record``.

    Args:
        resource: The declaration.
        record: A record of the table; it is changed.
    """
    record.pop(ROW_HASH, None)
    for step in reversed(resource.steps):
        record = _before(step, record)
    return record


def _before(step: ProcessingStep, record: dict[str, Any]) -> dict[str, Any]:
    if step.yield_map is not None:
        around: dict[str, Any] = {}
        for name, field in step.yield_map.include.items():
            put(around, path_of(field), get_or_none(record, path_of(name)))
        put(around, path_of(step.yield_map.field), [record])
        return around
    if step.map is not None:
        for name in step.map.set:
            drop(record, path_of(name))
        values = {old: get_or_none(record, path_of(new)) for old, new in step.map.rename.items()}
        for new in step.map.rename.values():
            drop(record, path_of(new))
        for old, value in values.items():
            put(record, path_of(old), value)
        for name in step.map.drop:
            put(record, path_of(name), "not for the table")
    for condition in step.filter or ():
        _meet(condition, record)
    return record


def _meet(condition: Condition, record: dict[str, Any]) -> None:
    """Give a record a value that the filter keeps, where the comparison names one."""
    path = path_of(condition.field)
    if condition.op in _CHOSEN:
        put(record, path, _CHOSEN[condition.op](condition.value))
    elif condition.op == "exists":
        if condition.value is False:
            drop(record, path)
        elif get_or_none(record, path) is None:
            put(record, path, "here")
    elif condition.op in {"!=", "not in"} and get_or_none(record, path) is None:
        put(record, path, "another")
    elif condition.op in {">=", "<="}:
        put(record, path, condition.value)
    elif condition.op in {">", "<"} and not isinstance(condition.value, str):
        put(record, path, condition.value + (1 if condition.op == ">" else -1))
