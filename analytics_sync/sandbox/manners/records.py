"""Manners of records: records without a time, in place of a record, or without a field.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.timestamps import spell, to_ms
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Subject, manner

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
