"""Requests in plain words: paging, values, windows, retries.

In: parts of a finished declaration. Out: sentences for people. No setting is looked up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from analytics_sync.catalog import Resource
from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.catalog.config.paginators import (
    Auto,
    Cursor,
    HeaderCursor,
    HeaderLink,
    JsonLink,
    Offset,
    PageNumber,
    PaginatorConfig,
    SinglePage,
)
from analytics_sync.catalog.config.params import ResolveParam, SettingParam
from analytics_sync.catalog.config.texts import Text
from analytics_sync.catalog.naming import variable_name
from analytics_sync.catalog.source import Source
from analytics_sync.extract.bounds import BoundsFormat

_EMPTY = "an empty page"


def paging_text(paginator: PaginatorConfig) -> str:
    """How the pages of a listing are requested, and what ends it."""
    match paginator:
        case SinglePage():
            return "one response holds all records"
        case Auto():
            return "not declared: next links of the first page are followed, and nothing else"
        case PageNumber():
            first = "without it" if paginator.base_page is None else f"with {paginator.base_page}"
            size = _size(paginator.limit, paginator.limit_name)
            return (
                f"page number in {paginator.page_name}, the first request {first}{size}; "
                f"ends at {_ends(paginator)}"
            )
        case Offset():
            size = _size(paginator.limit, paginator.limit_name)
            return f"offset in {paginator.offset_name}{size}; ends at {_ends(paginator)}"
        case Cursor():
            path, ends = paginator.cursor_path, _ends(paginator, without="a page without a cursor")
            return f"cursor in {paginator.cursor_name}, taken from {path}; ends at {ends}"
        case JsonLink():
            return f"link to the next page at {paginator.next_url_path}; ends without one"
        case HeaderLink():
            return f"link rel={paginator.links_next_key} in the header Link; ends without one"
        case HeaderCursor():
            return (
                f"cursor in {paginator.cursor_param}, taken from the header {paginator.cursor_key}; "
                "ends without one"
            )


def value_text(source: Source, resource: Resource, name: str) -> str:
    """The value of a parameter: a constant, a setting, or a field of the parent."""
    if name in resource.texts:
        return template_text(resource.texts[name])
    value = resource.params[name]
    if isinstance(value, SettingParam):
        optional = ", optional" if value.is_optional else ""
        return f"setting {variable_name(source.name, value.key)}{optional}"
    if isinstance(value, ResolveParam):
        setting = f", or setting {variable_name(source.name, value.config)}" if value.config else ""
        return f"field {value.field} of {value.resource}{setting}"
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def template_text(value: Any) -> str:
    """A text of the declaration, with its placeholders in braces."""
    if isinstance(value, Text):
        return "".join(p if isinstance(p, str) else f"{{{p.name}}}" for p in value.parts)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{n}: {template_text(v)}" for n, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(template_text, value)) + "]"
    return str(value)


def window_lines(incremental: Incremental) -> Iterator[str]:
    """How the window of a partition is requested."""
    bounds = [
        f"{bound} in {param}"
        for bound, param in (("start", incremental.start_param), ("end", incremental.end_param))
        if param
    ]
    if incremental.step == "month":
        yield f"one request for each month, its first day in {incremental.start_param}"
    elif bounds:
        zone = f", read in {incremental.time_zone}" if incremental.time_zone else ""
        yield f"{' and '.join(bounds)}, as {incremental.param_format}{zone}"
    else:
        yield "the API gets no bounds: all is requested, and the rows of the window are kept"
    limits = {
        "one request spans at most": incremental.max_span,
        "the API has no data of the last": incremental.delay,
        "each window begins earlier by": incremental.lag,
        "the schedule reads again the last": incremental.lookback,
    }
    yield from (f"{said} {_length(value)}" for said, value in limits.items() if value)
    if incremental.row_order:
        yield f"pages are ordered: {incremental.row_order}"
    if incremental.sends_bounds:
        yield "the bounds may be inclusive or not: rows outside of the window are left out"
        if not BoundsFormat(incremental).is_zone_known:
            yield "the time zone of the bounds is not declared: requests reach further on both sides"


def _size(limit: int | None, name: str | None) -> str:
    if limit is None:
        return ""
    return f", {limit} records a page in {name}" if name else f", {limit} records a page"


def _ends(paginator: Any, *, without: str = "") -> str:
    ends = [
        without,
        _EMPTY if paginator.stop_after_empty_page else "",
        f"the total at {found}" if (found := getattr(paginator, "total_path", None)) else "",
        f"the flag at {paginator.has_more_path}" if paginator.has_more_path else "",
        f"the last number {found}" if (found := getattr(paginator, "maximum_page", None)) else "",
        f"the offset {found}" if (found := getattr(paginator, "maximum_offset", None)) else "",
    ]
    return " or ".join(filter(None, ends))


def _length(value: object) -> str:
    return str(value).removesuffix(", 0:00:00")
