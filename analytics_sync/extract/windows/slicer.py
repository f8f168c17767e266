"""The slicer: a long window, read in slices concurrently.

In: a window that the API filters by, and a function that reads any slice of it. Out: jobs that read the
window. A window of a few pages costs no more requests than one request series. A window is cut into
slices when its first pages show that many pages follow; the slices request the first pages again. The
same window is cut in the same places again, so that a run can resume after a killed one.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.window import Window
from analytics_sync.extract.concurrency import Job
from analytics_sync.extract.convert.cursor import CursorReader
from analytics_sync.extract.result import Page
from analytics_sync.extract.windows.incremental import is_within, split_window

_PAGES_TO_DECIDE = 8  # a window without an order is long when it has more pages
_MIN_PAGES_TO_SLICE = 16  # of a window with an order
_MIN_PAGES_PER_SLICE = 4
_MAX_BYTES_HELD = 8 << 20  # of pages, while it is not decided whether the window is long


class Slicer:
    """Makes the jobs that read one window.

    Args:
        incremental: How the API filters.
        window: The whole window.
        read: Reads a slice. Its second argument says whether to ignore the journal.
        max_concurrent: How many request series may run at a time, given the bytes of a page.
        cursor: Reads the cursor of records.
        on_long: Called when the window is cut into slices.
    """

    def __init__(
        self,
        incremental: Incremental,
        window: Window,
        read: Callable[[Window, bool], Generator[Page, None, None]],
        max_concurrent: Callable[[int], int],
        cursor: CursorReader,
        on_long: Callable[[], None],
    ) -> None:
        self._incremental = incremental
        self._window = window
        self._read = read
        self._max_concurrent = max_concurrent
        self._cursor = cursor
        self._on_long = on_long
        self._began = datetime.now(UTC)
        self._lock = threading.Lock()
        self._jobs: deque[Job[Page]] = deque([self._read_whole])
        self._late: Job[Page] | None = None
        self._slices_abandoned = False

    def next_job(self, nothing_runs: bool) -> Job[Page] | None:
        """The next job; the slice that holds the present comes after all others have ended."""
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            if nothing_runs and self._late is not None:
                late, self._late = self._late, None
                return late
            return None

    def _read_whole(self) -> Iterator[Page]:
        """Read the window as one; when it turns out to be long, stop and make slices instead."""
        held: list[Page] = []
        undecided = True
        with closing(self._read(self._window, False)) as pages:
            for page in pages:
                held.append(page)
                if undecided and not page.last:
                    count = self._estimated_pages(held)
                    undecided = (
                        count is None
                        and len(held) < _PAGES_TO_DECIDE
                        and sum(page.size for page in held) < _MAX_BYTES_HELD
                    )
                    if undecided:
                        continue
                    is_long = count is None or count >= _MIN_PAGES_TO_SLICE
                    if is_long and self._make_slices(count, page.size):
                        return
                del page
                while held:
                    yield held.pop(0)
        yield from held

    def _estimated_pages(self, first: list[Page]) -> int | None:
        """How many pages an ordered listing will have, judged by the time its first pages cover.

        None when the listing has no order, or when the pages are too few to show one.
        """
        spans = [self._cursor.span(page.records) for page in first]
        edges = [(s.oldest, s.newest) for s in spans if s.oldest and s.newest and not s.incomplete]
        if len(edges) < max(2, len(spans)):
            return None
        steps = list(pairwise(edges))
        if all(before[1] <= after[0] for before, after in steps):
            left = min(self._window.end, self._began) - edges[-1][1]
        elif all(before[0] >= after[1] for before, after in steps):
            left = edges[-1][0] - self._window.start
        else:
            return None
        covered = max(newest for _, newest in edges) - min(oldest for oldest, _ in edges)
        return len(first) + max(0, len(first) * left // covered) if covered else None

    def _make_slices(self, count: int | None, page_size: int) -> bool:
        """Queue a job for each slice, if the slices would be long enough.

        Args:
            count: Estimated pages of the window; None when there is no estimate.
            page_size: Length of a page, in bytes.

        Returns:
            Whether the window was cut.
        """
        limit = self._max_concurrent(page_size)
        if count is not None:
            limit = min(limit, count // _MIN_PAGES_PER_SLICE)
        slices, late = split_window(self._incremental, self._window, self._began, limit)
        if not slices:
            return False
        self._on_long()
        with self._lock:
            self._jobs.extend(self._slice_job(slice_, ignore_journal=False) for slice_ in slices)
            # Ignore the journal for the last slice: records may have moved into it since its pages
            # were kept.
            self._late = self._slice_job(late, ignore_journal=True) if late else None
        return True

    def _slice_job(self, slice_: Window, *, ignore_journal: bool) -> Job[Page]:
        def read() -> Iterator[Page]:
            with closing(self._read(slice_, ignore_journal)) as pages:
                is_first = True
                for page in pages:  # enumerate would hold a page until the next one is there
                    if self._must_stop(is_first, page, slice_):
                        return
                    is_first = False
                    yield page
                    del page

        return read

    def _must_stop(self, is_first: bool, page: Page, slice_: Window) -> bool:
        """Whether reading in slices has been abandoned.

        It is abandoned when the first page of a slice holds other records than requested. Some APIs
        ignore the parameters, and each slice would be the whole listing.
        """
        with self._lock:
            if not self._slices_abandoned and is_first and page.records:
                span = self._cursor.span(page.records)
                if not is_within(self._incremental, slice_, span):
                    self._slices_abandoned = True
                    self._jobs = deque([lambda: self._read(self._window, False)])
                    self._late = None
            return self._slices_abandoned
