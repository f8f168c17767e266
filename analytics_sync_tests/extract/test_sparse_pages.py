"""Listings in which an empty page is declared to be no end: ``stop_after_empty_page: false``.

In: APIs that leave records out after they cut the pages. Out: all records, whichever pages are empty.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.catalog.errors import CatalogError
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.rest_client.paginators.base_paginator import END_EMPTY_PAGE, END_NO_MORE
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api
PAGES = {"type": "page_number", "base_page": 1, "stop_after_empty_page": False}
OFFSET = {"type": "offset", "limit": 3, "stop_after_empty_page": False}
COUNT = 24
VISIBLE = [3, 4, 5, 16, 17, 21]  # with pages of 3: the first page and three in the middle are empty


def paged(paginator: dict[str, Any]) -> Source:
    return shop(item({"paginator": paginator, "data_selector": "data"}))


def sparse(beside: Any, visible: list[int] = VISIBLE, cap: int = 3) -> Any:
    """An API that cuts its pages from all positions, then leaves out those that are not visible.

    Args:
        beside: The end of a page -> what the page holds beside its records.
        visible: The positions that have a record.
        cap: The longest page.
    """

    def respond(path: str, query: Query, headers: Any) -> Any:
        size = min(int(query.get("limit", cap)), cap)
        start = int(query["offset"]) if "offset" in query else (int(query["page"]) - 1) * size
        shown = [{"id": n} for n in visible if start <= n < start + size]
        return {"data": shown, **beside(start + size)}

    return respond


# declared paginator, what a page holds beside its records, the last request
LISTINGS: dict[str, tuple[dict[str, Any], Any, Query]] = {
    "pages, flag": ({**PAGES, "has_more_path": "more"}, lambda end: {"more": end < COUNT}, {"page": "8"}),
    "pages, total": ({**PAGES, "total_path": "pages"}, lambda end: {"pages": 8}, {"page": "9"}),
    "pages, maximum": ({**PAGES, "maximum_page": 9}, lambda end: {}, {"page": "9"}),
    "offset, flag": (
        {**OFFSET, "has_more_path": "more"}, lambda end: {"more": end < COUNT},
        {"offset": "21", "limit": "3"},
    ),
    "offset, total": (
        {**OFFSET, "total_path": "n"}, lambda end: {"n": COUNT}, {"offset": "24", "limit": "3"},
    ),
    "offset, total of full pages only": (
        {**OFFSET, "total_path": "n"}, lambda end: {"n": COUNT} if end in (6, 18) else {},
        {"offset": "24", "limit": "3"},
    ),
    "offset, maximum": (
        {**OFFSET, "maximum_offset": 24}, lambda end: {}, {"offset": "21", "limit": "3"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LISTINGS)
def test_an_empty_page_between_others_is_no_end(api: Api, name: str) -> None:
    paginator, beside, last = LISTINGS[name]
    api.on("/items", sparse(beside))
    outcome = read(paged(paginator))
    assert outcome.ids() == VISIBLE
    assert max(api.queries(), key=lambda q: int(q.get("offset") or q["page"])) == last
    reading = outcome.readings["items"]
    assert reading.findings.of(COMPLETE) == []
    assert reading.complete is ("maximum" not in name), "what lies beyond a maximum is not known"


@pytest.mark.parametrize("paginator", [PAGES, OFFSET], ids=["pages", "offset"])
def test_by_default_an_empty_page_is_the_end(api: Api, paginator: dict[str, Any]) -> None:
    api.on("/items", sparse(lambda end: {}, visible=[0, 1, 2, 6]))
    outcome = read(paged({**paginator, "stop_after_empty_page": True}))
    assert outcome.ids() == [0, 1, 2]
    assert outcome.readings["items"].stop_reasons == {END_EMPTY_PAGE}


def test_more_than_a_hundred_empty_pages_may_come_before_the_total(api: Api) -> None:
    api.on("/items", sparse(lambda end: {"pages": 150}, visible=[0, 449]))
    assert read(paged({**PAGES, "total_path": "pages"})).ids() == [0, 449]


def test_a_flag_that_never_ends_is_an_error(api: Api) -> None:
    api.on("/items", sparse(lambda end: {"more": True}, visible=[0]))
    error = read(paged({**PAGES, "has_more_path": "more"})).error()
    assert "101 pages in a row were empty, and none of them said that there is no more" in error


def test_a_total_that_is_too_small_proves_no_end(api: Api) -> None:
    api.on("/items", sparse(lambda end: {"pages": 2}, visible=[0, 3, 6, 12]))
    outcome = read(paged({**PAGES, "total_path": "pages"}))
    assert outcome.ids() == [0, 3, 6], "page 4 is empty, and page 5 holds one more record"
    (said,) = outcome.readings["items"].findings.of(COMPLETE)
    assert "Records came from beyond the total at pages" in said


def test_an_offset_that_may_pass_over_records_is_not_complete(api: Api) -> None:
    """The API caps its pages at 2 records, and 3 are declared."""
    api.on("/items", sparse(lambda end: {"more": end < COUNT}, visible=[*range(COUNT)], cap=2))
    outcome = read(paged({**OFFSET, "has_more_path": "more"}))
    (said,) = outcome.readings["items"].findings.of(COMPLETE)
    assert "no page held more than 2 records" in said
    assert "set limit to the length of its pages" in said
    mended = read(paged({**OFFSET, "limit": 2, "has_more_path": "more"}))
    assert mended.ids() == [*range(COUNT)]
    assert mended.readings["items"].complete


def test_a_short_listing_of_an_offset_is_complete(api: Api) -> None:
    api.on("/items", sparse(lambda end: {"n": 2}, visible=[0, 1]))
    outcome = read(paged({**OFFSET, "total_path": "n"}))
    assert outcome.ids() == [0, 1]
    assert outcome.readings["items"].complete


def test_an_offset_that_turns_into_a_cursor_passes_over_empty_pages(api: Api) -> None:
    cursors = ({"data": [], "cursor": {"before": "b"}}, {"data": [{"id": 1}], "cursor": {}})
    api.on("/items", {"data": [{"id": 0}], "cursor": {"before": "a"}}, *cursors)
    outcome = read(paged({**OFFSET, "has_more_path": "more"}))
    assert outcome.ids() == [0, 1]
    assert outcome.readings["items"].stop_reasons != {END_NO_MORE}


@pytest.mark.parametrize(
    ("paginator", "message"),
    [
        (PAGES, "expected total_path, has_more_path or maximum_page"),
        (OFFSET, "expected total_path, has_more_path or maximum_offset"),
        ({**PAGES, "base_page": None, "total_path": "n"}, "needs base_page"),
    ],
    ids=["pages", "offset", "base page"],
)
def test_a_listing_without_end_is_an_error_of_check(
    paginator: dict[str, Any], message: str
) -> None:
    with pytest.raises(CatalogError, match=message) as caught:
        paged(paginator)
    assert "shop.yaml:1" in str(caught.value)
    assert "items" in str(caught.value)
