"""The bounds of a request: a window of UTC time, as an API spells and reads it.

In: a window, and what is declared of bounds. Out: bounds that hold all records of the window, however
the API reads what is not declared; and the parts of such bounds. The reader trims what is too much.

Bounds are wall clock times, because most doubts are about the clock: an API may read a bound in any time
zone, and twice or never at a change of the clocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.param_format import (
    EASTERNMOST,
    WESTERNMOST,
    offset_of,
    unit_of,
    zone_of,
)
from analytics_sync.common.window import Window

_EPOCH = datetime(1970, 1, 1)
_EPOCH_UTC = _EPOCH.replace(tzinfo=UTC)
_NOTHING = timedelta()
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_CLOCK_CHANGE = timedelta(minutes=15)  # clocks change by multiples of it


@dataclass(frozen=True)
class Bounds:
    """The bounds of one request, as wall clock times in multiples of the format's unit."""

    low: datetime
    high: datetime


class BoundsFormat:
    """The way in which an API spells and reads bounds.

    Args:
        incremental: The declaration.

    Attributes:
        unit: The smallest step of a bound.
        margin: How much more than the window bounds may request.
        is_zone_known: Whether the API can read a bound in one time zone only.
        can_have_zone: Whether bounds carry no offset of their own, so that a zone can be declared.
    """

    def __init__(self, incremental: Incremental) -> None:
        self._format = incremental.param_format
        self.unit = unit_of(self._format)
        offset = offset_of(self._format)
        zone = zone_of(incremental.time_zone) if incremental.time_zone else offset
        self.is_zone_known = zone is not None
        self.can_have_zone = offset is None
        self._low_zone, self._high_zone = (
            (WESTERNMOST, EASTERNMOST) if zone is None else (zone, zone)
        )
        # An open start excludes its unit; a closed end that is a day includes the day.
        self._excluded = _NOTHING if incremental.range_start == "closed" else self.unit
        whole_day = incremental.range_end == "closed" and self.unit >= _DAY
        self._included = self.unit if whole_day else _NOTHING
        self._at_end = _NOTHING if incremental.range_end == "open" else self.unit
        zones = _NOTHING if zone else timedelta(hours=26)
        self.margin = 2 * self.unit + zones

    def of(self, window: Window) -> Bounds:
        """The bounds that hold a window."""
        low = self._floor(_wall(window.start, self._low_zone)) - self._excluded
        high = self._ceil(_wall(window.end, self._high_zone)) - self._included
        while min(self._instants(high + self._included)) < window.end:
            high = self._ceil(high + max(self.unit, _CLOCK_CHANGE))
        return Bounds(self._low_before(low, window.start), high)

    def months(self, window: Window) -> list[str]:
        """The parameter values of all months that overlap the window."""
        end = _wall(window.end, self._high_zone)
        month = _wall(window.start, self._low_zone).replace(
            day=1, hour=0, minute=0, second=0, microsecond=0
        )
        months = []
        while month < end:
            months.append(self.spell(month))
            month = (month + timedelta(days=32)).replace(day=1)
        return months

    def values(self, bounds: Bounds) -> tuple[str, str]:
        """The parameter values."""
        return self.spell(bounds.low), self.spell(bounds.high)

    def spell(self, wall: datetime) -> str:
        """A wall clock time as the API spells it; an unnamed format is a strftime pattern."""
        instant = wall.replace(tzinfo=self._low_zone)
        match self._format:
            case "iso":
                return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
            case "iso_ms":
                return (
                    instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
                )
            case "date":
                return instant.strftime("%Y-%m-%d")
            case "epoch_s":
                return str((instant - _EPOCH_UTC) // timedelta(seconds=1))
            case "epoch_ms":
                return str((instant - _EPOCH_UTC) // timedelta(milliseconds=1))
            case _:
                return instant.strftime(self._format)

    def span(self, bounds: Bounds) -> timedelta:
        """The length of bounds, as an API counts it."""
        return bounds.high + self._included - bounds.low

    def earliest(self, bounds: Bounds) -> datetime:
        """The first instant that the lower bound may mean, in UTC."""
        return min(self._instants(bounds.low))

    def latest(self, bounds: Bounds) -> datetime:
        """The last instant at which a record may lie within the bounds, in UTC."""
        return max(self._instants(bounds.high + max(self._included, self._at_end)))

    def read_from(self, bounds: Bounds) -> datetime:
        """The start of the records that the bounds request for certain, in UTC."""
        return max(self._instants(bounds.low + self._excluded))

    def read_up_to(self, bounds: Bounds) -> datetime:
        """The end of the records that the bounds request for certain, in UTC."""
        return min(self._instants(bounds.high + self._included))

    def window(self, bounds: Bounds) -> Window | None:
        """The time that the bounds request for certain; None if they are too close to each other."""
        start, end = self.read_from(bounds), self.read_up_to(bounds)
        return Window(start, end) if start < end else None

    def cut(self, bounds: Bounds, max_span: timedelta) -> list[Bounds]:
        """Parts of bounds, none longer than ``max_span``, that leave out no record."""
        parts = []
        while self.span(bounds) > max_span:
            end = self._floor(bounds.low + max_span)
            first, rest = self._split(bounds, max(end, bounds.low + self._excluded + self.unit))
            if rest.low <= bounds.low:  # a change of the clocks takes more than the span
                break
            parts.append(first)
            bounds = rest
        return [*parts, bounds]

    def halves(self, bounds: Bounds) -> list[Bounds]:
        """Two halves of bounds that leave out no record; none if they would not be shorter."""
        middle = self._ceil(bounds.low + self.span(bounds) / 2)
        first, rest = self._split(bounds, middle)
        shorter = max(self.span(first), self.span(rest)) < self.span(bounds)
        return [first, rest] if shorter and first.low <= first.high else []

    def until(self, bounds: Bounds, present: datetime) -> Bounds:
        """Bounds that end at ``present`` or earlier. They start an hour before their end or earlier."""
        zone = self._low_zone if self.is_zone_known else UTC
        high = min(bounds.high, self._floor(_wall(present, zone)))
        return Bounds(min(bounds.low, self._floor(high - max(self.unit, _HOUR))), high)

    def reaches(self, bounds: Bounds, instant: datetime) -> bool:
        """Whether the API may read the upper bound as an instant after ``instant``."""
        return max(self._instants(bounds.high + self._included)) > instant

    def wall(self, instant: datetime) -> datetime:
        """An instant as a bound, rounded down."""
        return self._floor(_wall(instant, self._low_zone))

    def zone_after(self, shift: timedelta) -> str | None:
        """The zone in which bounds mean instants that are later by ``shift``; None without one."""
        now = datetime(2025, 1, 1, tzinfo=UTC).astimezone(self._low_zone)
        offset = (now.utcoffset() or _NOTHING) - shift
        if not timedelta(hours=-12) <= offset <= timedelta(hours=14):
            return None
        hours, rest = divmod(abs(offset), _HOUR)
        sign, opposite = ("-", "+") if offset < _NOTHING else ("+", "-")
        if rest:
            return f"'{sign}{hours:02}:{rest // timedelta(minutes=1):02}'"
        return f"Etc/GMT{opposite}{hours}" if hours else "UTC"

    def _split(self, bounds: Bounds, middle: datetime) -> tuple[Bounds, Bounds]:
        first = Bounds(bounds.low, middle - self._included)
        low = self._low_before(middle - self._excluded, self.read_up_to(first))
        return first, Bounds(low, bounds.high)

    def _low_before(self, low: datetime, start: datetime) -> datetime:
        """``low``, or an earlier bound if the API may read it so that a record from ``start`` on is out."""
        while (
            max(self._instants(low + self._excluded)) > start
            or (self._excluded and max(self._instants(low)) >= start)
        ):  # fmt: skip
            low = self._floor(low - max(self.unit, _CLOCK_CHANGE))
        return low

    def _instants(self, wall: datetime) -> list[datetime]:
        """All readings of a wall clock time: a time may occur twice when clocks change, or never."""
        zones = (self._low_zone,) if self.is_zone_known else (WESTERNMOST, EASTERNMOST)
        return [
            wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
            for zone in zones
            for fold in (0, 1)
        ]

    def _floor(self, wall: datetime) -> datetime:
        return wall - (wall - _EPOCH) % self.unit

    def _ceil(self, wall: datetime) -> datetime:
        floored = self._floor(wall)
        return floored if floored == wall else floored + self.unit


def _wall(instant: datetime, zone: tzinfo) -> datetime:
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)
