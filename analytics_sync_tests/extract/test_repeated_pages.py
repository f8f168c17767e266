"""Listings whose last page leads on, and servers that answer an earlier page again."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.errors import PaginationStuck
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

LINK = {"type": "json_link", "next_url_path": "next"}
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "since"}
PAGES = {"type": "page_number", "base_page": 1}
OFFSET = {"type": "offset", "limit": 2}


def paged(paginator: Any) -> Source:
    return shop(item({"paginator": paginator, "data_selector": "data"}))


def records(*ids: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in ids]


def changes(last: int, size: int, *, from_link: bool, **beside: Any) -> Any:
    """A server of changes since a number, that number included; the last page leads to itself."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get("since", 1))
        some = records(*range(start, last + 1)[:size])
        following = some[-1]["id"] if some else start
        is_last = following == last
        told = {name: value if is_last else not value for name, value in beside.items()}
        return {
            "data": some,
            "next": f"/items?since={following}" if from_link else following,
            **told,
        }

    return respond


@pytest.mark.parametrize("last", [4, 5, 6, 7])
@pytest.mark.parametrize(("paginator", "from_link"), [(LINK, True), (CURSOR, False)])
def test_a_last_page_that_leads_to_itself_is_an_end(
    api: Api, last: int, paginator: Any, from_link: bool
) -> None:
    api.on("/items", changes(last, 3, from_link=from_link))
    outcome = read(paged(paginator))
    assert sorted(outcome.ids()) == [*range(1, last + 1)]
    reading = outcome.readings["items"]
    assert reading.findings.by_check() == {}
    assert not reading.complete, "the last records again prove no end, so that none is gone"


@pytest.mark.parametrize(
    "flag", [{"end_of_stream": True}, {"has_more": False}, {"meta": {"hasNextPage": False}}]
)
@pytest.mark.parametrize(("paginator", "from_link"), [(LINK, True), (CURSOR, False)])
def test_a_flag_ends_a_listing_that_leads_to_itself(
    api: Api, flag: dict[str, Any], paginator: Any, from_link: bool
) -> None:
    serve = changes(1, 3, from_link=from_link)
    api.on("/items", lambda *request: {**serve(*request), **flag})
    outcome = read(paged(paginator))
    assert outcome.ids() == [1]
    assert outcome.readings["items"].complete


# what the second page, and each page after it, holds; each leads to itself
NO_ENDS = {
    "the first page, its parameter ignored": records(1, 2, 3),
    "the start of the page before": records(1, 2),
    "other records": records(4),
    "more than the page before": records(2, 3, 4, 5),
}


@pytest.mark.parametrize("name", NO_ENDS)
@pytest.mark.parametrize("paginator", [LINK, CURSOR])
def test_a_page_that_leads_to_itself_is_no_end_by_itself(
    api: Api, name: str, paginator: Any
) -> None:
    following = {"next": "/items?since=3"}
    api.on("/items", {"data": records(1, 2, 3), **following}, {"data": NO_ENDS[name], **following})
    outcome = read(paged(paginator))
    assert isinstance(outcome.failures["items"], PaginationStuck)
    assert "same cursor or link again" in outcome.error()


def test_a_flag_that_speaks_of_more_is_no_end(api: Api) -> None:
    serve = changes(5, 3, from_link=True)
    api.on("/items", lambda *request: {**serve(*request), "has_more": True})
    assert "has_more is true" in read(paged(LINK)).error()


def test_a_new_cursor_for_the_same_page_is_an_error_at_once(api: Api) -> None:
    numbers = count()
    api.on("/items", lambda *_: {"data": records(1, 2), "next": f"t{next(numbers)}"})
    outcome = read(paged(CURSOR))
    assert "the same page again, although the cursor or link was new" in outcome.error()
    assert "cursor_param" in outcome.error()
    assert len(api.seen) == 2


def circle(param: str, step: int) -> Any:
    """A server that starts again after its third page."""
    pages = [records(1, 2), records(3, 4), records(5, 6)]

    def respond(path: str, query: Query, headers: Any) -> Any:
        number = int(query.get(param, 0)) // step
        return {"data": pages[number % 3], "next": f"/items?{param}={(number + 1) * step}"}

    return respond


@pytest.mark.parametrize(
    ("paginator", "param", "step"),
    [(LINK, "at", 1), ({**PAGES, "base_page": 0}, "page", 1), (OFFSET, "offset", 2)],
)
def test_a_listing_that_starts_again_is_an_error_at_once(
    api: Api, paginator: Any, param: str, step: int
) -> None:
    api.on("/items", circle(param, step))
    assert "the first page again" in read(paged(paginator)).error()
    assert len(api.seen) <= 5


def first_page_beyond_the_end(count: int, **beside: Any) -> Any:
    """A server that takes a page number beyond its last page for the first page."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        ids = range(1, count + 1)
        start = 2 * (int(query["page"]) - 1)
        return {"data": records(*(ids[start : start + 2] or ids[:2])), **beside}

    return respond


@pytest.mark.parametrize("count", [5, 6])
def test_the_first_page_again_is_an_end_if_the_total_was_read(api: Api, count: int) -> None:
    api.on("/items", first_page_beyond_the_end(count, pages=3))
    outcome = read(paged({**PAGES, "total_path": "pages"}))
    assert outcome.ids() == [*range(1, count + 1)]
    assert outcome.readings["items"].complete
    api.on("/items", first_page_beyond_the_end(count))
    assert "the first page again" in read(paged(PAGES)).error()


@pytest.mark.parametrize("said", ["false", "False"])
def test_a_next_link_without_results_is_none(api: Api, said: str) -> None:
    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get("at", 0))
        more = said if start + 2 >= 5 else "true"
        link = f'</items?at={start + 2}>; rel="next"; results="{more}"; cursor="0:{start + 2}:0"'
        return 200, {"Link": link}, {"data": records(*range(1, 6)[start : start + 2])}

    api.on("/items", respond)
    outcome = read(paged("header_link"))
    assert outcome.ids() == [1, 2, 3, 4, 5]
    assert outcome.readings["items"].complete
    assert len(api.seen) == 3
