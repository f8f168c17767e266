"""Ignored responses after a page: the end of a listing, or evidence that records are missing."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.response_actions import (
    CURSOR,
    PAGES,
    actions,
    ignore,
    kids,
    page,
)
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


def numbered(count: int, status: int, size: int = 2, /, **more: Any) -> Any:
    """A listing that answers ``status`` beyond page ``count``."""

    def answer(path: str, query: dict[str, Any], _: Any) -> Any:
        number = int(query.get("page", 1))
        if number > count:
            return status, {}, b"" if status < 300 else {"detail": "Invalid page."}
        first = 1000 * len(path) + number * size
        return 200, {}, page(*range(first, first + size), **more)

    return answer


@pytest.mark.parametrize("status", [204, 400, 404, 410, 416, 422])
@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_ignored_status_beyond_the_last_page_is_the_end(
    api: Api, status: int, count: int
) -> None:
    api.on("/items", numbered(count, status))
    outcome = read(shop(item({**PAGES, **actions(ignore(status))})))
    assert len(outcome.ids()) == 2 * count
    assert outcome.readings["items"].complete


def test_an_ignored_status_beyond_the_last_page_of_a_child(api: Api) -> None:
    api.on("/items", [{"id": 1}, {"id": 22}, {"id": 333}])
    api.on("/items/1/kids", numbered(5, 404))
    api.on("/items/22/kids", numbered(1, 404))
    api.on("/items/333/kids", (404, {}, {}))
    outcome = read(shop(item(), kids({**PAGES, **actions(ignore(404))})))
    assert len(outcome.ids("kids")) == 12
    assert outcome.readings["kids"].skipped == ["parent=333: 404"]


def test_an_ignored_status_beyond_the_last_offset(api: Api) -> None:
    api.on("/items", page(1, 2), page(3, 4), (404, {}, {}))
    paginator = {"type": "offset", "limit": 2}
    declared = {"paginator": paginator, "data_selector": "data", **actions(ignore(404))}
    outcome = read(shop(item(declared)))
    assert outcome.ids() == [1, 2, 3, 4]
    assert outcome.readings["items"].complete


# status, keys of each page, keys of the paginator and the endpoint
DOUBTS: dict[str, tuple[int, dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a refusal": (403, {}, {}, {}),
    "a failure of the server": (500, {}, {}, {}),
    "a declared flag": (404, {"more": True}, {"has_more_path": "more"}, {}),
    "pages that are missing": (404, {"pages": 9}, {"total_path": "pages"}, {}),
    "records that are missing": (404, {"count": 30}, {}, {"count_path": "count"}),
    "a flag": (404, {"has_more": True}, {}, {}),
    "a link": (404, {"links": {"next": "/items?page=9"}}, {}, {}),
    "a total": (404, {"meta": {"total": 30}}, {}, {}),
}


@pytest.mark.parametrize("name", DOUBTS)
def test_an_ignored_status_in_mid_listing_proves_nothing(api: Api, name: str) -> None:
    status, keys, paginator, endpoint = DOUBTS[name]
    api.on("/items", numbered(3, status, **keys))
    declared = {**PAGES, "paginator": {**PAGES["paginator"], **paginator}, **endpoint}
    outcome = read(shop(item({**declared, **actions(ignore(status))})))
    if outcome.failures:
        assert "more" in outcome.error() or "3 pages" in outcome.error()
        return
    reading = outcome.readings["items"]
    assert len(outcome.ids()) == 6
    assert not reading.complete
    assert reading.findings.of(COMPLETE) or reading.reported_total == 30


def test_an_ignored_status_for_a_cursor_of_the_api_proves_nothing(api: Api) -> None:
    api.on("/items", page(1, next="a"), page(2, next="b"), (404, {}, {}))
    reading = read(shop(item({**CURSOR, **actions(ignore(404))}))).readings["items"]
    assert "status 404" in reading.findings.of(COMPLETE)[0]
    assert not reading.complete


def test_204_for_a_cursor_is_an_empty_page(api: Api) -> None:
    api.on("/items", page(1, next="a"), page(2, next="b"), (204, {}, b""))
    outcome = read(shop(item({**CURSOR, **actions(ignore(204))})))
    assert outcome.ids() == [1, 2]
    assert outcome.readings["items"].complete


def test_a_status_that_is_not_declared_is_no_end(api: Api) -> None:
    api.on("/items", numbered(2, 404))
    assert "answered 404" in read(shop(item({**PAGES, **actions(ignore(204))}))).error()


def test_content_that_is_a_part_of_the_records_fails_the_check_complete(api: Api) -> None:
    api.on("/items", [{"id": 1}, {"id": 2, "text": "Not found in stock"}])
    outcome = read(shop(item(actions(ignore(content="Not found")))))
    (message,) = outcome.readings["items"].findings.of(COMPLETE)
    assert "status 200 and 2 records" in message
    assert "response_actions" in message
