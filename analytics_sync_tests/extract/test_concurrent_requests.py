"""Concurrent requests: prefetched pages, and the declared limit of connections.

In: a scripted API that numbers its pages and reports a total. Out: the rows that sequential requests
would give, also when records change during the read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync_tests.support.scripted_api import (
    Api,
    Handler,
    Query,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api

PAGE = 5


class Listing:
    """Pages of five by number or offset, each with the total."""

    def __init__(self, count: int) -> None:
        self.rows = [*range(count)]
        self.before: dict[int, Callable[[], None]] = {}
        """Page -> called once before the page is answered."""
        self._answered: set[int] = set()
        self._changed = threading.Condition()

    def wait_for(self, page: int) -> None:
        """Wait until a page is answered, or long enough to know that it is not requested yet."""
        with self._changed:
            self._changed.wait_for(lambda: page in self._answered, 1)

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start = int(query.get("offset", int(query.get("page", 0)) * PAGE))
        if (call := self.before.pop(start // PAGE, None)) is not None:
            call()
        with self._changed:
            rows = [{"id": n} for n in self.rows[start : start + PAGE]]
            self._answered.add(start // PAGE)
            self._changed.notify_all()
            return {"data": rows, "pages": -(-len(self.rows) // PAGE), "count": len(self.rows)}


NUMBERED = {"type": "page_number", "base_page": 0, "total_path": "pages"}
OFFSET = {"type": "offset", "limit": PAGE, "total_path": "count", "cursor_path": None}
COUNTED = {"type": "offset", "limit": PAGE, "cursor_path": None}
PAGINATORS = {"numbered": (NUMBERED, None), "offset": (OFFSET, None), "counted": (COUNTED, "count")}


def listed(by: str, **client: Any) -> Source:
    paginator, count = PAGINATORS[by]
    endpoint = {"data_selector": "data", "paginator": paginator, "count_path": count}
    return shop(item(endpoint, columns={"id": "bigint"}), **client)


@pytest.mark.parametrize("by", PAGINATORS)
@pytest.mark.parametrize("count", [4, 5, 6, 10, 53])
def test_prefetched_pages_cost_no_more_requests(api: Api, by: str, count: int) -> None:
    api.on("/items", Listing(count))
    assert read(listed(by)).ids() == [*range(count)]
    # Without a total, and after a full last page, the paginator ends on an empty page.
    is_last_short = count > PAGE and count % PAGE
    more = 1 if by == "counted" or not is_last_short else 0
    assert len(api.queries()) == -(-count // PAGE) + more


@pytest.mark.parametrize("by", PAGINATORS)
def test_no_row_is_lost_when_a_row_is_inserted_between_pages(api: Api, by: str) -> None:
    """Page 4 is answered, then a row is inserted before all others, then page 3 is answered."""
    listing = Listing(60)

    def insert() -> None:
        listing.wait_for(4)
        listing.rows.insert(0, 1000)

    listing.before[3] = insert
    api.on("/items", listing)
    assert set(read(listed(by)).ids()) >= {*range(60)}


@pytest.mark.parametrize("by", PAGINATORS)
def test_no_row_is_lost_when_the_total_stays_the_same(api: Api, by: str) -> None:
    """A row is inserted and another one is deleted: only a row that comes twice shows the change."""
    listing = Listing(60)

    def change() -> None:
        listing.wait_for(4)
        listing.rows.insert(0, 1000)
        listing.rows.pop()

    listing.before[3] = change
    api.on("/items", listing)
    assert set(read(listed(by)).ids()) >= {*range(59)}


@pytest.mark.parametrize("reported", [0, 3, 1000])
def test_a_wrong_total_loses_no_row(api: Api, reported: int) -> None:
    listing = Listing(60)
    api.on("/items", lambda *request: {**listing(*request), "count": reported})
    assert read(listed("counted")).ids() == [*range(60)]


def test_a_server_that_caps_its_pages(api: Api) -> None:
    """Pages are shorter than requested: the prediction follows their real length."""
    api.on("/items", Listing(53))
    paginator = {**OFFSET, "limit": 50}
    endpoint = {"data_selector": "data", "paginator": paginator}
    assert read(shop(item(endpoint, columns={"id": "bigint"}))).ids() == [*range(53)]


def test_a_prefetched_page_past_the_end_may_fail(api: Api) -> None:
    listing = Listing(20)

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        if int(query["offset"]) > 20:
            return 500, {}, {}
        return {**listing(path, query, headers), "count": 40}

    api.on("/items", answer)
    assert read(listed("counted")).ids() == [*range(20)]


@pytest.mark.parametrize(
    ("by", "maximum", "asked"),
    [
        ("numbered", {"maximum_page": 3}, {"page": [0, 1, 2, 3]}),
        ("offset", {"maximum_offset": 15}, {"offset": [0, 5, 10]}),
        ("offset", {"maximum_offset": 16, "offset": 5}, {"offset": [5, 10, 15]}),
        ("counted", {"maximum_offset": 15}, {"offset": [0, 5, 10]}),
    ],
)
def test_no_page_beyond_a_declared_maximum_is_requested(
    api: Api, by: str, maximum: dict[str, int], asked: dict[str, list[int]]
) -> None:
    api.on("/items", Listing(100))
    paginator, count = PAGINATORS[by]
    endpoint = {
        "data_selector": "data",
        "paginator": {**paginator, **maximum},
        "count_path": count,
    }
    outcome = read(shop(item(endpoint)))
    ((param, values),) = asked.items()
    assert sorted(int(query[param]) for query in api.queries()) == values
    assert outcome.readings["items"].records == PAGE * len(values)


# ---------------------------------------------------------------- connections


@contextmanager
def counted(answer: Handler, running: list[int]) -> Iterator[Handler]:
    """The same answers; ``running`` gets the number of requests in progress, once a request."""
    lock, now = threading.Lock(), 0

    def handler(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        nonlocal now
        with lock:
            now += 1
            running.append(now)
        threading.Event().wait(0.01)
        try:
            return answer(path, query, headers)
        finally:
            with lock:
                now -= 1

    yield handler


@pytest.mark.parametrize("connections", [1, 3, 16])
def test_no_more_concurrent_requests_than_declared_connections(api: Api, connections: int) -> None:
    running: list[int] = []
    params = {"item": {"type": "resolve", "resource": "items", "field": "id"}}
    kids = item({"path": "/items/{item}/kids", "params": params}, name="kids")
    endpoint = {"data_selector": "data", "paginator": OFFSET}
    listing = Listing(60)

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        if path.endswith("/kids"):
            return [{"id": int(path.split("/")[2])}]
        return listing(path, query, headers)

    with counted(answer, running) as handler:
        api.on("/items", handler)
        api.on("/items/*/kids", handler)
        source = shop(item(endpoint, columns={"id": "bigint"}), kids, max_connections=connections)
        outcome = read(source)
    assert outcome.ids("kids") == [*range(60)]
    assert max(running) <= connections
    assert max(running) > 1 or connections == 1
