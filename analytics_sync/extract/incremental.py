"""Incremental requests: the bounds of a window as query parameters, and the slices of a window.

In: a half-open window of UTC time, a resource's ``incremental``. Out: query parameters, one set per
request series; and slices of the window, to be read concurrently.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from analytics_sync.catalog.models import Incremental
from analytics_sync.common.window import Window
from analytics_sync.extract.convert.cursor import CursorSpan

_FORMAT_UNITS = {
    "iso": timedelta(seconds=1),
    "iso_ms": timedelta(milliseconds=1),
    "date": timedelta(days=1),
    "epoch_s": timedelta(seconds=1),
    "epoch_ms": timedelta(milliseconds=1),
}
_MIN_UNITS_PER_SLICE = 16  # the bounds of each slice cost up to two units of extra records
_MIN_SLICE = timedelta(minutes=1)
_GRAINS_PER_WINDOW = 64
_MAX_CLOCK_SKEW = timedelta(minutes=5)  # an API's clock may be behind ours by as much
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_params(incremental: Incremental, window: Window) -> list[dict[str, object]]:
    """The parameters that make the API filter by ``window``; one set per request series.

    Whether bounds are inclusive is rarely documented, so the lower one is sent one unit early and
    the upper one rounded up; what is too much is trimmed by the reader.
    """
    if incremental.start_param is None and incremental.end_param is None:
        return [{}]
    param_format = incremental.param_format
    if incremental.step == "month":
        assert incremental.start_param is not None
        return [
            {incremental.start_param: _format(month, param_format)} for month in _months(window)
        ]
    unit = _unit(param_format)
    start = _format(_floor(window.start, unit) - unit, param_format)
    end = _format(_ceil(window.end, unit), param_format)
    if incremental.start_param == incremental.end_param:
        return [{incremental.start_param or "": [start, end]}]
    params = {incremental.start_param: start, incremental.end_param: end}
    return [{name: value for name, value in params.items() if name is not None}]


def split_window(
    incremental: Incremental, window: Window, now: datetime, max_slices: int
) -> tuple[list[Window], Window | None]:
    """Cut the past of a window into slices of one length, and the rest into a last slice.

    A record that changes during the read moves from its slice into the slice that holds the present.
    The caller must read that last slice after the others: then the record is seen in its old place or
    in its new place.

    Args:
        incremental: How the API filters. Slices are much longer than the unit of its bounds,
            because each slice requests two units too much.
        window: The window to cut.
        now: When the read began.
        max_slices: Upper limit; fewer if slices would be shorter than a minute or than 16 units.

    Returns:
        The slices, none if the window is not worth cutting; and the last slice, None if the whole
        window is past.
    """
    if not (incremental.start_param and incremental.end_param) or incremental.step:
        return [], None
    unit = _unit(incremental.param_format)
    # Coarse steps: a run that resumes after a kill must cut the window in the same places.
    grain = max((window.end - window.start) / _GRAINS_PER_WINDOW, unit)
    past = min(window.end, window.start + (now - _MAX_CLOCK_SKEW - window.start) // grain * grain)
    shortest = max(_MIN_UNITS_PER_SLICE * unit, _MIN_SLICE)
    count = min(max_slices, (past - window.start) // shortest)
    if count < 2:
        return [], None
    ends = [_floor(window.start + (past - window.start) * n / count, unit) for n in range(1, count)]
    edges = [window.start, *ends, past]
    late = Window(past, window.end) if past < window.end else None
    return [Window(a, b) for a, b in pairwise(edges)], late


def is_within(incremental: Incremental, slice_: Window, span: CursorSpan) -> bool:
    """Whether records belong to the requested slice: some APIs ignore the parameters.

    Args:
        incremental: How the API was asked to filter.
        slice_: The requested slice.
        span: The range of the records' cursors.
    """
    if span.oldest is None or span.newest is None or span.incomplete:
        return False
    unit = 2 * _unit(incremental.param_format)
    return slice_.start - unit <= span.oldest and span.newest <= slice_.end + unit


def _months(window: Window) -> Iterator[datetime]:
    """The start of each month that overlaps the window."""
    month = window.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month < window.end:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _unit(param_format: str) -> timedelta:
    """The smallest step that bounds in this format can express."""
    if unit := _FORMAT_UNITS.get(param_format):
        return unit
    if "%f" in param_format:
        return timedelta(milliseconds=1)
    return timedelta(seconds=1) if "%S" in param_format else timedelta(days=1)


def _floor(instant: datetime, unit: timedelta) -> datetime:
    return instant - (instant - _EPOCH) % unit


def _ceil(instant: datetime, unit: timedelta) -> datetime:
    floored = _floor(instant, unit)
    return floored if floored == instant else floored + unit


def _format(instant: datetime, param_format: str) -> str:
    """An instant as the API spells it; a name that is no format of ours is a strftime pattern."""
    match param_format:
        case "iso":
            return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
        case "iso_ms":
            return instant.strftime("%Y-%m-%dT%H:%M:%S.") + f"{instant.microsecond // 1000:03d}Z"
        case "date":
            return instant.strftime("%Y-%m-%d")
        case "epoch_s":
            return str((instant - _EPOCH) // timedelta(seconds=1))
        case "epoch_ms":
            return str((instant - _EPOCH) // timedelta(milliseconds=1))
        case _:
            return instant.strftime(param_format)
