"""The filters and the order of a request.

In: a resource's declaration and the query.
Out: the matching versions in order, each with its position in that order.
Positions do not shift when records are added, so the next page starts exactly after the last one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.paginators import Offset
from analytics_sync.sandbox.data.json_path import Path, get_or_none
from analytics_sync.sandbox.data.record_factory import as_text
from analytics_sync.sandbox.data.tables import Version
from analytics_sync.sandbox.data.timestamps import DAY_MS, to_ms
from analytics_sync.sandbox.messages import Query, Refused

Order = Literal["newest", "oldest", "created", "key"]
Position = tuple[int | str, ...]
HEX = re.compile(r"^[0-9a-f]{24}$")
_CLOCK = re.compile(r"%[HITXcsM]")


@dataclass(frozen=True, slots=True)
class FilterWindow:
    """A window in milliseconds since 1970, both ends included; None is no bound."""

    low: int | None = None
    high: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """Versions in order, and the position of each."""

    positions: list[Position]
    versions: list[Version]
    _last: dict[Path, dict[str, int]] = field(default_factory=dict)

    def after(self, position: Position) -> int:
        """The index of the first version after a position.

        Raises:
            TypeError: The position does not belong to this order.
        """
        return bisect_right(self.positions, position)

    def last_with(self, path: Path) -> dict[str, int]:
        """The values of a field, as text -> the index of the last version with this value."""
        if path not in self._last:
            texts = [text_at(version, path) for version in self.versions]
            self._last[path] = {text: index for index, text in enumerate(texts)}
        return self._last[path]


def text_at(version: Version, path: Path) -> str:
    """The value of a field, as a client sends it in a query."""
    return as_text(get_or_none(version.record, path)) or ""


def window_of(resource: Resource, query: Query) -> FilterWindow:
    """The window of the query.

    Raises:
        Refused: 422, a bound has another format than declared, or the month is missing.
    """
    incremental = resource.incremental
    if incremental is None:
        return FilterWindow()
    start = query.get(incremental.start_param or "", [])
    end = query.get(incremental.end_param or "", [])
    if incremental.step == "month":
        if not start:
            raise Refused(422, f"parameter {incremental.start_param} is required")
        return _month(_bound(start[-1], incremental.param_format, first=True))
    if incremental.start_param == incremental.end_param and len(start) > 1:
        # One parameter, sent twice: first the start, then the end.
        start, end = start[:1], start[1:]
    elif incremental.start_param == incremental.end_param:
        end = []
    if end and incremental.end_param == getattr(resource.paginator, "cursor_param", None):
        end = [value for value in end if not HEX.match(value)]
    return FilterWindow(
        _bound(start[-1], incremental.param_format, first=True) if start else None,
        _bound(end[-1], incremental.param_format, first=False) if end else None,
    )


def _month(ms: int) -> FilterWindow:
    first = datetime.fromtimestamp(ms / 1000, UTC).date().replace(day=1)
    following = (first + timedelta(days=31)).replace(day=1)
    return FilterWindow(to_ms(first), to_ms(following) - 1)


def _bound(value: str, time_format: str, *, first: bool) -> int:
    """A bound in milliseconds.

    Args:
        value: The value of the parameter.
        time_format: The declared format.
        first: Whether this is the start. A day as the end of a window includes the whole day.

    Raises:
        Refused: 422, the value has another format.
    """
    try:
        match time_format:
            case "epoch_ms":
                return int(value)
            case "epoch_s":
                return int(value) * 1000
            case "date":
                day = to_ms(date.fromisoformat(value))
                return day if first else day + DAY_MS - 1
            case "iso" | "iso_ms":
                return to_ms(datetime.fromisoformat(value))
            case _:
                ms = to_ms(datetime.strptime(value, time_format))
                return ms if first or _CLOCK.search(time_format) else ms + DAY_MS - 1
    except ValueError:
        raise Refused(422, f"{value!r} is not a time spelled as {time_format}") from None


def order_of(resource: Resource, query: Query) -> Order:
    """The order of the records: as requested, as declared, as created, or by key."""
    if resource.incremental is not None:
        if sort := query.get("sort"):
            return "newest" if sort[-1].startswith("-") else "oldest"
        if resource.incremental.row_order is not None:
            return "newest" if resource.incremental.row_order == "desc" else "oldest"
    # An API whose page cursor is the oldest record of the page lists the last created record first.
    # It does not sort by an update time: that changes with every update.
    has_record_cursor = (
        isinstance(resource.paginator, Offset) and resource.paginator.cursor_path is not None
    )
    return "created" if has_record_cursor else "key"


def arrange(
    order: Order, window: FilterWindow, key: tuple[Path, ...]
) -> Callable[[list[Version]], View]:
    """A function that filters and orders versions into a view.

    Args:
        order: The order.
        window: The window of the cursor's instant; versions without an instant are kept.
        key: Paths of the primary key, for the order by key.
    """
    low = -(2**62) if window.low is None else window.low
    high = 2**62 if window.high is None else window.high

    def view(versions: list[Version]) -> View:
        kept = [v for v in versions if v.ms is None or low <= v.ms <= high]
        pairs = sorted(((position_of(v, order, key), v) for v in kept), key=lambda pair: pair[0])
        return View([p for p, _ in pairs], [v for _, v in pairs])

    return view


def position_of(version: Version, order: Order, key: tuple[Path, ...]) -> Position:
    """The position of a version in an order; no two versions have the same position."""
    if order == "newest":
        return (-(version.ms or 0), -version.number)
    if order == "oldest":
        return (version.ms or 0, version.number)
    if order == "created":
        return (0, -version.number)
    parts: list[int | str] = []
    record = version.record
    for path in key:
        parts += _sortable(get_or_none(record, path))
    return (*parts, version.number)


def _sortable(value: Any) -> tuple[int, int | str]:
    """A sort key that puts numbers before texts, so that any two values can be compared."""
    return (0, value) if isinstance(value, int) else (1, str(value))
