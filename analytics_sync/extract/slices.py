"""A window that the API cuts, read in parts side by side.

In: a window, and how to walk over any part of it. Out: jobs that read it. A short window costs what
it always cost: it is cut once two pages have shown that it is long, and each part again that has more
than one page; what was read of it till then is read again. The same window is always cut in the same
places, so that a run can go on where another was killed.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from datetime import UTC, datetime

from analytics_sync.extract.reading import Page
from analytics_sync.extract.side_by_side import Job
from analytics_sync.extract.window import Window, parts
from analytics_sync.spec.file import Incremental

_PATIENCE = 2  # pages of a window that is not cut yet; of its parts one
_INTO = 4


class Slices:
    """The parts of one window.

    Args:
        incremental: How the API cuts.
        window: All of it.
        walk: Reads a part; told whether what an earlier run has kept is of no use.
        at_once: How many walks to have side by side, given the size of a page in bytes.
        cuts: Whether a page shows that the API keeps to the window it was asked for.
        is_long: Called when the window is cut.
    """

    def __init__(
        self,
        incremental: Incremental,
        window: Window,
        walk: Callable[[Window, bool], Generator[Page, None, None]],
        at_once: Callable[[int], int],
        cuts: Callable[[Page, Window], bool],
        is_long: Callable[[], None],
    ) -> None:
        self._incremental = incremental
        self._walk = walk
        self._at_once = at_once
        self._cuts = cuts
        self._is_long = is_long
        self._began = datetime.now(UTC)
        self._lock = threading.Lock()
        self._window = window
        self._waiting = deque([(window, _PATIENCE)])
        self._uncut = False
        self._late: Window | None = None
        self._most = 0

    def next_job(self, nothing_runs: bool) -> Job[Page] | None:
        """The next part to read; what holds the present comes when all else is read."""
        with self._lock:
            if self._waiting:
                part, patience = self._waiting.popleft()
                return lambda: self._read(part, patience)
            if nothing_runs and self._late is not None:
                late, self._late = self._late, None
                # what moved out of a part that is read now would not be in what was kept of this one
                return lambda: self._read(late, 0, afresh=True)
            return None

    def _read(self, part: Window, patience: int, *, afresh: bool = False) -> Iterator[Page]:
        held: list[Page] = []
        with closing(self._walk(part, afresh)) as pages:
            for number, page in enumerate(pages):
                if part is not self._window and self._given_up(number, page, part):
                    return
                held.append(page)
                if patience and not page.last:
                    if len(held) < patience:
                        continue
                    if self._cut(part, page.size):
                        return
                    patience = 0
                yield from held
                held = []
        yield from held

    def _given_up(self, number: int, page: Page, part: Window) -> bool:
        """Whether reading in parts has ended, because what came is not of the part asked for.

        Some APIs know no such parameters, and each part would be everything.
        """
        with self._lock:
            if not self._uncut and number == 0 and page.records and not self._cuts(page, part):
                self._uncut = True
                self._waiting = deque([(self._window, 0)])
                self._late = None
            return self._uncut

    def _cut(self, part: Window, size: int) -> bool:
        """Put the parts of a part into its place."""
        with self._lock:
            whole = part is self._window
            if whole:
                self._most = self._at_once(size)
            into = min(_INTO, self._most) if whole else self._most // _INTO
            shorter, late = parts(self._incremental, part, self._began, into)
            if self._uncut or not shorter:
                return False
            self._is_long()
            self._waiting.extend((p, int(whole)) for p in shorter)
            self._late = late or self._late
            return True
