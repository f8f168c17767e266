"""The window: a half-open range of UTC time.

In: two instants. Out: a ``Window``. Partitions, requests and messages use the same object.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta, tzinfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""The instant that numbers of seconds count from."""


@dataclass(frozen=True)
class Window:
    """``[start, end)``, both in UTC.

    Attributes:
        start: The first instant.
        end: The instant after the last one.
        zone: The zone in which the window is a whole number of days; None for UTC, or for no such zone.

    Raises:
        ValueError: A bound is not in UTC, or the end is not after the start.
    """

    start: datetime
    end: datetime
    zone: tzinfo | None = field(default=None, compare=False, kw_only=True)

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError("a window is given in UTC")
        if not self.start < self.end:
            raise ValueError(f"a window ends after it starts: {self.start} .. {self.end}")

    def overlaps(self, other: Window) -> bool:
        """Whether both windows hold an instant."""
        return self.start < other.end and other.start < self.end

    def of_dates(self) -> Window:
        """The window of dates without a time of day, as UTC days.

        Such a date is the whole day in the zone of the window, wherever that day lies in UTC. A day of
        which the window holds a part counts as a whole.
        """
        if self.zone is None:
            return self
        first = self.start.astimezone(self.zone).date()
        last = (self.end - timedelta(microseconds=1)).astimezone(self.zone).date()
        start, end = (datetime.combine(d, time(tzinfo=UTC)) for d in (first, last))
        return Window(start, end + timedelta(days=1))

    def __str__(self) -> str:
        return f"[{_short(self.start)} .. {_short(self.end)})"


def _short(instant: datetime) -> str:
    """The date of a midnight, otherwise date and time."""
    midnight = instant.time() == datetime.min.time()
    return instant.strftime("%Y-%m-%d" if midnight else "%Y-%m-%dT%H:%M:%SZ")
