"""The times of the rows of a read: how many rows belong to which quarter of an hour.

In: the cursor column of the rows that are loaded. Out: ``RowTimes``, from which the rows of any partition
can be counted. A partition begins at a whole quarter of an hour in every time zone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate

import pyarrow as pa
import pyarrow.compute as pc

from analytics_sync.common.quarters import joined
from analytics_sync.common.window import EPOCH, Window

_TIMESTAMP = pa.timestamp("us", "UTC")


@dataclass(frozen=True)
class RowTimes:
    """When the rows of a read belong.

    Attributes:
        counts: Number of rows by the quarter of an hour in which their cursor is: its first instant, in
            microseconds since 1970.
        newest: The latest cursor; None without a row.
        has_dates: Whether the cursors are dates without a time of day.
    """

    counts: Mapping[int, int] = field(default_factory=dict)
    newest: datetime | None = None
    has_dates: bool = False

    @property
    def windows(self) -> list[Window]:
        """The times of the rows, as windows."""
        return joined(EPOCH + timedelta(microseconds=quarter) for quarter in self.counts)

    def rows_in(self, windows: Sequence[Window]) -> list[int]:
        """The number of rows in each of some windows."""
        bounds = [w.of_dates() if self.has_dates else w for w in windows]
        ends = [(_microseconds(w.start), _microseconds(w.end)) for w in bounds]
        quarters = sorted(self.counts)
        totals = list(accumulate((self.counts[q] for q in quarters), initial=0))
        return [
            totals[bisect_left(quarters, end)] - totals[bisect_left(quarters, start)]
            for start, end in ends
        ]


def row_times(cursors: pa.ChunkedArray, dropped: Sequence[int]) -> RowTimes:
    """The times of rows.

    Args:
        cursors: The cursor of each row, a time or a date.
        dropped: Positions of rows that are not loaded.
    """
    if dropped:
        gone = set(dropped)
        cursors = cursors.filter(pa.array(i not in gone for i in range(len(cursors))))
    if not len(cursors):
        return RowTimes()
    times = cursors.cast(_TIMESTAMP)
    quarters = pc.floor_temporal(times, 15, unit="minute").cast(pa.int64())
    counts = {c["values"]: c["counts"] for c in pc.value_counts(quarters).to_pylist()}
    return RowTimes(counts, pc.max(times).as_py(), pa.types.is_date(cursors.type))


def _microseconds(instant: datetime) -> int:
    return round(instant.astimezone(UTC).timestamp()) * 1_000_000
