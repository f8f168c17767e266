"""The evidence about spans: does the API answer the whole span of a request?

In: the bounds of the requests of a window of several days, and the cursors of their records. Out: requests
that test a part of the span for which no record came; and a sentence. Some APIs answer only the first or
the last days of a span that is too long for them. If a part alone has records, they were left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import Bounds, BoundsFormat
from analytics_sync.extract.convert.cursor import CursorSpan

SHORTEST = timedelta(hours=36)  # partitions are days, so that an API must answer these
_LEAST = timedelta(hours=12)  # of a part without records
_USUAL = 4  # times the mean distance of records: a part without records may be so long by chance
_PRESENT = timedelta(minutes=15)  # records of the present may have come since
_INSTANT = timedelta(microseconds=1)
_NOTHING = timedelta()


@dataclass(frozen=True)
class EmptyPart:
    """A part of a request for which no record came.

    Attributes:
        part: The part, without the records at its edges.
        test: Bounds that request it.
        sent: The bounds of the whole request.
        answered: The time between the records that came; None without any.
    """

    part: Window
    test: Bounds
    sent: Bounds
    answered: timedelta | None

    @property
    def length(self) -> timedelta:
        """The length of the part."""
        return self.part.end - self.part.start

    def message(self, spelled: BoundsFormat) -> str:
        """What was sent, and what was left out."""
        start, end = spelled.values(self.sent)
        return (
            f"For the bounds {start} and {end} no record from {self.part.start:%Y-%m-%dT%H:%MZ} to "
            f"{self.part.end:%Y-%m-%dT%H:%MZ} came, and records come if that time is requested alone: "
            f"the API answers only a part of a long span. Declare max_span of incremental{self._such_as()}, "
            "and run this window again."
        )

    def _such_as(self) -> str:
        hours = (self.answered or _NOTHING) // timedelta(hours=1)
        return f", such as PT{hours}H" if hours else ""


class SpanEvidence:
    """The evidence of all requests with the same bounds. The children of many parents share them.

    Args:
        spelled: How the bounds are spelled and read, by declaration.
        bounds: The bounds.
        window: The window that is read.
        began: When its reading began.
    """

    def __init__(
        self, spelled: BoundsFormat, bounds: Bounds, window: Window, began: datetime
    ) -> None:
        self._format = spelled
        self._bounds = bounds
        self._start = max(window.start, spelled.read_from(bounds))
        self._end = min(window.end, spelled.read_up_to(bounds), began - _PRESENT)
        self._oldest: datetime | None = None
        self._newest: datetime | None = None
        self._count = 0
        self._is_exact = True

    def add(self, span: CursorSpan, count: int) -> None:
        """Add the records of one request.

        Args:
            span: Their cursors.
            count: Their number.
        """
        self._count += count
        self._is_exact &= not (count and span.incomplete)
        if span.oldest is not None and span.newest is not None:
            self._oldest = min(self._oldest or span.oldest, span.oldest)
            self._newest = max(self._newest or span.newest, span.newest)

    def empty_parts(self) -> Iterator[EmptyPart]:
        """The parts for which no record came, if they are longer than usual."""
        length = self._end - self._start
        if length < SHORTEST or not self._is_exact:
            return
        if self._oldest is None or self._newest is None:
            # an API that answers the first or the last days leaves out the middle
            middle = self._start + length / 2
            yield self._part(Window(middle - _LEAST, middle + _LEAST))
            return
        distance = (self._newest - self._oldest) / max(1, self._count - 1)
        least = max(_LEAST, _USUAL * distance if self._count > 1 else length)
        oldest = min(self._oldest, self._end)
        newest = max(self._newest, self._start) + _INSTANT
        if oldest - self._start >= least:
            part = Window(self._start, oldest)
            too_late = self._format.latest(self._format.of(part)) - part.end
            yield self._part(part, end=too_late)
        if self._end - newest >= least:
            part = Window(newest, self._end)
            too_early = part.start - self._format.earliest(self._format.of(part))
            yield self._part(part, start=too_early)

    def _part(
        self, part: Window, *, start: timedelta = _NOTHING, end: timedelta = _NOTHING
    ) -> EmptyPart:
        """A part, and bounds for it that leave out the margin at which records lie beside it."""
        is_long = part.end - part.start - start - end >= _LEAST
        narrow = Window(part.start + start, part.end - end) if is_long else part
        answered = self._newest - self._oldest if self._newest and self._oldest else None
        return EmptyPart(part, self._format.of(narrow), self._bounds, answered)
