"""A half-open range of UTC time.

In: two instants. Out: a ``Window``, which partitions, requests and messages share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Window:
    """``[start, end)``, both UTC."""

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
    midnight = instant.time() == datetime.min.time()
    return instant.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
