"""The cursor reader: when the records of a page were created or changed.

In: records of a resource that declares a cursor field. Out: the cursor as an Arrow column, or its
earliest and latest value. Reading only the cursor is far cheaper than converting all columns.

Some APIs send a placeholder where a record has no time: the zero of a programming language or of a
database, or a day that never comes. No window holds such a record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Resource
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import TIMESTAMP, to_array
from analytics_sync.extract.convert.extras import Extras
from analytics_sync.extract.convert.records import Records

_LAST_OF_INT32 = (2**31 - 1) * 1_000_000  # microseconds since 1970
_PLACEHOLDERS = pa.concat_arrays(
    [
        pa.array([datetime(1899, 12, 30), datetime(1899, 12, 31), datetime(1900, 1, 1)], TIMESTAMP),
        pa.array([0, _LAST_OF_INT32], TIMESTAMP),
    ]
)
# A zero may have been moved by a zone's offset. A last day has many spellings.
_AFTER_ZERO = pa.scalar(datetime(1, 1, 3, tzinfo=UTC), TIMESTAMP)
_NEVER = pa.scalar(datetime(2900, 1, 1, tzinfo=UTC), TIMESTAMP)


class CursorSpan(NamedTuple):
    """The range of the cursors of some records, in UTC.

    Attributes:
        oldest: The earliest cursor; None when no record has one.
        newest: The latest cursor; None when no record has one.
        incomplete: Whether the range is uncertain, because a record has no usable cursor, or a
            placeholder, or there are no records.
    """

    oldest: datetime | None
    newest: datetime | None
    incomplete: bool


class PageOrder(NamedTuple):
    """The order of the cursors of one page, in UTC.

    Attributes:
        first: The cursor of the first record.
        last: The cursor of the last record.
        oldest: The earliest cursor.
        newest: The latest cursor.
        forth: Number of records that come after the record before them in the order.
        back: Number of records that come before it.
        disorder: By how much a cursor goes back against the order, at most.
    """

    first: datetime
    last: datetime
    oldest: datetime
    newest: datetime
    forth: int
    back: int
    disorder: timedelta


class CursorReader:
    """Reads the cursor field of a resource's records.

    Args:
        resource: The declaration of a resource that has a cursor field.
    """

    def __init__(self, resource: Resource) -> None:
        assert resource.cursor is not None, f"{resource} declares no cursor"
        self.field = resource.cursor
        self._is_key = self.field.column in resource.key

    def column(self, records: Records, extras: Extras) -> pa.Array:
        """The cursor of each record, null where it is unusable; the value then goes to ``extras``."""
        values = records.field_values(self.field)
        return to_array(self.field, values, extras, is_key=self._is_key)

    def span(self, records: Sequence[Any]) -> CursorSpan:
        """Earliest and latest cursor of ``records``; a record that is not an object is left out."""
        cursor = self._times(records)
        if cursor is None:
            return CursorSpan(None, None, True)
        ends = pc.min_max(cursor).as_py()
        return CursorSpan(ends["min"], ends["max"], cursor.null_count > 0)

    def has(self, records: Sequence[Any], when: datetime | Window) -> bool:
        """Whether the cursor of a record is an instant, or lies in a window."""
        times = self._times(records)
        if times is None:
            return False
        if isinstance(when, Window):
            return bool(pc.any(in_window(times, when)).as_py())
        return bool(pc.any(pc.equal(times, pa.scalar(when, TIMESTAMP))).as_py())

    def newest_cursor(
        self, records: Sequence[Any], until: datetime | None = None
    ) -> datetime | None:
        """The latest cursor among ``records``, in UTC, that is not after ``until``; None without one."""
        times = self._times(records)
        if times is not None and until is not None:
            times = times.filter(pc.less_equal(times, pa.scalar(until, TIMESTAMP)))
        return None if times is None else pc.max(times).as_py()

    def order(self, records: Sequence[Any], *, newest_first: bool) -> PageOrder | None:
        """The order of the cursors of ``records``; None when a record has no usable cursor.

        Args:
            records: The records of a page.
            newest_first: Whether the cursors should descend.
        """
        cursor = self._times(records)
        if cursor is None or cursor.null_count or not len(cursor):
            return None
        ends = pc.min_max(cursor).as_py()
        times = cursor.cast(pa.int64())
        one, next_one = times.slice(0, len(times) - 1), times.slice(1)
        steps = pc.subtract(next_one, one) if newest_first else pc.subtract(one, next_one)
        return PageOrder(
            cursor[0].as_py(), cursor[-1].as_py(), ends["min"], ends["max"],
            forth=pc.sum(pc.less(steps, 0)).as_py() or 0,
            back=pc.sum(pc.greater(steps, 0)).as_py() or 0,
            disorder=timedelta(microseconds=max(0, pc.max(steps).as_py() or 0)),
        )  # fmt: skip

    def _times(self, records: Sequence[Any]) -> pa.Array | None:
        """The cursors, null where they are no times; None without an object among the records."""
        objects = [r for r in records if type(r) is dict]
        if not objects:
            return None
        cursor = self.column(Records(objects), {}).cast(TIMESTAMP)
        if (without_time := placeholders(cursor)) is not None:
            cursor = pc.if_else(without_time, None, cursor)
        return cursor


def placeholders(cursor: pa.Array, window: Window | None = None) -> pa.Array | None:
    """For each cursor, whether it is a placeholder; None if no cursor is one.

    Args:
        cursor: The cursors; null stays null.
        window: Its cursors are times, whatever they are. None without a window.
    """
    instants = cursor.cast(TIMESTAMP)
    ends = pc.min_max(instants)
    low, high = ends["min"].value, ends["max"].value  # microseconds since 1970
    if low is None or 0 < low <= high < _LAST_OF_INT32:
        return None
    found = pc.is_in(instants, _PLACEHOLDERS)
    found = pc.or_(found, pc.less(instants, _AFTER_ZERO))
    found = pc.or_(found, pc.greater_equal(instants, _NEVER))
    if window is not None:
        found = pc.and_(found, pc.invert(in_window(cursor, window)))
    return found if pc.any(found).as_py() else None


def in_window(cursor: pa.Array, window: Window) -> pa.Array:
    """For each cursor, whether it lies in the half-open window; null where the cursor is null."""
    instants = cursor.cast(TIMESTAMP)
    start = pa.scalar(window.start.astimezone(UTC), TIMESTAMP)
    end = pa.scalar(window.end.astimezone(UTC), TIMESTAMP)
    return pc.and_(pc.greater_equal(instants, start), pc.less(instants, end))
