"""Half-open ranges of UTC time, and how an API wants their bounds spelled.

In: two instants, a resource's ``incremental``. Out: query parameters, one set per request walk; and
parts of a window, to be read side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from analytics_sync.catalog.models import Incremental
from analytics_sync.common.window import Window

_UNITS = {
    "iso": timedelta(seconds=1),
    "iso_ms": timedelta(milliseconds=1),
    "date": timedelta(days=1),
    "epoch_s": timedelta(seconds=1),
    "epoch_ms": timedelta(milliseconds=1),
}
_UNITS_IN_A_PART = 16
_GRAINS = 64
_SHORTEST_PART = timedelta(minutes=1)
_CLOCKS = timedelta(minutes=5)  # an API's clock may be so much behind ours
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def window_params(incremental: Incremental, window: Window) -> list[dict[str, object]]:
    """The parameters that make the API cut on ``window``; one entry per walk over pages.

    Whether bounds are inclusive is rarely documented, so the lower one is sent one unit early and
    the upper one rounded up; what is too much is trimmed by the reader.
    """
    if incremental.start_param is None and incremental.end_param is None:
        return [{}]
    spelled = incremental.param_format
    if incremental.step == "month":
        assert incremental.start_param is not None
        return [{incremental.start_param: _spell(month, spelled)} for month in _months(window)]
    unit = _unit(spelled)
    start = _spell(_floor(window.start, unit) - unit, spelled)
    end = _spell(_ceil(window.end, unit), spelled)
    if incremental.start_param == incremental.end_param:
        return [{incremental.start_param or "": [start, end]}]
    params = {incremental.start_param: start, incremental.end_param: end}
    return [{name: value for name, value in params.items() if name is not None}]


def split_window(
    incremental: Incremental, window: Window, now: datetime, max_parts: int
) -> tuple[list[Window], Window | None]:
    """Cut a window into parts of one length that can be read side by side, and a last one.

    A record that is changed while the parts are read moves into the part that holds the present. That
    one is to be read after the others: then it is seen where it was, or where it went.

    Args:
        incremental: How the API cuts: parts are much longer than its unit, of which each costs two.
        window: What to cut.
        now: When reading began.
        most: How many parts to make.

    Returns:
        The parts, none if there is nothing to cut; and the last one, if any of it is not yet past.
    """
    if not (incremental.start_param and incremental.end_param) or incremental.step:
        return [], None
    unit = _unit(incremental.param_format)
    # coarse, so that a run that goes on where another was killed cuts in the same places
    grain = max((window.end - window.start) / _GRAINS, unit)
    past = min(window.end, window.start + (now - _CLOCKS - window.start) // grain * grain)
    shortest = max(_UNITS_IN_A_PART * unit, _SHORTEST_PART)
    count = min(max_parts, (past - window.start) // shortest)
    if count < 2:
        return [], None
    ends = [_floor(window.start + (past - window.start) * n / count, unit) for n in range(1, count)]
    edges = [window.start, *ends, past]
    late = Window(past, window.end) if past < window.end else None
    return [Window(a, b) for a, b in pairwise(edges)], late


def is_within(
    incremental: Incremental,
    slice_: Window,
    oldest: datetime | None,
    newest: datetime | None,
    unclear: bool,
) -> bool:
    """Whether records are of the time that was asked for: some APIs know no such parameters.

    Args:
        incremental: How the API was asked.
        part: What it was asked for.
        oldest: The earliest cursor among the records.
        newest: The latest.
        unclear: Whether some record has none.
    """
    if oldest is None or newest is None or unclear:
        return False
    unit = 2 * _unit(incremental.param_format)
    return slice_.start - unit <= oldest and newest <= slice_.end + unit


def _months(window: Window) -> Iterator[datetime]:
    month = window.start.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while month < window.end:
        yield month
        month = (month + timedelta(days=32)).replace(day=1)


def _unit(spelled: str) -> timedelta:
    if unit := _UNITS.get(spelled):
        return unit
    if "%f" in spelled:
        return timedelta(milliseconds=1)
    return timedelta(seconds=1) if "%S" in spelled else timedelta(days=1)


def _floor(instant: datetime, unit: timedelta) -> datetime:
    return instant - (instant - _EPOCH) % unit


def _ceil(instant: datetime, unit: timedelta) -> datetime:
    floored = _floor(instant, unit)
    return floored if floored == instant else floored + unit


def _spell(instant: datetime, spelled: str) -> str:
    match spelled:
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
            return instant.strftime(spelled)
