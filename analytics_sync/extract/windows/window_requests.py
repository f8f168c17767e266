"""The requests of a window: which bounds are sent, and what follows when the API refuses them.

In: a window, and a function that reads the pages within given bounds. Out: the pages of the window. An
API may refuse bounds that reach into the present, or that lie too far apart. If the catalog file declares
neither, other bounds are tried: first an earlier end, then halves. The bounds that the API accepts show
what it allows; later requests of the same read keep to it. If the API accepts none, its refusal stands.

A refusal that the file ignores may have the same reasons, so that the same bounds are tried. If none of
them is accepted, the refusal means "no records", as declared.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.errors import HttpStatusError
from analytics_sync.common.window import Window
from analytics_sync.extract.bounds import BoundsFormat
from analytics_sync.extract.evidence.findings import COMPLETE, WINDOW_BOUNDS
from analytics_sync.extract.judges.ignored import IgnoredSeries, says_absent
from analytics_sync.extract.result import Page, ReadResult
from analytics_sync.extract.trial import PageLimit
from analytics_sync.extract.windows.incremental import bounds_params
from analytics_sync.extract.windows.window_plan import BoundsRequest, Trial, WindowPlan
from analytics_sync.extract.windows.window_tests import ReadPages, WindowEvidence, WindowTests

_REFUSED = frozenset({400, 413, 416, 422})
_DELAYS = (timedelta(minutes=5), timedelta(hours=1), timedelta(days=1))
_DELAYS_IN_ANY_ZONE = (timedelta(minutes=5), timedelta(hours=12, minutes=5), timedelta(hours=36))
_PRESENT = timedelta(minutes=15)  # an end within it may be refused because it is too late
_SHORTEST = timedelta(hours=1)  # bounds are not halved further
_MAX_REFUSALS = 24  # in a row, of one window
_MAX_FRUITLESS = 20  # ignored refusals that no other bounds helped: then the bounds are no reason


class WindowRequests:
    """Reads windows of one resource, and remembers which bounds its API accepts. Threads may share it.

    Args:
        incremental: How the API filters.
        result: Receives how far the records were read.
        ignored: Receives the ends of ignored parts of a window.
        limit: The pages that a trial may request: it does not test doubts about the bounds by further
            requests. None for a usual read.
    """

    def __init__(
        self,
        incremental: Incremental,
        result: ReadResult,
        ignored: IgnoredSeries,
        limit: PageLimit | None = None,
    ) -> None:
        self._incremental = incremental
        self._format = BoundsFormat(incremental)
        self._result = result
        self._ignored = ignored
        self._tests = WindowTests(incremental, result)
        self._limit = limit
        self._max_span = incremental.max_span
        self._delay = incremental.delay
        self._delays = _DELAYS if self._format.is_zone_known else _DELAYS_IN_ANY_ZONE
        self._fruitless = 0

    def pages(self, window: Window, read: ReadPages) -> Generator[Page, None, None]:
        """The pages of a window.

        Args:
            window: The window.
            read: Reads the pages that the API gives for query parameters.

        Raises:
            HttpStatusError: The API refused the window, and all other bounds that were tried; or all
                its responses are ignored.
        """
        whole = self._format.of(window)
        plan = WindowPlan(BoundsRequest(whole, whole))
        evidence = self._tests.evidence(window)
        while plan.pending:
            planned = self._within_limits(plan.pending.popleft(), is_first=not plan.is_accepted)
            if not planned:
                continue
            request, *rest = planned
            plan.add(rest)
            error = yield from self._part(request, read, evidence)
            if error is None:
                plan.accept(self._format.read_up_to(request.bounds))
                self._remember(request)
            elif _may_be_about_bounds(error):
                plan.refusals += 1
                if self._limit is not None:
                    self._limit.give_back()
                self._replan(plan, request, error)
            else:
                plan.absent.append(error)
        if plan.read_up_to is None:
            raise (plan.absent + [error for _, error in plan.unread])[0]
        self._record_ignored(plan, window)
        self._record_read_up_to(plan.read_up_to, window)
        if self._limit is None:
            self._tests.judge(evidence, read)

    def first_params(self, window: Window) -> dict[str, object]:
        """The query parameters of the first request of a window."""
        whole = self._format.of(window)
        first, *_ = self._within_limits(BoundsRequest(whole, whole), is_first=True)
        return bounds_params(self._incremental, self._format.values(first.bounds))

    def finish(self) -> None:
        """Judge all windows together, once all of them are read."""
        self._tests.finish()

    def _part(
        self, request: BoundsRequest, read: ReadPages, evidence: WindowEvidence
    ) -> Generator[Page, None, HttpStatusError | None]:
        """The pages of one request; returns the error if the API refused or ignored it.

        Raises:
            HttpStatusError: The error has other reasons.
        """
        number = 0
        values = self._format.values(request.bounds)
        try:
            params = bounds_params(self._incremental, values)
            with closing(read(params, self._format.window(request.bounds))) as pages:
                for page in pages:  # enumerate would hold a page until the next one is there
                    number += 1
                    evidence.add(request.bounds, number, page)
                    yield page
                    del page
        except HttpStatusError as error:
            if not number and (self._ignored.may_be_absence(error) or _may_be_about_bounds(error)):
                return error
            raise
        return None

    def _replan(self, plan: WindowPlan, request: BoundsRequest, error: HttpStatusError) -> None:
        """Try other bounds for a refused request, or give its bounds up.

        Raises:
            HttpStatusError: The refusal stands, and it is an error.
        """
        trial = request.trial or Trial(error)
        refusal = trial.refusal
        may_try = plan.refusals <= _MAX_REFUSALS and not trial.is_over
        if error.is_ignored and self._fruitless >= _MAX_FRUITLESS:
            may_try = False
        if others := self._others(request, trial) if may_try else []:
            plan.add(others)
        elif not refusal.is_ignored or not error.is_ignored:
            raise (error if refusal.is_ignored else refusal) from None
        elif trial.is_helpful:
            plan.unread.append((request, refusal))
            trial.is_over = trial.is_backwards  # what is older is refused too, as a rule
        elif (pieces := plan.of_trial(trial)) and not trial.is_backwards:
            trial.is_backwards = True
            plan.drop(pieces)
            plan.add([*self._from_end(pieces[-1]), *reversed(pieces[:-1])])
        else:
            plan.drop(pieces)
            plan.unread.append((request, refusal))
            self._fruitless += 1

    def _from_end(self, request: BoundsRequest) -> list[BoundsRequest]:
        """The shortest piece at the end of a request, and longer ones before it.

        An API may refuse bounds that lie too far back, and accept later ones.
        """
        pieces: list[BoundsRequest] = []
        while halves := self._halves(request):
            request, earlier = halves
            pieces.append(earlier)
        return [request, *reversed(pieces)]

    def _within_limits(self, request: BoundsRequest, *, is_first: bool) -> list[BoundsRequest]:
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

    def _others(self, request: BoundsRequest, trial: Trial) -> list[BoundsRequest]:
        """Other bounds for a refused request: an earlier end, then halves; none when all are tried."""
        now = datetime.now(UTC)
        whole = request.whole
        has_end = self._incremental.end_param is not None
        may_be_late = has_end and self._format.reaches(whole, now - _PRESENT)
        if self._incremental.delay is None and may_be_late:
            for number in range(request.delays_refused, len(self._delays)):
                bounds = self._format.until(whole, now - self._delays[number])
                if bounds.high < request.bounds.high:
                    return [BoundsRequest(bounds, whole, number + 1, trial)]
        return self._halves(replace(request, trial=trial))

    def _halves(self, request: BoundsRequest) -> list[BoundsRequest]:
        """Two requests for the halves of a request; none if the API is not known to need them."""
        whole = request.whole
        has_span = self._incremental.end_param and self._incremental.start_param
        if self._incremental.max_span is None and has_span and self._format.span(whole) > _SHORTEST:
            halves = self._format.halves(whole)
            is_backwards = request.trial is not None and request.trial.is_backwards
            ordered = halves[::-1] if is_backwards else halves
            return [BoundsRequest(half, half, 0, request.trial) for half in ordered]
        return []

    def _remember(self, request: BoundsRequest) -> None:
        """Keep to what an accepted request shows, if others were refused before."""
        if request.trial is None:
            return
        request.trial.is_helpful = True
        self._fruitless = 0
        if request.delays_refused:
            self._delay = self._delays[request.delays_refused - 1]
        elif self._incremental.max_span is None and not request.trial.is_backwards:
            self._max_span = self._format.span(request.bounds)

    def _record_ignored(self, plan: WindowPlan, window: Window) -> None:
        """Record the ends of ignored parts of a window of which other parts were read."""
        for error in [*plan.absent, *(error for _, error in plan.unread)]:
            self._ignored.record_end(error)
        if not plan.unread:
            return
        request, error = min(plan.unread, key=lambda part: part[0].bounds.low)
        start, end = self._format.values(request.bounds)
        self._result.findings.add(
            COMPLETE,
            f"The API refused parts of the window, and response_actions ignore status {error.status}: "
            f"{len(plan.unread)} parts, the first from {start} to {end}. It accepted other parts, so that "
            f"the bounds may be the reason. The refusal: {error.happened} If such a part has no "
            "records, add a part of this text as content of the action. Otherwise declare max_span or "
            "delay of incremental.",
            [window],
        )

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
                [Window(max(read_up_to, window.start), window.end)],
            )


def _may_be_about_bounds(error: HttpStatusError) -> bool:
    """Whether the API may have refused the bounds, and the catalog file does not say otherwise."""
    is_absence = error.is_ignored and says_absent(error)
    return error.status in _REFUSED and not error.is_failure and not is_absence
