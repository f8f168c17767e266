"""The requests of a window: which bounds are sent, and what follows when the API refuses them.

In: a window, and a function that reads the pages within given bounds. Out: the pages of the window. An
API may refuse bounds that reach into the present, or that lie too far apart. If the catalog file declares
neither, other bounds are tried: first an earlier end, then halves. The bounds that the API accepts show
what it allows; later requests of the same read keep to it. If the API accepts none, its refusal stands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from analytics_sync.catalog.models import Incremental
from analytics_sync.common.errors import ExtractError, HttpStatusError
from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import Bounds, BoundsFormat
from analytics_sync.extract.bounds_evidence import BoundsEvidence
from analytics_sync.extract.convert.cursor import CursorReader
from analytics_sync.extract.findings import WINDOW_BOUNDS
from analytics_sync.extract.incremental import bounds_params
from analytics_sync.extract.result import Page, ReadResult

_REFUSED = frozenset({400, 413, 416, 422})
_DELAYS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
_DELAYS_IN_ANY_ZONE = (timedelta(minutes=5), timedelta(hours=12, minutes=5), timedelta(hours=36))
_PRESENT = timedelta(minutes=15)  # an end within it may be refused because it is too late
_SHORTEST = timedelta(hours=1)  # bounds are not halved further
_MAX_REFUSALS = 24  # in a row, of one window

ReadPages = Callable[[dict[str, object]], Generator[Page, None, None]]


@dataclass(frozen=True)
class _Request:
    """Bounds to send.

    Attributes:
        bounds: The bounds.
        whole: The same bounds before their end was moved out of the present.
        delays_refused: How many delays the API has refused for ``whole``.
        refusal: The first refusal that led to these bounds; None without one.
    """

    bounds: Bounds
    whole: Bounds
    delays_refused: int = 0
    refusal: HttpStatusError | None = None


class WindowRequests:
    """Reads windows of one resource, and remembers which bounds its API accepts. Threads may share it.

    Args:
        incremental: How the API filters.
        result: Receives how far the records were read.
    """

    def __init__(self, incremental: Incremental, result: ReadResult) -> None:
        self._incremental = incremental
        self._format = BoundsFormat(incremental)
        self._result = result
        self._cursor = CursorReader(result.resource)
        self._is_tested = False
        self._max_span = incremental.max_span
        self._delay = incremental.delay
        self._delays = _DELAYS if self._format.is_zone_known else _DELAYS_IN_ANY_ZONE

    def pages(self, window: Window, read: ReadPages) -> Generator[Page, None, None]:
        """The pages of a window.

        Args:
            window: The window.
            read: Reads the pages that the API gives for query parameters.

        Raises:
            HttpStatusError: The API refused the window, and all other bounds that were tried.
        """
        whole = self._format.of(window)
        pending = deque([_Request(whole, whole)])
        accepted: _Request | None = None
        evidence = BoundsEvidence(self._format)
        refusals = 0
        while pending:
            planned = self._within_limits(pending.popleft(), is_first=accepted is None)
            if not planned:
                continue
            request, *rest = planned
            pending.extendleft(reversed(rest))
            first, before = True, list[Any]()
            values = self._format.values(request.bounds)
            try:
                with closing(read(bounds_params(self._incremental, values))) as pages:
                    for page in pages:
                        # the other pages say the same, and reading cursors takes time
                        if first or page.last:
                            shown = page.records or before  # the last page may be empty
                            evidence.add(request.bounds, self._cursor.span(shown))
                        first, before = False, page.records
                        yield page
            except HttpStatusError as error:
                refusals += 1
                if not first or not _is_refusal(error):
                    raise
                others = self._others(request, error) if refusals <= _MAX_REFUSALS else []
                if not others:
                    raise request.refusal or error from None
                pending.extendleft(reversed(others))
            else:
                accepted, refusals = request, 0
                self._remember(request)
        if accepted is not None:
            self._record_read_up_to(self._format.read_up_to(accepted.bounds), window)
            self._judge(evidence, read)

    def _within_limits(self, request: _Request, *, is_first: bool) -> list[_Request]:
        """The request, or parts of it, within the delay and the span that are declared or found.

        Without a first accepted request, a request is sent even if it lies in the present as a whole:
        nothing else shows whether the API accepts requests at all.
        """
        if self._delay is not None and request.delays_refused == 0:
            bounds = self._format.until(request.bounds, datetime.now(UTC) - self._delay)
            if not is_first and bounds.low < request.bounds.low:
                return []
            request = replace(request, bounds=bounds)
        if self._max_span is None:
            return [request]
        parts = self._format.cut(request.bounds, self._max_span)
        if len(parts) == 1:
            return [replace(request, bounds=parts[0])]
        return [replace(request, bounds=part, whole=part) for part in parts]

    def _others(self, request: _Request, error: HttpStatusError) -> list[_Request]:
        """Other bounds for a refused request: an earlier end, then halves; none when all are tried."""
        now = datetime.now(UTC)
        whole, refusal = request.whole, request.refusal or error
        has_end = self._incremental.end_param is not None
        may_be_late = has_end and self._format.reaches(whole, now - _PRESENT)
        if self._incremental.delay is None and may_be_late:
            for number in range(request.delays_refused, len(self._delays)):
                bounds = self._format.until(whole, now - self._delays[number])
                if bounds.high < request.bounds.high:
                    return [_Request(bounds, whole, number + 1, refusal)]
        has_span = has_end and self._incremental.start_param is not None
        if self._incremental.max_span is None and has_span and self._format.span(whole) > _SHORTEST:
            return [_Request(half, half, 0, refusal) for half in self._format.halves(whole)]
        return []

    def _remember(self, request: _Request) -> None:
        """Keep to what an accepted request shows, if others were refused before."""
        if request.refusal is None:
            return
        if request.delays_refused:
            self._delay = self._delays[request.delays_refused - 1]
        elif self._incremental.max_span is None:
            self._max_span = self._format.span(request.bounds)

    def _judge(self, evidence: BoundsEvidence, read: ReadPages) -> None:
        """Record that the API reads bounds otherwise than declared, if a test request confirms it."""
        has_both = self._incremental.start_param and self._incremental.end_param
        test = evidence.test() if has_both and not self._is_tested else None
        if test is None:
            return
        self._is_tested = True
        values = self._format.values(test)
        try:
            with closing(read(bounds_params(self._incremental, values))) as pages:
                page = next(pages, None)
        except ExtractError:
            page = None  # the records outside remain evidence
        if evidence.is_confirmed(self._cursor.span(page.records if page else ())):
            self._result.findings.add(WINDOW_BOUNDS, evidence.message())

    def _record_read_up_to(self, read_up_to: datetime, window: Window) -> None:
        """Record what the API does not give yet. It is missing if the window is over."""
        if read_up_to >= window.end:
            return
        result = self._result
        with result.counters.lock:
            earlier = result.read_up_to
            result.read_up_to = min(read_up_to, earlier) if earlier else read_up_to
        if window.end <= datetime.now(UTC):
            result.findings.add(
                WINDOW_BOUNDS,
                f"The API gave records up to {read_up_to:%Y-%m-%dT%H:%MZ} only, and the window ends at "
                f"{window.end:%Y-%m-%dT%H:%MZ}: run this partition again. Look at delay and time_zone "
                "of incremental.",
            )


def _is_refusal(error: HttpStatusError) -> bool:
    """Whether an error may be about the bounds, and the catalog file does not say otherwise."""
    return error.status in _REFUSED and not error.is_ignored and not error.is_failure
