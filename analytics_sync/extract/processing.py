"""Processing steps: changes of the records of a page, before they become rows.

In: records as the API gave them. Out: records without those that a filter leaves out, with fields renamed,
dropped or set, or the objects of a list in their place. A record that is no object passes, and is rejected
later. No record is changed in place: the paginator compares pages as they were received.
"""

from __future__ import annotations

import operator
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.steps import Condition, FanOut, ProcessingStep, RecordMap
from analytics_sync.common.errors import InvalidResponse, Place
from analytics_sync.common.exact_json import dumps
from analytics_sync.common.json_path import MISSING, compile_field, lookup, put

_MAX_SHOWN = 80
_SIZES: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Processing:
    """The steps of one read. Threads may share it.

    Args:
        resource: The resource that is read.
        place: For messages.
        redact: Removes secrets from messages.
    """

    def __init__(self, resource: Resource, place: Place, redact: Callable[[str], str]) -> None:
        self._resource = resource
        self._place = place
        self._redact = redact
        self._lock = threading.Lock()
        # of each field that a step needs, whether a record had it
        self._seen: dict[str, bool] = {}

    def apply(self, records: list[Any]) -> list[Any]:
        """The records after all steps.

        Raises:
            InvalidResponse: A field that is to be a list of objects is none.
        """
        for step in self._resource.steps:
            self._note(step, records)
            if step.filter is not None:
                records = [r for r in records if type(r) is not dict or _meets(r, step.filter)]
            elif step.map is not None:
                change = step.map
                records = [_mapped(r, change) if type(r) is dict else r for r in records]
            elif step.yield_map is not None:
                records = [one for r in records for one in self._fan_out(r, step.yield_map)]
        return records

    def message(self) -> str:
        """The fields that no record had; empty if there are none."""
        absent = sorted(name for name, seen in self._seen.items() if not seen)
        if not absent:
            return ""
        return (
            f"No record has the field {' and '.join(map(repr, absent))} that processing_steps of resource "
            f"{self._resource.name!r} need. If the API has renamed it, correct the steps."
        )

    def _note(self, step: ProcessingStep, records: Sequence[Any]) -> None:
        """Note whether records have the fields of a filter or a list."""
        names = [c.field for c in step.filter or ()]
        if step.yield_map is not None:
            names.append(step.yield_map.field)
        for name in names:
            if self._seen.get(name) or not records:
                continue
            has = any(lookup(r, name) is not MISSING for r in records if type(r) is dict)
            with self._lock:
                self._seen[name] = self._seen.get(name, False) or has

    def _fan_out(self, record: Any, fan_out: FanOut) -> list[Any]:
        if type(record) is not dict:
            return [record]
        found = lookup(record, fan_out.field)
        if found is MISSING or found is None:
            return []
        if not isinstance(found, list) or any(type(one) is not dict for one in found):
            shown = self._redact(dumps(found).decode())[:_MAX_SHOWN]
            raise InvalidResponse(
                self._place,
                f"the field {fan_out.field!r} of a record is no list of objects: {shown}.",
                "Correct yield_map of processing_steps.",
            )
        included = {
            name: value
            for name, field in fan_out.include.items()
            if (value := lookup(record, field)) is not MISSING
        }
        return [_with(one, included) for one in found]


def _meets(record: Mapping[str, Any], conditions: Sequence[Condition]) -> bool:
    return all(_meets_one(record, condition) for condition in conditions)


def _meets_one(record: Mapping[str, Any], condition: Condition) -> bool:
    found = lookup(record, condition.field)
    found = None if found is MISSING else found
    expected = condition.value
    match condition.op:
        case "==":
            return bool(found == expected)
        case "!=":
            return bool(found != expected)
        case "in":
            return found in expected
        case "not in":
            return found not in expected
        case "contains":
            if isinstance(found, str):
                return isinstance(expected, str) and expected in found
            return isinstance(found, list | dict) and _holds(found, expected)
        case "exists":
            return (found is not None) == (expected is not False)
        case size:
            is_same_kind = isinstance(found, str) == isinstance(expected, str)
            if found is None or isinstance(found, dict | list) or not is_same_kind:
                return False
            return _SIZES[size](found, expected)


def _holds(found: Any, expected: Any) -> bool:
    try:
        return expected in found
    except TypeError:  # a list is no key of an object
        return False


def _mapped(record: dict[str, Any], change: RecordMap) -> dict[str, Any]:
    # all old values first, so that two fields can change their names
    renamed = {new: lookup(record, old) for old, new in change.rename.items()}
    for name in (*change.rename, *change.drop):
        record = _without(record, compile_field(name).keys)
    record = _with(record, {n: v for n, v in renamed.items() if v is not MISSING})
    return _with(record, change.set)


def _with(record: dict[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in values.items():
        record = put(record, compile_field(name).keys, value)
    return record


def _without(record: dict[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """A copy of a record without the value at ``keys``; a key with dots may be a key of the record."""
    dotted = ".".join(keys)
    if len(keys) > 1 and dotted in record:
        record = {name: value for name, value in record.items() if name != dotted}
    first, *rest = keys
    if first not in record:
        return record
    if not rest:
        return {name: value for name, value in record.items() if name != first}
    below = record[first]
    if not isinstance(below, dict):
        return record
    return {**record, first: _without(below, rest)}
