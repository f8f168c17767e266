"""Totals by time: what the API reported for each request series, and what came.

In: the end of each series, with the time that it was requested for. Out: both numbers for the partitions of a
read. A request that is for several partitions counts for each of them: it cannot be known which of them lacks
records.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from analytics_sync.common.window import Window


class Total(NamedTuple):
    """Numbers of records.

    Attributes:
        expected: As the API reported.
        read: As they came.
    """

    expected: int
    read: int


@dataclass
class _Series:
    """The request series of one window.

    Attributes:
        expected: Sum of the totals; None when a series had none.
        read: Number of records that came.
        is_short: Whether a series had fewer records than its total.
    """

    expected: int | None = 0
    read: int = 0
    is_short: bool = False


class Totals:
    """The totals of all request series of a read."""

    def __init__(self) -> None:
        self._by_window: dict[Window | None, _Series] = {}

    def add(self, window: Window | None, expected: int | None, read: int) -> None:
        """Add a series.

        Args:
            window: The time that it was requested for; None for everything.
            expected: The total that the API reported; None without one.
            read: How many records came.
        """
        series = self._by_window.setdefault(window, _Series())
        series.read += read
        if expected is None or series.expected is None:
            series.expected = None
        else:
            series.expected += expected
        series.is_short |= expected is not None and read < expected

    @property
    def short(self) -> list[Window] | None:
        """The windows with a series that had fewer records than its total; None for everything."""
        found = [window for window, series in self._by_window.items() if series.is_short]
        windows = [window for window in found if window is not None]
        return windows if len(windows) == len(found) else None

    def by_window(self, windows: Sequence[Window]) -> list[Total | None]:
        """The totals of the requests for each of some windows.

        None where the numbers of the whole read are the only ones: a request is for all of the windows, a
        series has no total, or one that is short is for none of the windows.
        """
        nothing: list[Total | None] = [None] * len(windows)
        short = self.short
        if short is None or not all(any(w.overlaps(s) for w in windows) for s in short):
            return nothing
        return [self._of(window) for window in windows]

    def _of(self, window: Window) -> Total | None:
        series = [s for w, s in self._by_window.items() if w is None or window.overlaps(w)]
        if not series or len(series) == len(self._by_window):
            return None
        totals = [s.expected for s in series if s.expected is not None]
        if len(totals) < len(series):
            return None
        return Total(sum(totals), sum(s.read for s in series))
