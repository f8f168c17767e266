"""Requests that overlap: parts of a window, pages that can be foreseen, within the connections declared.

What overlaps must give the rows that one request after the other gives, whatever changes meanwhile.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "at": "timestamp"}
RANGE = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
CURSOR = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
PAST = Window(TODAY - timedelta(days=40), TODAY - timedelta(days=10))
PAGE = 5


class Events:
    """Records at times, listed by pages of five; the API cuts on time unless told otherwise."""

    def __init__(
        self, count: int, window: Window, *, cuts: bool = True, order: str = "asc"
    ) -> None:
        step = (window.end - window.start) / count
        self.at = {n: window.start + n * step for n in range(count)}
        self.cuts = cuts
        self.order = order

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        found = sorted(self.at.items(), key=lambda pair: pair[1])
        if self.order == "desc":
            found.reverse()
        elif self.order == "none":
            found.sort(key=lambda pair: pair[0] * 7919 % 1009)
        if self.cuts and "from" in query:
            start, end = (datetime.fromisoformat(query[k]) for k in ("from", "to"))
            found = [(n, at) for n, at in found if start <= at < end]
        page = int(query.get("page", 0))
        rows = [
            {"id": n, "at": at.isoformat()} for n, at in found[page * PAGE : page * PAGE + PAGE]
        ]
        return {"data": rows, "next": page + 1 if len(found) > (page + 1) * PAGE else None}


def windowed(**client: Any) -> Any:
    return shop(
        item({"data_selector": "data", "paginator": CURSOR, "incremental": RANGE}, columns=COLUMNS),
        **client,
    )


def asked(query: Query) -> tuple[str, str]:
    return query["from"], query["to"]


@pytest.mark.parametrize(("order", "looks"), [("asc", 2), ("desc", 2), ("none", 8)])
def test_a_long_window_is_read_in_parts(api: Api, order: str, looks: int) -> None:
    api.on("/items", Events(400, PAST, order=order))
    assert sorted(read(windowed(), PAST).ids()) == [*range(400)]
    assert len({asked(q) for q in api.queries()}) == 1 + 16
    # the first pages, what one walk would ask for, and the pages that ends of parts leave half empty
    assert len(api.queries()) <= looks + 400 // PAGE + 16


@pytest.mark.parametrize(
    ("count", "order", "pages"),
    [(3, "asc", 1), (10, "asc", 2), (60, "asc", 12), (60, "desc", 12), (40, "none", 8)],
)
def test_a_short_window_costs_what_one_walk_costs(
    api: Api, count: int, order: str, pages: int
) -> None:
    api.on("/items", Events(count, PAST, order=order))
    assert sorted(read(windowed(), PAST).ids()) == [*range(count)]
    assert len(api.queries()) == pages


def test_pages_that_take_up_next_to_no_time_are_no_measure(api: Api) -> None:
    """Two pages of a microsecond, and a third: that says there may be very many."""
    events = Events(400, PAST)
    events.at = {n: PAST.start + timedelta(microseconds=n // PAGE) for n in range(400)}
    api.on("/items", events)
    assert sorted(read(windowed(), PAST).ids()) == [*range(400)]


def test_parts_are_cut_in_the_same_places_again(api: Api) -> None:
    api.on("/items", Events(400, PAST))
    read(windowed(resume_within=0), PAST)
    first = {asked(q) for q in api.queries()}
    api.seen.clear()
    read(windowed(resume_within=0), PAST)
    assert {asked(q) for q in api.queries()} == first


def test_an_api_that_does_not_cut_is_walked_as_one(api: Api) -> None:
    api.on("/items", Events(400, PAST, cuts=False))
    inside = Window(PAST.start, PAST.start + timedelta(days=15))
    assert read(windowed(), inside).ids() == [*range(200)]
    asked_for = [asked(q) for q in api.queries()]
    # two pages that promise more, parts that turn out to be everything, and then one walk
    assert asked_for.count(asked_for[0]) == 2 + 400 // PAGE
    assert len(asked_for) <= 2 + 400 // PAGE + 2 * 16


def test_with_one_connection_nothing_is_cut(api: Api) -> None:
    api.on("/items", Events(400, PAST))
    assert read(windowed(max_connections=1), PAST).ids() == [*range(400)]
    assert len({asked(q) for q in api.queries()}) == 1


def test_days_are_not_cut_where_the_api_knows_no_less(api: Api) -> None:
    """Each part would be asked for a day more at either end."""
    events = Events(400, PAST)
    api.on("/items", lambda path, query, headers: events(path, {
        n: v if n == "page" else f"{v}T00:00:00+00:00" for n, v in query.items()}, headers))  # fmt: skip
    incremental = {**RANGE, "param_format": "date"}
    endpoint = {"data_selector": "data", "paginator": CURSOR, "incremental": incremental}
    assert read(shop(item(endpoint, columns=COLUMNS)), PAST).ids() == [*range(400)]
    assert len({asked(q) for q in api.queries()}) == 1


def test_a_record_that_moves_into_the_present_is_seen_where_it_went(api: Api) -> None:
    """It moves as its part is read; the part with the present must not have been read by then."""
    window = Window(TODAY - timedelta(days=30), TODAY + timedelta(days=1))
    events = Events(400, Window(window.start, TODAY))
    moving, was = 200, events.at[200]
    present_read = threading.Event()

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start, end = (datetime.fromisoformat(query[k]) for k in ("from", "to"))
        found = events(path, query, headers)
        if end - start < timedelta(days=5):  # a part of a part
            if start <= was < end and moving in events.at and events.at[moving] == was:
                present_read.wait(1)
                events.at[moving] = datetime.now(UTC)
                found = events(path, query, headers)
            if end > datetime.now(UTC):
                present_read.set()
        return found

    api.on("/items", answer)
    assert set(read(windowed(), window).ids()) == {*range(400)}


# ---------------------------------------------------------------- pages that can be foreseen


class Listing:
    """Pages of five by number or offset, each with the total."""

    def __init__(self, count: int) -> None:
        self.rows = [*range(count)]
        self.lock = threading.Lock()
        self.answered: set[int] = set()
        self.more = threading.Condition(self.lock)
        self.before: dict[int, Callable[[], None]] = {}

    def after(self, page: int) -> None:
        """Wait until a page has been answered, or surely will not be before this one."""
        with self.more:
            self.more.wait_for(lambda: page in self.answered, 1)

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start = int(query.get("offset", int(query.get("page", 0)) * PAGE))
        if (hold := self.before.pop(start // PAGE, None)) is not None:
            hold()
        with self.more:
            rows = [{"id": n} for n in self.rows[start : start + PAGE]]
            self.answered.add(start // PAGE)
            self.more.notify_all()
            return {"data": rows, "pages": -(-len(self.rows) // PAGE), "count": len(self.rows)}


NUMBERED = {"type": "page_number", "base_page": 0, "total_path": "pages"}
OFFSET = {"type": "offset", "limit": PAGE, "total_path": "count", "cursor_path": None}
COUNTED = {"type": "offset", "limit": PAGE, "cursor_path": None}
BY = {"numbered": (NUMBERED, None), "offset": (OFFSET, None), "counted": (COUNTED, "count")}


def listed(by: str, **client: Any) -> Any:
    paginator, count = BY[by]
    endpoint = {"data_selector": "data", "paginator": paginator, "count_path": count}
    return shop(item(endpoint, columns={"id": "bigint"}), **client)


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("count", [4, 5, 6, 10, 53])
def test_pages_that_can_be_foreseen(api: Api, by: str, count: int) -> None:
    api.on("/items", Listing(count))
    assert read(listed(by)).ids() == [*range(count)]
    more = 1 if by == "counted" else 0  # without a total, the paginator ends on an empty page
    assert len(api.queries()) == -(-count // PAGE) + more


@pytest.mark.parametrize("by", BY)
def test_a_row_that_slips_while_pages_overtake_each_other(api: Api, by: str) -> None:
    """Page 4 is answered, then a row comes in front of all, then page 3 is answered."""
    listing = Listing(60)

    def insert() -> None:
        listing.after(4)
        listing.rows.insert(0, 1000)

    listing.before[3] = insert
    api.on("/items", listing)
    assert set(read(listed(by)).ids()) >= {*range(60)}


@pytest.mark.parametrize("by", BY)
def test_a_row_that_slips_under_the_same_total(api: Api, by: str) -> None:
    """The same, and another row goes: the total tells nothing, a row that comes twice does."""
    listing = Listing(60)

    def change() -> None:
        listing.after(4)
        listing.rows.insert(0, 1000)
        listing.rows.pop()

    listing.before[3] = change
    api.on("/items", listing)
    assert set(read(listed(by)).ids()) >= {*range(59)}


@pytest.mark.parametrize("told", [0, 3, 1000])
def test_a_total_that_is_wrong_loses_nothing(api: Api, told: int) -> None:
    listing = Listing(60)
    api.on("/items", lambda *asked: {**listing(*asked), "count": told})
    assert read(listed("counted")).ids() == [*range(60)]


def test_a_server_that_caps_its_pages(api: Api) -> None:
    """The pages are shorter than was asked for: what is foreseen follows their real length."""
    api.on("/items", Listing(53))
    paginator = {**OFFSET, "limit": 50}
    endpoint = {"data_selector": "data", "paginator": paginator}
    assert read(shop(item(endpoint, columns={"id": "bigint"}))).ids() == [*range(53)]


def test_what_is_beyond_the_end_is_not_missed(api: Api) -> None:
    """A page that nobody needs any more may fail."""
    listing = Listing(20)

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        return (
            (500, {}, {})
            if int(query["offset"]) > 20
            else {**listing(path, query, headers), "count": 40}
        )

    api.on("/items", answer)
    assert read(listed("counted")).ids() == [*range(20)]


# ---------------------------------------------------------------- connections


@contextmanager
def counted(answer: Any, most: list[int]) -> Any:
    """The same answers, with the highest number of requests at a time."""
    lock, now = threading.Lock(), 0

    def handler(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        nonlocal now
        with lock:
            now += 1
            most.append(now)
        threading.Event().wait(0.01)
        try:
            return answer(path, query, headers)
        finally:
            with lock:
                now -= 1

    yield handler


@pytest.mark.parametrize("connections", [1, 3, 16])
def test_no_more_requests_at_a_time_than_connections_are_declared(
    api: Api, connections: int
) -> None:
    most: list[int] = []
    params = {"item": {"type": "resolve", "resource": "items", "field": "id"}}
    kids = item({"path": "/items/{item}/kids", "params": params}, name="kids")
    listed_item = listed("offset").resources["items"]
    assert listed_item.name == "items"
    endpoint = {"data_selector": "data", "paginator": OFFSET}
    listing = Listing(60)

    def answer(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        if path.endswith("/kids"):
            return [{"id": int(path.split("/")[2])}]
        return listing(path, query, headers)

    with counted(answer, most) as handler:
        api.on("/items", handler)
        api.on("/items/*/kids", handler)
        source = shop(item(endpoint, columns={"id": "bigint"}), kids, max_connections=connections)
        outcome = read(source)
    assert outcome.ids("kids") == [*range(60)]
    assert max(most) <= connections
    assert max(most) > 1 or connections == 1
