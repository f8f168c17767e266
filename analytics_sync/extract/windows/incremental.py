"""Incremental requests: the bounds of a window as query parameters, and the slices of a window.

In: a half-open window of UTC time, a resource's ``incremental``. Out: query parameters, one set per
request series; and slices of the window, to be read concurrently.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.window import EPOCH, Window
from analytics_sync.extract.bounds import BoundsFormat
from analytics_sync.extract.convert.cursor import CursorSpan

_MIN_MARGINS_PER_SLICE = 8  # the bounds of each slice cost so much of extra records
_MIN_SLICE = timedelta(minutes=1)
_GRAINS_PER_WINDOW = 64
_MAX_CLOCK_SKEW = timedelta(minutes=5)  # an API's clock may be behind ours by as much


def with_lag(resource: Resource, window: Window | None) -> Window | None:
    """The window that is read and loaded: it starts earlier by the declared lag.

    The cursor may be a date without a time of day. It belongs to that day of the partitions.
    """
    incremental = resource.incremental
    if window is None or resource.cursor is None or incremental is None:
        return window
    is_date = resource.cursor.data_type == "date"
    if is_date:
        window = window.of_dates()
    if not incremental.lag:
        return window
    lag = incremental.lag
    if not isinstance(lag, timedelta):  # a number has the unit that dlt gives it
        lag = timedelta(days=lag) if is_date else timedelta(seconds=lag)
    return Window(window.start - lag, window.end)


def window_params(incremental: Incremental, window: Window) -> list[dict[str, object]]:
    """The parameters that make the API filter by ``window``; one set per request series.

    Whether bounds are inclusive, and in which time zone they are read, is rarely documented. Unless it
    is declared, the bounds suit every way; what is too much is trimmed by the reader.
    """
    if incremental.start_param is None and incremental.end_param is None:
        return [{}]
    spelled = BoundsFormat(incremental)
    if incremental.step == "month":
        assert incremental.start_param is not None
        return [{incremental.start_param: month} for month in spelled.months(window)]
    return [bounds_params(incremental, spelled.values(spelled.of(window)))]


def bounds_params(incremental: Incremental, values: tuple[str, str]) -> dict[str, object]:
    """The query parameters that hold two bounds."""
    start, end = values
    if incremental.start_param == incremental.end_param:
        return {incremental.start_param or "": [start, end]}
    params = {incremental.start_param: start, incremental.end_param: end}
    return {name: value for name, value in params.items() if name is not None}


def split_window(
    incremental: Incremental, window: Window, now: datetime, max_slices: int
) -> tuple[list[Window], Window | None]:
    """Cut the past of a window into slices of one length, and the rest into a last slice.

    A record that changes during the read moves from its slice into the slice that holds the present.
    The caller must read that last slice after the others: then the record is seen in its old place or
    in its new place.

    Args:
        incremental: How the API filters. Slices are much longer than the margin of its bounds,
            because each slice requests so much in vain.
        window: The window to cut.
        now: When the read began.
        max_slices: Upper limit; fewer if slices would be shorter than a minute or than 8 margins.

    Returns:
        The slices, none if the window is not worth cutting; and the last slice, None if the whole
        window is past.
    """
    if not (incremental.start_param and incremental.end_param) or incremental.step:
        return [], None
    spelled = BoundsFormat(incremental)
    unit = spelled.unit
    # Coarse steps: a run that resumes after a kill must cut the window in the same places.
    grain = max((window.end - window.start) / _GRAINS_PER_WINDOW, unit)
    past = min(window.end, window.start + (now - _MAX_CLOCK_SKEW - window.start) // grain * grain)
    shortest = max(_MIN_MARGINS_PER_SLICE * spelled.margin, _MIN_SLICE)
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
    spelled = BoundsFormat(incremental)
    bounds, unit = spelled.of(slice_), spelled.unit
    earliest, latest = spelled.earliest(bounds) - unit, spelled.latest(bounds) + unit
    return earliest <= span.oldest and span.newest <= latest


def _floor(instant: datetime, unit: timedelta) -> datetime:
    return instant - (instant - EPOCH) % unit
