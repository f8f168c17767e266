"""Manners of windows: bounds read otherwise, ignored, or refused.

In: a subject.
Out: the functions of each manner.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from datetime import date, datetime, timedelta

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.sandbox.api.filters import HEX, window_of
from analytics_sync.sandbox.data.json_path import get_or_none, put
from analytics_sync.sandbox.data.response_shape import key_paths
from analytics_sync.sandbox.data.timestamps import DAY_MS, to_ms
from analytics_sync.sandbox.manners import bodies
from analytics_sync.sandbox.manners.manner import Hooks, Record, Subject, manner, register
from analytics_sync.sandbox.messages import Request, ServedResponse

Move = Callable[[str, str], str]  # a bound and its format -> another bound


def _filters(subject: Subject) -> bool:
    incremental = subject.resource.incremental
    return (
        incremental is not None
        and incremental.step is None
        and (incremental.start_param or incremental.end_param) is not None
    )


def moved_bounds(request: Request, incremental: Incremental, low: Move, high: Move) -> Request:
    """The request with other bounds.

    Args:
        request: The request.
        incremental: The names of the bounds, and their format.
        low: Moves the start.
        high: Moves the end.
    """
    start, end = incremental.start_param or "", incremental.end_param or ""
    pattern, values = incremental.param_format, request.query.get(start, [])
    if start == end:
        if len(values) != 2:
            return request
        both = [low(values[0], pattern), high(values[1], pattern)]
        return bodies.with_query(request, **{start: both})
    changes: dict[str, str | list[str] | None] = {}
    if values:
        changes[start] = low(values[-1], pattern)
    for value in request.query.get(end, [])[-1:]:
        # The same parameter may hold the cursor of a page.
        if not HEX.match(value):
            changes[end] = high(value, pattern)
    return bodies.with_query(request, **changes)


def moved(value: str, pattern: str, step: timedelta) -> str:
    """A bound, moved; unchanged if its format cannot express that."""
    try:
        match pattern:
            case "iso" | "iso_ms":
                return (datetime.fromisoformat(value) + step).isoformat()
            case "epoch_ms":
                return str(int(value) + step // timedelta(milliseconds=1))
            case "epoch_s":
                return str(int(value) + step // timedelta(seconds=1))
            case "date":
                return (date.fromisoformat(value) + step).isoformat()
            case _:
                return (datetime.strptime(value, pattern) + step).strftime(pattern)
    except ValueError:
        return value


def unit_of(pattern: str) -> timedelta:
    """The smallest step of a bound's format."""
    if pattern in {"iso", "iso_ms", "epoch_ms"} or "%f" in pattern:
        return timedelta(milliseconds=1)
    if pattern == "epoch_s" or "%S" in pattern:
        return timedelta(seconds=1)
    if "%M" in pattern:
        return timedelta(minutes=1)
    return timedelta(days=1)


@manner("bounds", "harmless", _filters)
def exclusive_bounds(subject: Subject) -> Hooks:
    """Both bounds are exclusive, where the end's format can express that."""
    incremental = subject.resource.incremental
    assert incremental is not None
    unit = unit_of(incremental.param_format)
    # An end in whole seconds or minutes cannot be exclusive: the records have milliseconds.
    back = timedelta(0) if timedelta(milliseconds=1) < unit < timedelta(days=1) else -unit

    def ask(request: Request) -> Request:
        return moved_bounds(
            request, incremental, lambda v, p: moved(v, p, unit), lambda v, p: moved(v, p, back)
        )

    return Hooks(ask=ask)


def _has_clock(subject: Subject) -> bool:
    if not _filters(subject):
        return False
    incremental = subject.resource.incremental
    assert incremental is not None
    pattern = incremental.param_format
    return pattern in {"iso", "iso_ms"} or "%H" in pattern


def _register_zone(name: str, about: str, hours: int) -> None:
    def make(subject: Subject) -> Hooks:
        incremental = subject.resource.incremental
        assert incremental is not None
        step = timedelta(hours=hours)

        def ask(request: Request) -> Request:
            move = lambda v, p: moved(v, p, step)  # noqa: E731
            return moved_bounds(request, incremental, move, move)

        return Hooks(ask=ask)

    register(name, about, "bounds", "provable", _has_clock, make)


_register_zone("bounds-7-hours-west", "Bounds are read in a zone 7 hours west of UTC.", 7)
_register_zone("bounds-5-hours-east", "Bounds are read in a zone 5 hours east of UTC.", -5)


@manner("bounds", "harmless", _filters)
def ignores_bounds(subject: Subject) -> Hooks:
    """The server does not filter by time."""
    incremental = subject.resource.incremental
    assert incremental is not None
    names = {incremental.start_param or "", incremental.end_param or ""}

    def ask(request: Request) -> Request:
        kept = {
            n: [v for v in request.query.get(n, []) if HEX.match(v)] or None for n in names if n
        }
        return bodies.with_query(request, **kept)

    return Hooks(ask=ask)


@manner("bounds", "harmless", _filters)
def ignores_end(subject: Subject) -> Hooks:
    """The server filters by the start only."""
    incremental = subject.resource.incremental
    assert incremental is not None
    start, end = incremental.start_param, incremental.end_param or ""

    def ask(request: Request) -> Request:
        if start == end:
            return bodies.with_query(request, **{end: request.query.get(end, [])[:1]})
        kept = [v for v in request.query.get(end, []) if HEX.match(v)]
        return bodies.with_query(request, **{end: kept or None})

    return Hooks(ask=ask)


@manner("bounds", "provable", _filters)
def span_of_a_day(subject: Subject) -> Hooks:
    """A request for more than exactly 24 hours is refused with 400."""

    def ask(request: Request) -> Request | ServedResponse:
        window = window_of(subject.resource, request.query)
        if window.low is None or window.high is None or window.high - window.low <= DAY_MS:
            return request
        return ServedResponse(400, b'{"message": "the span is longer than 24 hours"}')

    return Hooks(ask=ask)


@manner("bounds", "provable", _filters)
def refused_bounds(subject: Subject) -> Hooks:
    """A request with a bound is refused with 400."""

    def ask(request: Request) -> Request | ServedResponse:
        window = window_of(subject.resource, request.query)
        if window.low is None and window.high is None:
            return request
        return ServedResponse(400, b'{"message": "invalid request"}')

    return Hooks(ask=ask)


@manner("bounds", "provable", _filters)
def no_future_end(subject: Subject) -> Hooks:
    """A request whose end is after the server's last day is refused with 400."""
    now = to_ms(subject.options.end)

    def ask(request: Request) -> Request | ServedResponse:
        high = window_of(subject.resource, request.query).high
        if high is None or high <= now:
            return request
        return ServedResponse(400, b'{"message": "the end is in the future"}')

    return Hooks(ask=ask)


def _has_order(subject: Subject) -> bool:
    incremental = subject.resource.incremental
    return incremental is not None and incremental.row_order is not None


@manner("bounds", "harmless", _has_order)
def other_order(subject: Subject) -> Hooks:
    """Records are listed the other way round."""
    incremental = subject.resource.incremental
    assert incremental is not None
    sort = "time" if incremental.row_order == "desc" else "-time"
    return Hooks(ask=lambda request: bodies.with_query(request, sort=sort))


_ANSWERED = timedelta(hours=30)  # of a longer span


def _register_part(name: str, about: str, *, is_last: bool) -> None:
    def make(subject: Subject) -> Hooks:
        incremental = subject.resource.incremental
        assert incremental is not None

        def ask(request: Request) -> Request:
            window = window_of(subject.resource, request.query)
            if window.low is None or window.high is None:
                return request
            surplus = timedelta(milliseconds=window.high - window.low) - _ANSWERED
            if surplus <= timedelta():
                return request
            stay: Move = lambda v, p: v  # noqa: E731
            low: Move = lambda v, p: moved(v, p, surplus)  # noqa: E731
            high: Move = lambda v, p: moved(v, p, -surplus)  # noqa: E731
            return moved_bounds(
                request, incremental, low if is_last else stay, stay if is_last else high
            )

        return Hooks(ask=ask)

    register(name, about, "bounds", "provable", _filters_by_both, make)


def _filters_by_both(subject: Subject) -> bool:
    incremental = subject.resource.incremental
    return _filters(subject) and bool(
        incremental and incremental.start_param and incremental.end_param
    )


_register_part(
    "answers-last-hours", "Of a span of more than 30 hours, the last 30 hours are answered.",
    is_last=True,
)  # fmt: skip
_register_part(
    "answers-first-hours", "Of a span of more than 30 hours, the first 30 hours are answered.",
    is_last=False,
)  # fmt: skip


def _has_own_cursor(subject: Subject) -> bool:
    """Whether the filter is by a field that is text, and no key and no field of the parent."""
    resource = subject.resource
    return (
        _filters_by_both(subject)
        and bodies.is_list(subject)
        and resource.cursor is not None
        and resource.cursor.format is None
        and resource.cursor.column not in resource.key
        and resource.cursor.name not in resource.inherited
        and not resource.cursor.aliases
    )


@manner("bounds", "provable", _has_own_cursor)
def filters_by_another_field(subject: Subject) -> Hooks:
    """The cursor of each third record is 4 days later than the time by which the server filters."""
    cursor = subject.resource.cursor
    assert cursor is not None
    paths = key_paths(subject.resource)

    def record(record: Record) -> Record:
        key = repr([get_or_none(record, path) for path in paths])
        value = get_or_none(record, cursor.path)
        if zlib.crc32(key.encode()) % 3 == 0 and isinstance(value, str):
            put(record, cursor.path, moved(value, "iso", timedelta(days=4)))
        return record

    return Hooks(record=record)
