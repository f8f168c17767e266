"""The order of a listing: has a series left the window, so that no later page can be in it?

In: the pages of a series whose resource declares ``row_order``. Out: whether the series may stop. The
declaration is a claim. An API may list the other way round, by another field, or with pinned records
before all others. So a series stops only after two pages that keep the order. If they break it, all pages
are read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.cursor import CursorReader, PageOrder
from analytics_sync.extract.result import ReadResult

# An API that sorts by a finer or slightly different time lists neighbours the wrong way round.
_MAX_DISORDER = timedelta(hours=1)


class RowOrder:
    """Follows the order of one series.

    Args:
        incremental: Declares the order.
        window: The window that is read.
        result: Receives the first page that breaks the order.
    """

    def __init__(self, incremental: Incremental, window: Window, result: ReadResult) -> None:
        self._is_newest_first = incremental.row_order == "desc"
        self._window = window
        self._cursor = CursorReader(result.resource)
        self._result = result
        self._number = 0
        self._last: datetime | None = None  # of the page before
        self._forth = self._back = 0  # steps from record to record, along the order and against it
        self._disorder = timedelta()
        self._is_broken = False

    def is_past_window(self, records: Sequence[Any]) -> bool:
        """Whether the series has left the window with this page.

        Args:
            records: The records of the next page.
        """
        if self._is_broken:
            return False
        page = self._cursor.order(records, newest_first=self._is_newest_first)
        if page is None:  # a page without cursors shows no order
            return False
        self._number += 1
        return self._add(page) and self._is_past(page)

    def _add(self, page: PageOrder) -> bool:
        """Add the steps of a page; whether the pages so far keep the order."""
        before, self._last = self._last, page.last
        if before is None:
            # Pinned records may stand on the first page, and break the order.
            if page.disorder <= _MAX_DISORDER:
                self._disorder = page.disorder
            return False
        to_page = page.first - before if self._is_newest_first else before - page.first
        is_after_pinned = self._number == 2 and to_page > timedelta()
        self._forth += page.forth + (to_page < timedelta())
        self._back += page.back + (to_page > timedelta() and not is_after_pinned)
        disorder = page.disorder if is_after_pinned else max(page.disorder, to_page)
        if disorder > _MAX_DISORDER or self._back > max(self._forth, 2):
            self._is_broken = True
            self._result.order_broken_by = self._result.order_broken_by or page.first
            return False
        self._disorder = max(self._disorder, disorder)
        return not is_after_pinned and self._back < self._forth

    def _is_past(self, page: PageOrder) -> bool:
        """Whether a page lies past the window, also if later records are as disordered as the read ones."""
        slack = 2 * self._disorder
        if self._is_newest_first:
            return page.newest + slack < self._window.start
        return page.oldest - slack >= self._window.end
