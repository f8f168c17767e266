"""The evidence about bounds: do the records lie within the bounds that were sent?

In: the bounds of each request of a window, and the cursors of its records. Out: a suspicion that the API
reads the bounds in another time zone than declared; a request that tests it; and a sentence that names
the zone. Few records prove nothing. Records beside the bounds do, if one shift explains them all.
An API that ignores its parameters can look the same by chance, so the test decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from analytics_sync.extract.bounds import Bounds, BoundsFormat
from analytics_sync.extract.convert.cursor import CursorSpan

_HOUR = timedelta(hours=1)
_QUARTER = timedelta(minutes=15)
_LEAST_DISTANCE = timedelta(minutes=1)  # of a record from the bounds: a test request decides
_MOST_SHIFT = timedelta(hours=26)  # from UTC-12 to UTC+14
_MAX_NAMED = 3


class BoundsEvidence:
    """The evidence of the requests of one window.

    Args:
        spelled: How the bounds are spelled and read, by declaration.
    """

    def __init__(self, spelled: BoundsFormat) -> None:
        self._format = spelled
        self._least: timedelta | None = None  # by so much the records lie after the bounds, or more
        self._most: timedelta | None = None  # or less
        self._first: tuple[datetime, Bounds] | None = None  # the oldest record, and its bounds
        self._last: tuple[datetime, Bounds] | None = None  # the newest one

    def add(self, bounds: Bounds, span: CursorSpan) -> None:
        """Add the records of a page that the API gave for these bounds."""
        if span.oldest is None or span.newest is None:
            return
        least = span.newest - self._format.latest(bounds)
        most = span.oldest - self._format.earliest(bounds)
        if self._least is None or least > self._least:
            self._least, self._last = least, (span.newest, bounds)
        if self._most is None or most < self._most:
            self._most, self._first = most, (span.oldest, bounds)

    def test(self) -> Bounds | None:
        """Bounds just beside the ones sent, which would give the records outside; None without doubt."""
        least, most, unit = self._least, self._most, self._format.unit
        if (
            least is None
            or most is None
            or least > most + 2 * unit
            or not self._format.is_zone_known
        ):
            return None
        gap = unit if unit < _QUARTER else timedelta()
        if _LEAST_DISTANCE <= least <= _MOST_SHIFT and self._last:
            newest, bounds = self._last
            after = self._format.wall(self._format.latest(bounds)) + gap
            return Bounds(after, max(self._format.wall(newest), after) + unit)
        if _LEAST_DISTANCE <= -most <= _MOST_SHIFT and self._first:
            oldest, bounds = self._first
            before = bounds.low - unit
            return Bounds(min(self._format.wall(oldest), before) - unit, before)
        return None

    def is_confirmed(self, span: CursorSpan) -> bool:
        """Whether the response to the test lacks the records that the bounds would give."""
        if span.oldest is None or span.newest is None or self._least is None:
            return True
        if self._least > timedelta():
            return self._last is not None and span.oldest > self._last[0]
        return self._first is not None and span.newest < self._first[0]

    def message(self) -> str:
        """What was sent, what came, and which zones would fit."""
        assert self._least is not None
        assert self._most is not None
        is_after = self._least > timedelta()
        instant, bounds = (self._last if is_after else self._first) or (None, None)
        assert instant is not None
        assert bounds is not None
        beside = abs(self._least if is_after else self._most) / _HOUR
        start, end = self._format.values(bounds)
        return (
            f"A record of {instant:%Y-%m-%dT%H:%M:%SZ} lies {beside:.1f} h "
            f"{'after' if is_after else 'before'} the bounds that were sent, {start} and {end}: "
            f"{self._fitting()}; or cursor_path is not the field that the API filters by."
        )

    def _fitting(self) -> str:
        assert self._least is not None
        assert self._most is not None
        tolerance = 2 * self._format.unit if self._format.unit < _QUARTER else timedelta()
        low, high = self._least - tolerance, self._most + tolerance
        low, high = max(low, -_MOST_SHIFT), min(high, _MOST_SHIFT)
        shifts = _multiples(_HOUR, low, high) or _multiples(_QUARTER, low, high)
        shifts.sort(key=abs, reverse=self._least > timedelta() or self._most < timedelta())
        zones = [name for s in shifts if (name := self._format.zone_after(s)) is not None]
        if not zones:
            return "look at time_zone of incremental"
        shown = zones if len(zones) <= _MAX_NAMED else [zones[0], "...", zones[-1]]
        how = "" if self._format.can_have_zone else ", with a param_format without an offset"
        return f"time_zone: {' or '.join(shown)} would fit{how}"


def _multiples(step: timedelta, low: timedelta, high: timedelta) -> list[timedelta]:
    """The multiples of ``step`` from ``low`` to ``high``, without 0."""
    first, last = -(-low // step), high // step
    return [number * step for number in range(first, last + 1) if number]
