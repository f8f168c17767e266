"""The cursor reader: when the records of a page were created or changed.

In: records of a resource that declares a cursor field. Out: the cursor as an Arrow column, or its
earliest and latest value. Reading only the cursor is far cheaper than converting all columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.catalog import Resource
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.arrays import TIMESTAMP, to_array
from analytics_sync.extract.convert.extras import Extras
from analytics_sync.extract.convert.records import Records


class CursorSpan(NamedTuple):
    """The range of the cursors of some records, in UTC.

    Attributes:
        oldest: The earliest cursor; None when no record has one.
        newest: The latest cursor; None when no record has one.
        incomplete: Whether the range is uncertain, because a record has no usable cursor or there
            are no records.
    """

    oldest: datetime | None
    newest: datetime | None
    incomplete: bool


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
        objects = [r for r in records if type(r) is dict]
        if not objects:
            return CursorSpan(None, None, True)
        cursor = self.column(Records(objects), {})
        ends = pc.min_max(cursor.cast(TIMESTAMP)).as_py()
        return CursorSpan(ends["min"], ends["max"], cursor.null_count > 0)

    def newest_cursor(self, records: Sequence[Any]) -> datetime | None:
        """The latest cursor among ``records``, in UTC; None when no record has one."""
        return self.span(records).newest

    def is_past(self, records: Sequence[Any], window: Window, *, newest_first: bool) -> bool:
        """Whether a whole page lies past the window, so that an ordered listing can stop."""
        oldest, newest, incomplete = self.span(records)
        if incomplete or oldest is None or newest is None:
            return False
        return newest < window.start if newest_first else oldest >= window.end


def in_window(cursor: pa.Array, window: Window) -> pa.Array:
    """For each cursor, whether it lies in the half-open window; null where the cursor is null."""
    instants = cursor.cast(TIMESTAMP)
    start = pa.scalar(window.start.astimezone(UTC), TIMESTAMP)
    end = pa.scalar(window.end.astimezone(UTC), TIMESTAMP)
    return pc.and_(pc.greater_equal(instants, start), pc.less(instants, end))
