"""A window that the API cuts, read in parts side by side.

In: a window, and how to walk over any part of it. Out: jobs that read it. A window of a few pages costs
what one walk costs; one whose first pages show that there are many more is cut, and those pages are
read again with their parts. The same window is cut in the same places again, so that a run can go on
where another was killed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from analytics_sync.catalog.models import Incremental
from analytics_sync.common.window import Window
from analytics_sync.extract.concurrency import Job
from analytics_sync.extract.incremental import is_within, split_window
from analytics_sync.extract.result import Page

_LOOKS = 8  # pages after which a window without an order is long
_MANY = 16  # pages that make it worth to read an ordered one in parts
_A_PART = 4  # pages that each part shall have
_MUCH = 8 << 20  # bytes of pages to hold back while it is not clear how long the window is

Span = Callable[[list[Any]], tuple[datetime | None, datetime | None, bool]]


class Slicer:
    """The parts of one window.

    Args:
        incremental: How the API cuts.
        window: All of it.
        walk: Reads a part; told whether what an earlier run has kept is of no use.
        at_once: How many walks to have side by side, given the size of a page in bytes.
        span: Earliest and latest cursor of records, and whether some record has none.
        is_long: Called when the window is cut.
    """

    def __init__(
        self,
        incremental: Incremental,
        window: Window,
        walk: Callable[[Window, bool], Generator[Page, None, None]],
        at_once: Callable[[int], int],
        span: Span,
        is_long: Callable[[], None],
    ) -> None:
        self._incremental = incremental
        self._window = window
        self._walk = walk
        self._at_once = at_once
        self._span = span
        self._is_long = is_long
        self._began = datetime.now(UTC)
        self._lock = threading.Lock()
        self._jobs: deque[Job[Page]] = deque([self._whole])
        self._late: Job[Page] | None = None
        self._uncut = False

    def next_job(self, nothing_runs: bool) -> Job[Page] | None:
        """The next part to read; what holds the present comes when all else is read."""
        with self._lock:
            if self._jobs:
                return self._jobs.popleft()
            if nothing_runs and self._late is not None:
                late, self._late = self._late, None
                return late
            return None

    def _whole(self) -> Iterator[Page]:
        held: list[Page] = []
        undecided = True
        with closing(self._walk(self._window, False)) as pages:
            for page in pages:
                held.append(page)
                if undecided and not page.last:
                    count = self._count(held)
                    undecided = (
                        count is None
                        and len(held) < _LOOKS
                        and sum(page.size for page in held) < _MUCH
                    )
                    if undecided:
                        continue
                    if (count is None or count >= _MANY) and self._cut(count, page.size):
                        return
                yield from held
                held = []
        yield from held

    def _count(self, first: list[Page]) -> int | None:
        """How many pages an ordered listing will have, judged by the time its first ones take up.

        None when it has no order, or when there is too little to see one.
        """
        spans = [self._span(page.records) for page in first]
        edges = [(old, new) for old, new, unclear in spans if old and new and not unclear]
        if len(edges) < max(2, len(spans)):
            return None
        steps = list(pairwise(edges))
        if all(before[1] <= after[0] for before, after in steps):
            left = min(self._window.end, self._began) - edges[-1][1]
        elif all(before[0] >= after[1] for before, after in steps):
            left = edges[-1][0] - self._window.start
        else:
            return None
        took = max(new for _, new in edges) - min(old for old, _ in edges)
        return len(first) + max(0, len(first) * left // took) if took else None

    def _cut(self, count: int | None, size: int) -> bool:
        """Put parts into the place of the whole, if they would be long enough."""
        most = self._at_once(size)
        if count is not None:
            most = min(most, count // _A_PART)
        shorter, late = split_window(self._incremental, self._window, self._began, most)
        if not shorter:
            return False
        self._is_long()
        with self._lock:
            self._jobs.extend(self._slice(slice_, False) for slice_ in shorter)
            # what moved out of a part that is read now would not be in what was kept of this one
            self._late = self._slice(late, True) if late else None
        return True

    def _slice(self, slice_: Window, ignore_journal: bool) -> Job[Page]:
        def read() -> Iterator[Page]:
            with closing(self._walk(slice_, ignore_journal)) as pages:
                for number, page in enumerate(pages):
                    if self._given_up(number, page, slice_):
                        return
                    yield page

        return read

    def _given_up(self, number: int, page: Page, slice_: Window) -> bool:
        """Whether reading in parts has ended, because what came is not of the part asked for.

        Some APIs know no such parameters, and each part would be everything.
        """
        with self._lock:
            if not self._uncut and number == 0 and page.records:
                oldest, newest, unclear = self._span(page.records)
                inside = is_within(self._incremental, slice_, oldest, newest, unclear)
                if not inside:
                    self._uncut = True
                    self._jobs = deque([lambda: self._walk(self._window, False)])
                    self._late = None
            return self._uncut
