"""Every paginator from its first to its last page, request by request."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from analytics_sync.catalog.config.paginators import Offset, PaginatorConfig
from analytics_sync.common.errors import Place
from analytics_sync.extract.rest_client.paginators.paginator import paginator_for
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api


def records(*ids: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in ids]


def numbered(pages: list[list[int]], base: int, param: str = "page") -> Any:
    """A server that counts pages from ``base``; a request without a number gets the first page."""
    return lambda path, query, headers: {
        "data": records(*dict(enumerate(pages, base)).get(int(query.get(param, base)), []))
    }


def skipping(count: int, max_page_size: int, param: str = "offset") -> Any:
    """A server of ``count`` records that honours an offset and caps its pages."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get(param, 0))
        size = min(max_page_size, int(query.get("limit", max_page_size)))
        return {"data": records(*range(count)[start : start + size]), "count": count}

    return respond


def paged(paginator: Any, **endpoint: Any) -> Any:
    return shop(item({"paginator": paginator, "data_selector": "data", **endpoint}))


CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
PAGES = {"type": "page_number", "page_param": "page"}
OFFSET = {"type": "offset", "limit": 2}

# declared paginator, responses in order, expected queries, expected keys
SERIES: dict[str, tuple[Any, list[Any], list[Query], list[int]]] = {
    "single_page": ("single_page", [{"data": records(1, 2), "next": "http://x/"}], [{}], [1, 2]),
    "auto": ("auto", [{"data": records(1), "next": None}], [{}], [1]),
    "cursor": (
        CURSOR,
        [{"data": records(1), "next": "a"}, {"data": records(2), "next": "b"}, {"data": []}],
        [{}, {"from": "a"}, {"from": "b"}],
        [1, 2],
    ),
    "cursor null": (CURSOR, [{"data": records(1), "next": None}], [{}], [1]),
    "cursor empty string": (CURSOR, [{"data": records(1), "next": ""}], [{}], [1]),
    "cursor number": (
        CURSOR,
        [{"data": records(1), "next": 17}, {"data": records(2)}],
        [{}, {"from": "17"}],
        [1, 2],
    ),
    "cursor zero": (CURSOR, [{"data": records(1), "next": 0}], [{}], [1]),
    "cursor false": (CURSOR, [{"data": records(1), "next": False}], [{}], [1]),
    "an empty page with a cursor does not end the series": (
        CURSOR,
        [{"data": [], "next": "a"}, {"data": records(1)}],
        [{}, {"from": "a"}],
        [1],
    ),
    "an empty page with a cursor ends the series where declared": (
        {**CURSOR, "stop_after_empty_page": True},
        [{"data": records(1), "next": 1}, {"data": [], "next": 2}],
        [{}, {"from": "1"}],
        [1],
    ),
    "next offset repeated on the empty page": (
        CURSOR,
        [{"data": records(1), "next": 1}, {"data": [], "next": 1}],
        [{}, {"from": "1"}],
        [1],
    ),
    "cursor anywhere": (
        {"type": "cursor", "cursor_path": "..page.after", "cursor_param": "page[cursor]"},
        [{"data": records(1), "meta": {"page": {"after": "é&="}}}, {"data": records(2)}],
        [{}, {"page[cursor]": "é&="}],
        [1, 2],
    ),
    "cursor and has_more": (
        {**CURSOR, "has_more_path": "more"},
        [{"data": records(1), "next": "a", "more": True}, {"data": records(2), "next": "b", "more": False}],
        [{}, {"from": "a"}],
        [1, 2],
    ),
    "cursor paginator, root array": (CURSOR, [records(1, 2)], [{}], [1, 2]),
    "page_number with has_more": (
        {**PAGES, "base_page": 0, "has_more_path": "more"},
        [{"data": records(1), "more": True}, {"data": records(2), "more": False}],
        [{"page": "0"}, {"page": "1"}],
        [1, 2],
    ),
    "page_number with total of pages": (
        {**PAGES, "base_page": 1, "total_path": "total"},
        [{"data": records(1, 2), "total": 2}, {"data": records(3), "total": 2}],
        [{"page": "1"}, {"page": "2"}],
        [1, 2, 3],
    ),
    "page_number up to maximum_page": (
        {**PAGES, "base_page": 1, "maximum_page": 2},
        [{"data": records(1)}, {"data": records(2)}],
        [{"page": "1"}, {"page": "2"}],
        [1, 2],
    ),
    "offset with has_more": (
        {**OFFSET, "has_more_path": "more"},
        [{"data": records(1, 2), "more": True}, {"data": records(3, 4), "more": False}],
        [{"limit": "2", "offset": "0"}, {"limit": "2", "offset": "2"}],
        [1, 2, 3, 4],
    ),
    "offset up to maximum_offset": (
        {**OFFSET, "maximum_offset": 3},
        [{"data": records(1, 2)}, {"data": records(3, 4)}],
        [{"limit": "2", "offset": "0"}, {"limit": "2", "offset": "2"}],
        [1, 2, 3, 4],
    ),
    "offset, but the body hands out a cursor": (
        {"type": "offset", "limit": 2},
        [{"data": records(1, 2), "cursor": {"before": "b"}}, {"data": records(3, 4), "cursor": {"before": "d"}},
         {"data": [], "cursor": {"before": None}}],
        [{"limit": "2", "offset": "0"}, {"limit": "2", "before": "b"}, {"limit": "2", "before": "d"}],
        [1, 2, 3, 4],
    ),
    "offset, a cursor object without a cursor": (
        {"type": "offset", "limit": 2},
        [{"data": records(1, 2), "cursor": {"limit": 2}}],
        [{"limit": "2", "offset": "0"}],
        [1, 2],
    ),
    "offset, a cursor that disappears": (
        {"type": "offset", "limit": 2},
        [{"data": records(1, 2), "cursor": {"before": "b"}}, {"data": records(3, 4)}],
        [{"limit": "2", "offset": "0"}, {"limit": "2", "before": "b"}],
        [1, 2, 3, 4],
    ),
    "offset ignored, short first page": (
        {"type": "offset", "limit": 5},
        [{"data": records(1, 2)}],
        [{"limit": "5", "offset": "0"}, {"limit": "5", "offset": "2"}],
        [1, 2],
    ),
    "header_cursor": (
        {"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "from"},
        [(200, {"X-Next": "a"}, {"data": records(1)}), (200, {"X-Next": ""}, {"data": records(2)})],
        [{}, {"from": "a"}],
        [1, 2],
    ),
}  # fmt: skip


def test_each_declared_type_has_a_paginator_class_of_its_own() -> None:
    declared = get_args(get_args(PaginatorConfig)[0])
    configs = [cls(limit=2) if cls is Offset else cls() for cls in declared]
    classes = {type(paginator_for(config, Place("shop"))) for config in configs}
    assert len(classes) == len(declared) == 8


@pytest.mark.parametrize("name", SERIES)
def test_series_of_pages(api: Api, name: str) -> None:
    paginator, responses, queries, ids = SERIES[name]
    api.on("/items", *responses)
    assert read(paged(paginator)).ids() == ids
    assert api.queries() == queries


@pytest.mark.parametrize("said", [False, None, 0, "", "false", "False", "no", "0"], ids=repr)
@pytest.mark.parametrize("paginator", [CURSOR, PAGES, OFFSET], ids=["cursor", "pages", "offset"])
def test_a_flag_in_any_form_ends_the_listing(api: Api, paginator: Any, said: Any) -> None:
    api.on("/items", {"data": records(1, 2), "more": said})
    outcome = read(paged({**paginator, "has_more_path": "more"}))
    assert outcome.ids() == [1, 2]
    assert len(api.queries()) == 1


def test_page_numbers_run_from_the_base_to_the_empty_page(api: Api) -> None:
    api.on("/items", numbered([[1, 2], [3], [4, 5]], base=1))
    source = paged({**PAGES, "base_page": 1, "limit": 2, "limit_param": "size"})
    assert read(source).ids() == [
        1,
        2,
        3,
        4,
        5,
    ]  # a short page in the middle does not end the series, and one empty page after it neither
    assert api.queries() == [{"size": "2", "page": str(n)} for n in range(1, 7)]


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("total", [None, "pages"])
def test_an_undeclared_base_page_is_detected(api: Api, base: int, total: str | None) -> None:
    pages = [[1, 2], [3, 4], [5]]
    serve = numbered(pages, base)
    api.on("/items", lambda *request: {**serve(*request), "pages": len(pages)})
    outcome = read(paged({**PAGES, "total_path": total}))
    assert outcome.ids() == [1, 2, 3, 4, 5]
    assert outcome.readings["items"].records == 5, "a page received twice counts once"
    assert api.queries()[0] == {}
    last = len(pages) + base - 1 + (total is None)
    # Pages are prefetched at the same time, so they arrive in any order.
    pages_asked = sorted(q["page"] for q in api.queries()[1:])
    assert pages_asked == [str(n) for n in range(1, last + 1)]


def test_a_single_page_counted_from_one(api: Api) -> None:
    api.on("/items", numbered([[1, 2]], base=1))
    assert read(paged(PAGES)).ids() == [1, 2]
    assert api.queries() == [{}, {"page": "1"}, {"page": "2"}]


@pytest.mark.parametrize("max_page_size", [1, 3, 4, 50])
@pytest.mark.parametrize("total", [None, "count"])
def test_an_offset_grows_by_the_records_received(
    api: Api, max_page_size: int, total: str | None
) -> None:
    api.on("/items", skipping(9, max_page_size))
    assert read(paged({"type": "offset", "limit": 4, "total_path": total})).ids() == [*range(9)]
    size = min(max_page_size, 4)
    is_last_short = 9 % size and size < 9
    offsets = [*range(0, 9, size), *([] if total and is_last_short else [9])]
    # prefetched requests may arrive in any order
    assert sorted(int(q["offset"]) for q in api.queries()) == offsets


def test_an_offset_starts_where_declared(api: Api) -> None:
    api.on("/items", skipping(5, 9))
    assert read(paged({"type": "offset", "limit": 9, "offset": 3})).ids() == [3, 4]
    assert [q["offset"] for q in api.queries()] == ["3", "5"]


def test_a_child_with_inherited_fields_ends_when_its_offset_is_ignored(api: Api) -> None:
    api.on("/items", {"data": records(1, 2)})
    api.on("/kids", lambda path, query, headers: {"data": records(10 * int(query["parent"]))})
    kids = item(
        {
            "data_selector": "data",
            "paginator": {"type": "offset", "limit": 5},
            "params": {"parent": {"type": "resolve", "resource": "items", "field": "id"}},
        },
        name="kids",
        columns={"id": "bigint", "item_id": "bigint"},
        include_from_parent={"item_id": "id"},
    )
    outcome = read(shop(item({"data_selector": "data"}), kids))
    assert outcome.rows["kids"] == [
        {"id": 10, "item_id": 1, "_parent_key": "1"},
        {"id": 20, "item_id": 2, "_parent_key": "2"},
    ]
    assert len(api.queries("/kids")) == 4
