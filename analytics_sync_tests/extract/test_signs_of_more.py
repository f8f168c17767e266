"""Signs of more that a paginator does not follow, and answers that only seem to hold one."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.errors import PaginationStuck
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

CURSOR = {"type": "cursor", "cursor_path": "meta.next", "cursor_param": "from"}
RECORDS = [{"id": 1, "next": "a", "has_more": True}, {"id": 2, "total": 900}]


def paged(paginator: Any, **endpoint: Any) -> Source:
    declared = {"paginator": paginator, "data_selector": "data", **endpoint}
    columns = {"id": "bigint", "next": "text", "has_more": "bool", "total": "bigint"}
    return shop(item(declared, columns=columns))


# what the body holds beside the records, and a part of the message
SIGNS: dict[str, tuple[dict[str, Any], str]] = {
    "flag": ({"has_more": True}, "has_more is true"),
    "flag as text": ({"meta": {"hasMore": "true"}}, "meta.hasMore is true"),
    "flag of GraphQL": ({"pageInfo": {"hasNextPage": True, "endCursor": "x"}}, "hasNextPage"),
    "flag of a deep envelope": (
        {"additional_data": {"pagination": {"more_items_in_collection": True}}},
        "more_items_in_collection",
    ),
    "flag of the last page": ({"isLast": False}, "isLast is false"),
    "last, false": ({"last": False, "number": 0}, "last is false"),
    "done, false": ({"done": False}, "done is false"),
    "truncated": ({"IsTruncated": True}, "IsTruncated is true"),
    "more records": ({"info": {"more_records": True}}, "info.more_records"),
    "cursor under another name": ({"meta": {"next_cursor": "n"}}, "meta.next_cursor"),
    "cursor at the root": ({"nextPageToken": "n"}, "nextPageToken"),
    "cursor of a response": ({"response_metadata": {"next_cursor": "n"}}, "next_cursor"),
    "next page as a number": ({"pagination": {"next_page": 2}}, "pagination.next_page"),
    "OData": ({"@odata.nextLink": "http://x/items?skip=2"}, "@odata.nextLink"),
    "link as an object": ({"_links": {"next": {"href": "/items?page=2"}}}, "_links.next"),
    "paging": ({"paging": {"next": {"after": "2"}}}, "paging.next"),
    "listed links": ({"links": [{"rel": "self"}, {"rel": "next", "href": "/b"}]}, "links"),
    "total": ({"meta": {"total_count": 9}}, "meta.total_count is 9, and 2 records"),
    "total as text": ({"total": "9"}, "total is 9"),
    "total with a relation": ({"hits": {"total": {"value": 9, "relation": "eq"}}}, "hits.total"),
    "count": ({"count": 9}, "count is 9"),
    "pages": ({"page": 1, "total_pages": 4}, "total_pages is 4, and 1 pages"),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
@pytest.mark.parametrize(
    ("paginator", "key"), [(CURSOR, "cursor_path"), ({"type": "json_link", "next_url_path": "up"}, "next_url_path"), ("header_link", "links_next_key")]
)  # fmt: skip
def test_a_cursor_or_link_that_is_elsewhere_is_an_error(
    api: Api, name: str, paginator: Any, key: str
) -> None:
    beside, said = SIGNS[name]
    api.on("/items", {"data": RECORDS, **beside})
    outcome = read(paged(paginator))
    assert type(outcome.failures["items"]) is PaginationStuck
    assert said in outcome.error()
    assert key in outcome.error()


@pytest.mark.parametrize("name", SIGNS)
def test_a_single_page_loads_and_is_not_complete(api: Api, name: str) -> None:
    beside, said = SIGNS[name]
    api.on("/items", {"data": RECORDS, **beside})
    outcome = read(paged("single_page"))
    assert outcome.ids() == [1, 2]
    reading = outcome.readings["items"]
    assert not reading.complete
    (message,) = reading.findings.of(COMPLETE)
    assert said in message


HEADERS = {
    "link": ("link", "<http://x/2>; rel=next"),
    "unreadable link": ("Link", "http://x/2; rel=next"),
    "page": ("X-Next-Page", "2"),
    "flag": ("X-Has-More", "true"),
    "total": ("X-Total-Count", "17"),
    "pages": ("X-Total-Pages", "2"),
    "range": ("Content-Range", "items 0-1/17"),
    "range without a unit": ("Content-Range", "0-1/17"),
    "next range": ("Next-Range", "id ]2..; max=2"),
    "next page": ("Next-Page", "2"),
}


@pytest.mark.parametrize("name", HEADERS)
def test_headers_speak_of_more_too(api: Api, name: str) -> None:
    api.on("/items", (200, [HEADERS[name]], {"data": RECORDS}))
    outcome = read(paged("single_page"))
    assert outcome.readings["items"].findings.of(COMPLETE)
    assert isinstance(read(paged(CURSOR)).failures["items"], PaginationStuck)


# what the body holds beside two records, and says nothing of more
QUIET: dict[str, dict[str, Any]] = {
    "ends": {"next": None, "next_cursor": "", "nextPageToken": 0, "has_more": False, "more": False},
    "ends as text": {"next": "", "meta": {"next_page": "null"}, "has_more": "false"},
    "the last page": {"page": 1, "pages": 1, "last": True, "total_pages": 1},
    "page numbers from 0": {"number": 0, "totalPages": 1, "last": True, "totalElements": 2},
    "a total that was read": {"total": 2, "count": 2, "meta": {"total_count": 2}},
    "a filtered total": {"meta": {"page": {"total_count": 99, "total_filtered_count": 2}}},
    "a total of something else": {"invoice": {"total": 99}, "stats": {"count": 99, "next": "x"}},
    "an amount": {"total": 99.5},
    "a cursor for ever, and a flag": {"cursor": "x", "next_cursor": "x", "has_more": False},
    "the end of GraphQL": {"pageInfo": {"hasNextPage": False, "endCursor": "x"}},
    "cursors of this page": {"paging": {"cursors": {"before": "a", "after": "b"}}},
    "links back": {"links": {"self": "/items", "prev": "/items?page=0", "next": None}},
    "an offset": {"offset": 97, "limit": 2, "total": 99},
}


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("paginator", ["single_page", "auto", CURSOR, "header_link"])
def test_no_sign_of_more(api: Api, name: str, paginator: Any) -> None:
    api.on("/items", {"data": RECORDS, **QUIET[name]})
    reading = read(paged(paginator)).readings["items"]
    assert reading.findings.by_check() == {}
    assert reading.complete


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("data", {"data": {"id": 1, "next": "x", "has_more": True, "total": 7}}),
        ("data.*", {"data": {"next": {"id": 1, "next": "x"}, "total": {"id": 2, "count": 9}}}),
        ("$", {"id": 1, "next": "x", "has_more": True, "total": 7}),
        ("$", [{"id": 1, "next": "x", "has_more": True, "total": 7}]),
        ("links", {"links": [{"id": 1, "rel": "next", "href": "/x"}]}),
    ],
)
def test_records_are_no_envelope(api: Api, selector: str, body: Any) -> None:
    api.on("/items", body)
    reading = read(shop(item({"data_selector": selector}))).readings["items"]
    assert reading.findings.by_check() == {}


def test_a_total_that_grows_while_the_listing_is_read_is_no_sign(api: Api) -> None:
    pages = [
        {"data": [{"id": 1}, {"id": 2}], "meta": {"next": "a", "total": 3}},
        {"data": [{"id": 3}], "meta": {"total": 5}},
    ]
    api.on("/items", *pages)
    assert read(paged(CURSOR)).readings["items"].complete


def test_the_declared_total_takes_the_place_of_others(api: Api) -> None:
    api.on("/items", {"data": RECORDS, "meta": {"total": 900, "listed": 2}})
    reading = read(paged(CURSOR, count_path="meta.listed")).readings["items"]
    assert reading.complete


def test_the_declared_end_of_a_cursor_is_no_sign(api: Api) -> None:
    body = {"meta": {"next": "b"}, "links": {"next": "/items?from=b"}}
    api.on("/items", {"data": RECORDS, **body}, {"data": [], "meta": {"next": "c"}, **body})
    source = paged({**CURSOR, "stop_after_empty_page": True})
    assert read(source).readings["items"].complete


def test_an_empty_page_with_a_cursor_or_link_is_no_end(api: Api) -> None:
    api.on(
        "/items",
        {"data": RECORDS, "up": "/items?n=2"},
        {"data": [], "up": "/items?n=3"},
        {"data": [{"id": 3}], "up": False},
    )
    source = paged({"type": "json_link", "next_url_path": "up"})
    assert read(source).ids() == [1, 2, 3]


@pytest.mark.parametrize("end", [False, "", 0, None])
def test_values_that_end_a_listing(api: Api, end: Any) -> None:
    api.on("/items", {"data": RECORDS, "up": end, "meta": {"next": end}})
    for paginator in (CURSOR, {"type": "json_link", "next_url_path": "up"}):
        assert read(paged(paginator)).readings["items"].complete


def test_null_beside_an_empty_cursor_is_an_empty_page(api: Api) -> None:
    api.on(
        "/items", {"data": RECORDS, "meta": {"next": "a"}}, {"data": None, "meta": {"next": None}}
    )
    assert read(paged(CURSOR)).ids() == [1, 2]


def test_null_on_the_first_page_or_without_the_place_of_the_cursor_is_an_error(api: Api) -> None:
    api.on("/items", {"data": None, "meta": {"next": None}})
    assert "data" in read(paged(CURSOR)).error()
    api.on("/items", {"data": RECORDS, "meta": {"next": "a"}}, {"data": None, "error": "busy"})
    assert "data" in read(paged(CURSOR)).error()


def test_a_header_of_another_name(api: Api) -> None:
    api.on("/items", (200, {"X-Next-Cursor": "b"}, {"data": RECORDS}))
    source = paged({"type": "header_cursor", "cursor_key": "X-Next", "cursor_param": "from"})
    assert "cursor_key" in read(source).error()
