"""Rules about paging: a listing of which only a part is read, or which is asked for twice.

In: a resource. Out: defects.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from analytics_sync.catalog import Resource, Source
from analytics_sync.catalog.config.paginators import (
    Auto,
    Cursor,
    HeaderCursor,
    Offset,
    PageNumber,
    SinglePage,
)
from analytics_sync.commands.lint.defect import (
    PARAMS,
    Defect,
    Path,
    Rule,
    in_body,
    in_query,
    number_of,
    plain,
)

_LIMITS = frozenset(
    {"limit", "perpage", "pagesize", "maxresults", "maxitems", "pagelimit", "resultsperpage", "top"}
    | {"itemsperpage", "hitsperpage", "limitperpage", "batchsize", "maxrecords", "rowsperpage"}
    | {"take", "rows", "size", "count", "first", "num", "recordsperpage", "pagecount", "numresults"}
    | {
        "results",
        "pagelength",
        "maxpagesize",
        "odatamaxpagesize",
        "nbperpage",
        "resultlimit",
        "fetchsize",
    }
)
_PAGES = frozenset(
    {
        "page",
        "pagenumber",
        "pageindex",
        "pageno",
        "pagenum",
        "offset",
        "skip",
        "startat",
        "startindex",
    }
    | {"pageoffset", "currentpage", "p", "startrow", "from", "start", "pagestart"}
)
_RECORDS_NOT_PAGES = frozenset(
    {"total", "totalcount", "count", "totalrecords", "totalitems", "totalresults", "totalrows"}
    | {"totalelements", "totalhits", "recordcount", "itemcount", "totalentries"}
)
_INDEX = re.compile(r"\[-?\d+\]|(?:^|\.)\d+(?:\.|$)")
_ENDPOINT, _PAGINATOR = ("endpoint",), ("endpoint", "paginator")


def limit_without_paginator(_: Source, resource: Resource) -> Iterator[Defect]:
    """A page size is sent, and no paginator asks for the other pages."""
    if not isinstance(resource.paginator, Auto | SinglePage):
        return
    said = "is declared" if isinstance(resource.paginator, Auto) else "but single_page is declared"
    for place, name, value in _literals(resource):
        number = number_of(value)
        if plain(name) in _LIMITS and number is not None and number >= 1:
            yield Defect(
                (*place, name),
                f"{name}: {value} limits the page, and no paginator {said}: records beyond it may be missing",
                f"declare endpoint.paginator, for example {{type: offset, limit: {number:g}, limit_param: {name}}}, "
                f"or {{type: page_number, limit: {number:g}, limit_param: {name}}}, and remove the parameter",
            )


def fixed_page(_: Source, resource: Resource) -> Iterator[Defect]:
    """One page is asked for by its number, and no other."""
    if not isinstance(resource.paginator, Auto | SinglePage):
        return
    for place, name, value in _literals(resource):
        number = number_of(value)
        if number is not None and plain(name) in _PAGES and not _is_time(number):
            yield Defect(
                (*place, name),
                f"{name}: {value} asks for one page, always: the other pages are never read",
                f"remove the parameter, and declare a paginator that counts {name}",
            )


def parameter_of_the_paginator(_: Source, resource: Resource) -> Iterator[Defect]:
    """A parameter that the paginator sends has a value of its own."""
    own = _own_names(resource)
    for place, name, value in _literals(resource):
        if place == PARAMS and name in own and own[name] != number_of(value):
            yield Defect(
                (*place, name),
                f"{name}: {value} is a parameter of the paginator, too, which sends another value",
                "remove it from params; the page size belongs to limit of the paginator",
            )


def paging_beside_the_body(_: Source, resource: Resource) -> Iterator[Defect]:
    """The body of a POST request holds a page, and the paginator counts in the query."""
    if isinstance(resource.paginator, Auto | SinglePage):
        return
    for place, name, value in in_body(resource):
        dotted = ".".join(map(str, (*place[2:], name)))
        is_place = plain(name) in _PAGES | {"cursor", "pagetoken", "nexttoken", "after"}
        is_sent = dotted in resource.paginator.body_paths
        if is_place and not is_sent and number_of(value) is not None:
            yield Defect(
                (*place, name),
                f"{name} of the body is {value!r} in every request, and the paginator counts in the query",
                "declare page_body_path, offset_body_path or cursor_body_path of the paginator",
            )


def listing_is_cut(_: Source, resource: Resource) -> Iterator[Defect]:
    """The paginator ends at a number, whatever the API has."""
    for key in ("maximum_page", "maximum_offset"):
        if (number := getattr(resource.paginator, key, None)) is not None:
            yield Defect(
                (*_PAGINATOR, key),
                f"{key}: {number} ends the listing there: records beyond it are never read",
                f"remove {key}; for a trial use analytics-sync preview, or page_limit of the run",
            )


def total_of_records_as_pages(_: Source, resource: Resource) -> Iterator[Defect]:
    """``total_path`` of a page number holds the number of pages, and the name says records."""
    paginator = resource.paginator
    if not isinstance(paginator, PageNumber) or paginator.total_path is None:
        return
    if plain(paginator.total_path.rpartition(".")[2]) in _RECORDS_NOT_PAGES:
        yield Defect(
            (*_PAGINATOR, "total_path"),
            f"total_path of page_number is the number of pages, and {paginator.total_path} is named like a number "
            "of records: pages that do not exist are asked for",
            "declare it as endpoint.count_path, and leave total_path out",
        )


def selector_takes_one(_: Source, resource: Resource) -> Iterator[Defect]:
    """The selector holds an index, so that one element of a list is read."""
    if resource.selector and _INDEX.search(resource.selector):
        yield Defect(
            (*_ENDPOINT, "data_selector"),
            f"data_selector {resource.selector} takes one element of a list: the others are never read",
            "name the list itself, or all elements by [*]",
        )


def same_request_twice(source: Source, resource: Resource) -> Iterator[Defect]:
    """Two resources send the same requests for the same records."""
    for other in source.resources.values():
        if other is resource:
            return
        if _request(other) == _request(resource) and other.selected and resource.selected:
            yield Defect(
                ("name",),
                f"{other.name} sends the same requests for the same records: each is read twice",
                "remove one of them, or correct its path, params or data_selector",
            )


RULES = (
    Rule("limit-without-paginator", "a page size is sent, and no paginator is declared", limit_without_paginator),
    Rule("fixed-page", "one page is asked for by its number, and no other", fixed_page),
    Rule("parameter-of-the-paginator", "a parameter of the paginator stands in params with another value", parameter_of_the_paginator),
    Rule("paging-beside-the-body", "the body holds a fixed page, and the paginator counts in the query", paging_beside_the_body),
    Rule("listing-is-cut", "maximum_page or maximum_offset ends the listing", listing_is_cut),
    Rule("total-of-records-as-pages", "total_path of page_number is named like a number of records", total_of_records_as_pages),
    Rule("selector-takes-one", "data_selector holds an index", selector_takes_one),
    Rule("same-request-twice", "two resources send the same requests", same_request_twice),
)  # fmt: skip


def _literals(resource: Resource) -> Iterator[tuple[Path, str, Any]]:
    """The constants of the query and of the body: the key above, the name, the value."""
    yield from in_query(resource)
    yield from in_body(resource)


def _own_names(resource: Resource) -> dict[str, float | None]:
    """The parameters that the paginator sends, each with its first value if that is fixed."""
    match resource.paginator:
        case PageNumber() as p:
            names = {
                p.page_name: None if p.base_page is None else float(p.base_page),
                p.limit_name: p.limit,
            }
        case Offset() as p:
            names = {p.offset_name: float(p.offset), p.limit_name: p.limit}
        case Cursor() as p:
            names = {p.cursor_name: None}
        case HeaderCursor() as p:
            names = {p.cursor_param: None}
        case _:
            names = {}
    return {name: value for name, value in names.items() if name}


def _is_time(number: float) -> bool:
    return number > 100_000_000  # seconds since 1970


def _request(resource: Resource) -> tuple[object, ...]:
    return (
        resource.method, resource.path, dict(resource.params), dict(resource.texts), resource.post,
        resource.selector, dict(resource.headers), resource.steps,
    )  # fmt: skip
