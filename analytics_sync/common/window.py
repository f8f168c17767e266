"""The window: a half-open range of UTC time.

In: two instants. Out: a ``Window``. Partitions, requests and messages use the same object.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Window:
    """``[start, end)``, both in UTC.

    Raises:
        ValueError: A bound is not in UTC, or the end is not after the start.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a window is given in UTC")
        if not self.start < self.end:
            raise ValueError(f"a window ends after it starts: {self.start} .. {self.end}")

    def __str__(self) -> str:
        return f"[{_short(self.start)} .. {_short(self.end)})"


def _short(instant: datetime) -> str:
    """The date of a midnight, otherwise date and time."""
    midnight = instant.time() == datetime.min.time()
    return instant.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
