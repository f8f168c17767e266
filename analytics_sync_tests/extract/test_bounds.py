"""Bounds of a request: every record exactly once, however an API reads the bounds.

In: declarations, and model APIs that read bounds in any zone, open or closed, by whole units or exactly.
Out: the bounds that are sent, and the records that the model API gives for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.param_format import offset_of, unit_of, zone_of
from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import Bounds, BoundsFormat

RANGE = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
DAY = timedelta(days=1)
FORMATS = [
    "iso", "iso_ms", "epoch_s", "epoch_ms", "date", "%Y%m%d", "%d.%m.%Y %H", "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S-08:00",
]  # fmt: skip
# Their clocks change by an hour, at midnight, by half an hour, and once by a whole day.
ZONES = [
    "UTC", "America/Los_Angeles", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe",
    "Asia/Kathmandu", "Pacific/Apia", "+13:00", "UTC-8",
]  # fmt: skip
CHANGES = [
    datetime(2024, 3, 10, 10), datetime(2024, 11, 3, 9), datetime(2024, 3, 31, 1),
    datetime(2024, 10, 27, 1), datetime(2024, 11, 3, 5), datetime(2024, 4, 6, 15),
    datetime(2011, 12, 30, 10), datetime(2024, 2, 29),
]  # fmt: skip


@dataclass(frozen=True)
class Reader:
    """An API that reads bounds in one way.

    Attributes:
        declared: What the catalog file says of it.
        zone: Reads bounds without an offset.
        fold: Which of two equal wall clock times it takes.
        is_start_open: Whether a record at the start is left out.
        is_end_closed: Whether a record at the end is given.
        by_units: Whether it cuts records to whole units of the bounds before it compares.
    """

    declared: dict[str, Any]
    zone: Any
    fold: int
    is_start_open: bool
    is_end_closed: bool
    by_units: bool

    def gives(self, spelled: BoundsFormat, bounds: Bounds, at: datetime) -> bool:
        """Whether the API gives a record of this instant for these bounds."""
        low, high = (self._read(value) for value in spelled.values(bounds))
        if self.is_end_closed and spelled.unit == DAY:
            wall = at.astimezone(self.zone).replace(tzinfo=None)
            first, last = (b.astimezone(self.zone).replace(tzinfo=None) for b in (low, high))
            after = wall >= first + DAY if self.is_start_open and self.by_units else wall > first
            return (after or (wall == first and not self.is_start_open)) and wall < last + DAY
        if self.by_units:
            at -= (at - datetime(1970, 1, 1, tzinfo=UTC)) % min(spelled.unit, timedelta(seconds=1))
        return (low < at or (low == at and not self.is_start_open)) and (
            at < high or (at == high and self.is_end_closed)
        )

    def _read(self, text: str) -> datetime:
        pattern = self.declared["param_format"]
        match pattern:
            case "iso" | "iso_ms":
                return datetime.fromisoformat(text)
            case "epoch_s":
                return datetime.fromtimestamp(int(text), UTC)
            case "epoch_ms":
                return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text))
            case "date":
                pattern = "%Y-%m-%d"
        read = datetime.strptime(text, pattern)
        if read.tzinfo is None:
            read = read.replace(tzinfo=offset_of(pattern) or self.zone, fold=self.fold)
        return read.astimezone(UTC)


@st.composite
def readers(draw: st.DrawFn) -> Reader:
    """An API and a declaration of it that says the truth, or nothing."""
    param_format = draw(st.sampled_from(FORMATS))
    zone = draw(st.sampled_from(ZONES))
    is_start_open, is_end_closed = draw(st.booleans()), draw(st.booleans())
    declared: dict[str, Any] = {**RANGE, "param_format": param_format}
    if offset_of(param_format) is None and draw(st.booleans()):
        declared["time_zone"] = zone
    if draw(st.booleans()):
        declared["range_start"] = "open" if is_start_open else "closed"
    if draw(st.booleans()):
        declared["range_end"] = "closed" if is_end_closed else "open"
    if draw(st.booleans()):
        units = draw(st.integers(2, 400))
        declared["max_span"] = max(units * unit_of(param_format), timedelta(hours=1))
    by_units = draw(st.booleans())
    return Reader(
        declared,
        zone_of(zone),
        draw(st.sampled_from([0, 1])),
        is_start_open,
        is_end_closed,
        by_units,
    )


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window near a change of the clocks."""
    start = draw(st.sampled_from(CHANGES)).replace(tzinfo=UTC)
    start += timedelta(minutes=draw(st.integers(-3000, 3000)))
    if draw(st.booleans()):
        start = start.replace(hour=0, minute=0)
    length = draw(st.sampled_from([DAY, 2 * DAY, timedelta(hours=5), timedelta(seconds=90)]))
    return Window(start, start + length)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(readers(), windows(), st.data())
def test_every_record_of_a_window_is_requested(reader: Reader, window: Window, data: Any) -> None:
    spelled = BoundsFormat(Incremental.model_validate(reader.declared))
    requests = [spelled.of(window)]
    max_span = reader.declared.get("max_span")
    if max_span:
        requests = spelled.cut(requests[0], max_span)
        assert len(requests) == 1 or requests[0] != spelled.of(window)
    elif data.draw(st.booleans()):
        requests = [part for bounds in requests for part in spelled.halves(bounds) or [bounds]]
    seconds = (window.end - window.start) // timedelta(microseconds=1)
    seams = [
        min(max(instant, window.start), window.end - timedelta(microseconds=1))
        for bounds in requests
        for instant in (spelled.earliest(bounds), spelled.read_up_to(bounds))
    ]
    drawn = [
        window.start + timedelta(microseconds=data.draw(st.integers(0, seconds - 1)))
        for _ in range(5)
    ]
    for at in [window.start, window.end - timedelta(microseconds=1), *seams, *drawn]:
        given_by = [bounds for bounds in requests if reader.gives(spelled, bounds, at)]
        assert given_by, f"{at} is in none of {[spelled.values(b) for b in requests]}"
        assert spelled.read_up_to(requests[-1]) >= window.end
        assert all(spelled.earliest(b) <= at <= spelled.latest(b) for b in given_by)
