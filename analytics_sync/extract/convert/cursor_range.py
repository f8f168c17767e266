"""The range of cursors over many pages, at little cost.

In: the records of page after page. Out: their earliest and latest cursor. Times in one spelling sort as
they are, so that only two records of all pages are read as times. Pages in other spellings are read whole.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from typing import Any

from analytics_sync.extract.convert.cursor import CursorReader, CursorSpan
from analytics_sync.extract.convert.records import Records

_ISO_IN_UTC = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:?00)?")


class CursorRange:
    """The range of the cursors of some pages.

    Args:
        cursor: Reads the cursor of records.
    """

    def __init__(self, cursor: CursorReader) -> None:
        self._cursor = cursor
        # spelling -> lowest and highest value, each with its record
        self._ends: dict[Hashable, tuple[tuple[Any, Any], tuple[Any, Any]]] = {}
        self._others: list[CursorSpan] = []

    def add(self, records: Sequence[Any]) -> None:
        """Add the records of a page."""
        objects = [r for r in records if type(r) is dict]
        if not objects:
            return
        values = Records(objects).field_values(self._cursor.field)
        kinds = set(map(type, values))
        low, high = (min(values), max(values)) if kinds in ({int}, {str}) else (None, None)
        spelling = _spelling(low, high)
        if spelling is None:
            self._others.append(self._cursor.span(objects))
            return
        ends = self._ends.get(spelling)
        first = ends[0] if ends and ends[0][0] <= low else (low, objects[values.index(low)])
        last = ends[1] if ends and ends[1][0] >= high else (high, objects[values.index(high)])
        self._ends[spelling] = first, last

    def span(self) -> CursorSpan:
        """The range of all pages; without an end where a record has no usable cursor."""
        records = [record for ends in self._ends.values() for _, record in ends]
        spans = [*self._others, *([self._cursor.span(records)] if records else [])]
        oldest = [s.oldest for s in spans if s.oldest is not None]
        newest = [s.newest for s in spans if s.newest is not None]
        incomplete = any(s.incomplete for s in spans)
        return CursorSpan(min(oldest, default=None), max(newest, default=None), incomplete)


def _spelling(low: Any, high: Any) -> Hashable | None:
    """The common spelling of the ends of values that sort like their times; None without one."""
    if type(low) is int:
        return int
    if type(low) is str and low and len(low) == len(high) and low[-1] == high[-1]:
        is_time = _ISO_IN_UTC.fullmatch(low) and _ISO_IN_UTC.fullmatch(high)
        return (len(low), low[-1]) if is_time else None
    return None
