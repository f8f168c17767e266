"""Servers that mislead a paginator: each series without an end or a next page is an error."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.common.errors import InvalidResponse, PaginationStuck
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


def records(*ids: int) -> list[dict[str, Any]]:
    return [{"id": i} for i in ids]


def paged(paginator: Any) -> Any:
    return shop(item({"paginator": paginator, "data_selector": "data"}))


CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
PAGES = {"type": "page_number", "page_param": "page"}
OFFSET = {"type": "offset", "limit": 2}

# declared paginator, responses in order, expected error, expected part of its message
STUCK: dict[str, tuple[Any, list[Any], type[Exception], str]] = {
    "same cursor again": (CURSOR, [{"data": records(1), "next": "a"}], PaginationStuck, "same cursor"),
    "cursors that form a loop": (
        CURSOR,
        [*({"data": records(i), "next": cursor} for i, cursor in enumerate("abab")), {"data": []}],
        PaginationStuck,
        "same cursor",
    ),
    "more, but no cursor": (
        {**CURSOR, "has_more_path": "more"},
        [{"data": records(1), "more": True}],
        PaginationStuck,
        "no cursor",
    ),
    "cursor is an object": (CURSOR, [{"data": [], "next": {"a": 1}}], InvalidResponse, "cursor_path"),
    "cursor is true": (CURSOR, [{"data": [], "next": True}], InvalidResponse, "cursor_path"),
    "link is a number": (
        {"type": "json_link", "next_url_path": "next"},
        [{"data": [], "next": 2}],
        InvalidResponse,
        "next_url_path",
    ),
    "same link again": (
        {"type": "json_link", "next_url_path": "next"},
        [{"data": records(1), "next": "/items?at=2"}],
        PaginationStuck,
        "same cursor or link",
    ),
    "offset ignored, full page": (OFFSET, [{"data": records(1, 2)}], PaginationStuck, "'offset'"),
    "offset ignored from the second page on": (
        OFFSET, [{"data": records(1, 2)}, {"data": records(3)}], PaginationStuck, "'offset'",
    ),
    "cursor in place of an offset, ignored": (
        OFFSET,
        [{"data": records(1, 2), "cursor": {"before": "b"}}],
        PaginationStuck,
        "same cursor",
    ),
    "page ignored": ({**PAGES, "base_page": 1}, [{"data": records(1)}], PaginationStuck, "'page'"),
    "page ignored, base unknown": (PAGES, [{"data": records(1)}], PaginationStuck, "'page'"),
}  # fmt: skip


@pytest.mark.parametrize("name", STUCK)
def test_a_series_without_end_or_next_page_is_an_error(api: Api, name: str) -> None:
    paginator, responses, error_class, message = STUCK[name]
    api.on("/items", *responses)
    outcome = read(paged(paginator))
    assert message in outcome.error()
    assert type(outcome.failures["items"]) is error_class
    assert len(api.seen) <= 5


def test_more_than_100_empty_pages_in_a_row_are_an_error(api: Api) -> None:
    api.on("/items", *({"data": [], "next": f"c{number}"} for number in range(200)))
    outcome = read(paged(CURSOR))
    assert "101 pages in a row were empty" in outcome.error()
    assert len(api.seen) == 101


def test_more_pages_than_max_pages_are_an_error(api: Api) -> None:
    api.on(
        "/items", lambda path, query, headers: {"data": [], "next": int(query.get("from", 0)) + 1}
    )
    source = shop(item({"paginator": CURSOR, "data_selector": "data"}), max_pages=7)
    assert "more than 7 pages" in read(source).error()
    assert len(api.seen) == 7
