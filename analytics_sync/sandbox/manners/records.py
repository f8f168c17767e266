"""Manners of records: records without a time, in place of a record, or without a field.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import copy
import threading
from collections import defaultdict
from datetime import datetime
from typing import Any

from analytics_sync.catalog import Field
from analytics_sync.sandbox.data.json_path import drop, get_or_none, put
from analytics_sync.sandbox.data.record_place import RecordPlace
from analytics_sync.sandbox.data.response_shape import key_paths
from analytics_sync.sandbox.data.timestamps import DAY_MS, read, spell, to_ms
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.fields import plain_fields
from analytics_sync.sandbox.manners.manner import Hooks, Record, Subject, manner

_ZERO = datetime(1, 1, 1)


def _has_own_cursor(subject: Subject) -> bool:
    """Whether the records hold the time that windows are cut on, and no child needs them."""
    cursor = subject.resource.cursor
    return (
        cursor is not None
        and bodies.is_list(subject)
        and not bodies.has_children(subject)
        and cursor.name not in subject.resource.inherited
        and cursor.column not in subject.resource.key
    )


@manner("times", "provable", _has_own_cursor)
def placeholder_cursor(subject: Subject) -> Hooks:
    """The first record of a page has the year 1, or 0 since 1970, in place of its time."""
    cursor = subject.resource.cursor
    assert cursor is not None
    is_number = cursor.format is not None or cursor.data_type in {"bigint", "double", "decimal"}
    value = 0 if is_number else spell(cursor, to_ms(_ZERO))

    def change(some: list[Any]) -> list[Any]:
        for path in (cursor.path, *cursor.aliases) if some else ():
            if get_or_none(some[0], path) is not None:
                put(some[0], path, value)
        return some

    return Hooks(reply=lambda _, response: bodies.with_records(subject, response, change))


@manner("keys", "provable", _has_own_cursor)
def key_again_each_day(subject: Subject) -> Hooks:
    """Keys are the numbers of the records within their day, so that they come again each day."""
    cursor, paths = subject.resource.cursor, key_paths(subject.resource)
    assert cursor is not None
    numbers: dict[int, dict[tuple[Any, ...], int]] = defaultdict(dict)
    lock = threading.Lock()

    def record(record: Record) -> Record:
        times = (read(cursor, get_or_none(record, p)) for p in (cursor.path, *cursor.aliases))
        day = next((ms // DAY_MS for ms in times if ms is not None), 0)
        key = tuple(str(get_or_none(record, path)) for path in paths)
        with lock:
            number = numbers[day].setdefault(key, len(numbers[day]))
        for path in paths:
            old = get_or_none(record, path)
            put(record, path, number if isinstance(old, int) else str(number))
        return record

    return Hooks(record=record)


@manner("shape", "provable", lambda s: bool(plain_fields(s)))
def withheld_field(subject: Subject) -> Hooks:
    """No record has the last of the fields that are no key."""
    field = plain_fields(subject)[-1]

    def record(record: Record) -> Record:
        for path in (field.path, *field.aliases):
            drop(record, path)
        return record

    return Hooks(record=record)


def _can_be_replaced(subject: Subject) -> bool:
    """Whether the records are a list, have fields beside keys and times, and no child needs them."""
    return (
        bodies.is_list(subject)
        and not bodies.has_children(subject)
        and any(f.null_as is None for f in plain_fields(subject))
    )


@manner("keys", "provable", _can_be_replaced)
def error_for_a_record(subject: Subject) -> Hooks:
    """The first record of a page holds its key, its time and an error, and no field."""
    cursor = subject.resource.cursor
    paths = [*key_paths(subject.resource), *((cursor.path, *cursor.aliases) if cursor else ())]

    def change(some: list[Any]) -> list[Any]:
        if not some:
            return some
        error: Record = {"error": {"code": 403, "message": "not permitted"}}
        for path in paths:
            if (value := get_or_none(some[0], path)) is not None:
                put(error, path, value)
        return [error, *some[1:]]

    return Hooks(reply=lambda _, response: bodies.with_records(subject, response, change))


def _type_of(subject: Subject) -> Field | None:
    """The field that holds the type of a record."""
    return next((f for f in plain_fields(subject) if f.column in {"type", "kind"}), None)


def _has_types(subject: Subject) -> bool:
    """Whether the records of a snapshot have a type, and no child and no filter needs it."""
    return (
        bodies.is_list(subject)
        and RecordPlace(subject.resource).selected is None
        and not bodies.has_children(subject)
        and not subject.source.windowed(subject.resource)
        and subject.resource.parent is None
        and _type_of(subject) is not None
    )


@manner("keys", "provable", _has_types)
def key_again_for_another_type(subject: Subject) -> Hooks:
    """The first record of another page than the first has a key of the first page, and a type."""
    paths, field = key_paths(subject.resource), _type_of(subject)
    assert field is not None
    first: list[Record] = []
    lock = threading.Lock()

    def change(some: list[Any]) -> list[Any]:
        with lock:
            if some and not first:
                first.append(copy.deepcopy(some[0]))
        if some and all(get_or_none(r, p) != get_or_none(first[0], p) for r in some for p in paths):
            for path in paths:
                put(some[0], path, get_or_none(first[0], path))
            put(some[0], field.path, "a type of its own")
        return some

    return Hooks(reply=lambda _, response: bodies.with_records(subject, response, change))
