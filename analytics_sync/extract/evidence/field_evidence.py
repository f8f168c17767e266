"""The evidence about the filter's field: does the API filter by ``cursor_path``?

In: the bounds of each request of a window, and the cursors of its records. Out: a request that tests a
record beside the bounds; and a sentence. An API that filters by the time of creation gives records that
were changed long after the window, and leaves out old ones that were changed in it. An API that ignores
its bounds also gives records beside them. Bounds around such a record decide: an API that filters by
another field does not give it again.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import Bounds, BoundsFormat
from analytics_sync.extract.convert.cursor import CursorSpan

_LEAST = timedelta(minutes=30)  # beside the bounds
_PRESENT = timedelta(minutes=15)  # a record that has just changed may be found by its old time


class FieldEvidence:
    """The evidence of the requests of one window.

    Args:
        spelled: How the bounds are spelled and read, by declaration.
        now: When the window was read.
    """

    def __init__(self, spelled: BoundsFormat, now: datetime) -> None:
        self._format = spelled
        self._now = now
        self._beside: tuple[datetime, Bounds] | None = None
        self.first_page: CursorSpan | None = None
        """The cursors of the first page of the request that gave the record beside the bounds."""

    def add(self, bounds: Bounds, span: CursorSpan, first_page: CursorSpan) -> None:
        """Add the records that the API gave for these bounds.

        Args:
            bounds: The bounds that were sent.
            span: The cursors of all pages that were looked at.
            first_page: The cursors of the first page.
        """
        if self._beside is not None or span.oldest is None or span.newest is None:
            return
        is_after = span.newest >= self._format.latest(bounds) + _LEAST
        is_before = span.oldest <= self._format.earliest(bounds) - _LEAST
        for is_beside, cursor in ((is_after, span.newest), (is_before, span.oldest)):
            if is_beside and abs(self._now - cursor) > _PRESENT:
                self._beside, self.first_page = (cursor, bounds), first_page

    def test(self) -> tuple[datetime, Bounds] | None:
        """The cursor of a record beside the bounds, and bounds around it; None without a doubt."""
        if self._beside is None:
            return None
        cursor, _ = self._beside
        around = Window(cursor, cursor + max(self._format.unit, timedelta(seconds=1)))
        return cursor, self._format.of(around)

    def message(self) -> str:
        """What was sent, and what came."""
        assert self._beside is not None
        cursor, bounds = self._beside
        start, end = self._format.values(bounds)
        return (
            f"A record of {cursor:%Y-%m-%dT%H:%M:%SZ} came for the bounds {start} and {end}, and does not "
            "come for bounds around its own time: the API filters by another field than cursor_path, so "
            "records of the window may be missing. Correct cursor_path, start_param and end_param of "
            "incremental, or leave the parameters out to filter here."
        )
