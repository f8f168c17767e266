"""The window: a field of times by which the API filters, proven by requests with bounds.

In: the pages that were read, and an ``Asker``. Out: a ``Choice`` of the keys of ``incremental``. A field of times
that the API does not filter by is named in a comment: each day of such a resource would read the whole listing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.param_format import unit_of
from analytics_sync.extract.bounds import BoundsFormat
from analytics_sync.infer.asking import Asker
from analytics_sync.infer.cuts import cuts_that_tell
from analytics_sync.infer.known_params import known_params
from analytics_sync.infer.pages import AnsweredPage, PageTaker
from analytics_sync.infer.param_names import names_for_times, preferred
from analytics_sync.infer.param_search import Effect, ParamSearch
from analytics_sync.infer.proposal import Choice, left_open, listed
from analytics_sync.infer.times import TimeField, time_fields

_MAX_REQUESTS = 10  # of the search for the parameters of one format
_MAX_ALL_REQUESTS = 16  # about; a search that has begun goes to its end
_MAX_FIELDS = 2
_MIN_RECORDS = 8
_FORMATS = ("iso", "date", "epoch_ms", "epoch_s")
_DAY = timedelta(days=1)
_MAX_ZONE = timedelta(hours=14)


@dataclass(frozen=True)
class ProposedWindow:
    """What is proposed of windows.

    Attributes:
        choice: The keys of ``incremental``.
        cursor: The cursor, if it is proposed.
    """

    choice: Choice | None
    cursor: TimeField | None = None


def propose_window(asker: Asker, taker: PageTaker, first: AnsweredPage) -> ProposedWindow:
    """The window of a listing.

    Args:
        asker: Sends the requests.
        taker: Makes pages of answers.
        first: The first page.
    """
    fields = time_fields(first.records)
    if not fields or taker.place.kind == "object":
        return ProposedWindow(None)
    tried: list[str] = []
    refused: list[str] = []
    untold: list[str] = []
    last = asker.asked + _MAX_ALL_REQUESTS
    for cursor, param_format in _attempts(fields[:_MAX_FIELDS]):
        if asker.asked >= last:
            break
        others = [field for field in fields if field is not cursor]
        search = _FilterSearch(asker, taker, first, cursor, others, param_format, refused)
        if (keys := search.find()) is not None:
            reason = f"bounds in {' and '.join(search.proven)} gave records within them only"
            return ProposedWindow(Choice(keys, reason, "proven"), cursor)
        if not search.can_tell and cursor.path not in untold:
            untold.append(cursor.path)
        tried += [name for name in search.tried if name not in tried]
        refused += [name for name in search.refused if name not in refused]
    return ProposedWindow(left_open(_reason(fields, tried, untold)))


def _reason(fields: Sequence[TimeField], tried: Sequence[str], untold: Sequence[str]) -> str:
    names = ", ".join(field.path for field in fields[:_MAX_FIELDS])
    text = f"no filter by {names} is proven"
    if tried:
        text += f"; tried without effect: {listed(tried)}"
    if untold:
        text += (
            f"; in the first page, the times of {', '.join(untold)} are too few, too close, or too near to its "
            "other times"
        )
    return (
        f"{text}. Without a filter, incremental: {{cursor_path: {fields[0].path}}} reads the whole listing "
        "for each day"
    )


def _attempts(fields: Sequence[TimeField]) -> Iterator[tuple[TimeField, str]]:
    """The formats to try for each field: for all fields that of their own values first."""
    formats = [(f.unit, "iso") if f.unit is not None else _FORMATS for f in fields]
    for at_same_place in zip_longest(*formats):
        for field, param_format in zip(fields, at_same_place, strict=True):
            if param_format is not None:
                yield field, param_format


class _FilterSearch:
    """The search for the parameters of bounds, in one format.

    A parameter that was refused in another format is asked for first: the API knows it.

    Attributes:
        tried: The names that were sent in vain.
        refused: Of these, the ones that the API refused alone.
        proven: The names that were proven.
    """

    def __init__(
        self,
        asker: Asker,
        taker: PageTaker,
        first: AnsweredPage,
        cursor: TimeField,
        others: Sequence[TimeField],
        param_format: str,
        known: Sequence[str],
    ) -> None:
        self._asker = asker
        self._taker = taker
        self._cursor = cursor
        self._param_format = param_format
        unit = unit_of(param_format)
        self._is_by_day = unit >= _DAY
        # nobody knows the zone in which an API reads a day
        self._slack = _MAX_ZONE if self._is_by_day else unit
        declared = Incremental(cursor_path=cursor.path, param_format=param_format, time_zone="UTC")
        self._bounds = BoundsFormat(declared)
        self._known = known_params(first)
        instants = cursor.instants(first.records) or []
        self._first = list(zip(first.names, instants, strict=False))
        self._times = sorted(instants)
        cuts = cuts_that_tell(
            instants, [o.instants(first.records) or [] for o in others], self._slack, self._floor
        )
        self._cuts = cuts if cuts and len(instants) >= _MIN_RECORDS else []
        self._likely = known
        self.tried: list[str] = []
        self.refused: list[str] = []
        self.proven: list[str] = []

    @property
    def can_tell(self) -> bool:
        """Whether the times of the first page can show by which field the API filters."""
        return bool(self._cuts)

    def find(self) -> dict[str, object] | None:
        """The keys of ``incremental``; None if the API filters by none of the usual parameters."""
        if not self._cuts:
            return None
        cut, *more_cuts = self._cuts
        ends = names_for_times(self._cursor.path)
        starts = [n for n in preferred(ends, self._known) if n not in self._asker.query]
        search = ParamSearch(lambda names: self._effect(names, ends, cut), _MAX_REQUESTS)
        likely = [name for name in self._likely if name in ends]
        start = search.find(likely) or search.find([n for n in starts if n not in likely])
        if start is None:
            self.tried, self.refused = search.tried, search.refused
            return None
        if any(self._effect([start], ends, c) is not Effect.EXPECTED for c in more_cuts):
            self.tried = [start]
            return None
        keys = {"cursor_path": self._cursor.path, "start_param": start}
        self.proven = [start]
        if ends[start] and self._ends_at(start, ends[start], cut):
            keys["end_param"] = ends[start]
            self.proven.append(ends[start])
        elif ends[start] and not self._starts_alone(start, cut):
            self.tried = [start]
            return None
        if self._param_format != "iso":
            keys["param_format"] = self._param_format
        return {**keys}

    def _floor(self, instant: datetime) -> datetime:
        """The instant, or the start of its day where bounds are days."""
        if not self._is_by_day:
            return instant
        return instant.replace(hour=0, minute=0, second=0, microsecond=0)

    def _effect(self, starts: Sequence[str], ends: Mapping[str, str], cut: datetime) -> Effect:
        """What the API does with bounds from the cut to after the last record."""
        until = self._spell(max(datetime.now(UTC), self._times[-1]) + _DAY)
        params: dict[str, object] = {ends[name]: until for name in starts if ends[name]}
        params |= dict.fromkeys(starts, self._spell(cut))
        return self._judged(params, low=cut, high=None)

    def _ends_at(self, start: str, end: str, cut: datetime) -> bool:
        """Whether the API leaves out records after an end. A day as the end may mean the whole day."""
        until = self._floor(self._times[0]) if self._is_by_day else cut
        if until + self._last() + self._slack >= self._times[-1]:
            return False
        params = {start: self._spell(self._times[0] - _DAY), end: self._spell(until)}
        return self._judged(params, low=None, high=until) is Effect.EXPECTED

    def _last(self) -> timedelta:
        """How long the last unit of a window is."""
        return _DAY if self._is_by_day else timedelta()

    def _starts_alone(self, start: str, cut: datetime) -> bool:
        return self._judged({start: self._spell(cut)}, low=cut, high=None) is Effect.EXPECTED

    def _judged(
        self, params: Mapping[str, object], low: datetime | None, high: datetime | None
    ) -> Effect:
        """Whether an answer has records within the bounds only, and all those of the first page.

        An offset that is read from the digits of a bound may lead to later records, too, but not to all of these.
        """
        page = self._taker.page(self._asker.probe(params))
        if page is None:
            return Effect.REFUSED
        times = self._cursor.instants(page.records)
        if not times:
            return Effect.NONE
        is_low = low is None or min(times) >= low - self._slack
        is_high = high is None or max(times) <= high + self._last() + self._slack
        inside = {
            name
            for name, instant in self._first
            if (low is None or instant >= low + self._slack)
            and (high is None or instant <= high - self._slack)
        }
        is_filtered = is_low and is_high and inside <= set(page.names)
        return Effect.EXPECTED if is_filtered else Effect.NONE

    def _spell(self, instant: datetime) -> str:
        return self._bounds.spell(instant.astimezone(UTC).replace(tzinfo=None))
