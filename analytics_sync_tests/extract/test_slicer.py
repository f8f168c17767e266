"""Slices of a window: a long window is read in slices, and gives the rows of one series.

In: a scripted API that lists records by time. Out: rows, and the bounds of the requests.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "at": "timestamp"}
RANGE = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
CURSOR = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
PAST = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 31, tzinfo=UTC))
PAGE = 5


class Events:
    """Records with timestamps, listed in pages of five.

    Args:
        count: Number of records, evenly distributed over ``window``.
        window: The time of the records.
        filters: Whether the API filters by the bounds that it receives.
        order: Order of the listing: ``asc``, ``desc`` or ``none``.
    """

    def __init__(
        self, count: int, window: Window, *, filters: bool = True, order: str = "asc"
    ) -> None:
        step = (window.end - window.start) / count
        self.at = {n: window.start + n * step for n in range(count)}
        self.filters = filters
        self.order = order

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        found = sorted(self.at.items(), key=lambda pair: pair[1])
        if self.order == "desc":
            found.reverse()
        elif self.order == "none":
            found.sort(key=lambda pair: pair[0] * 7919 % 1009)
        if self.filters and "from" in query:
            start, end = bounds(query)
            found = [(n, at) for n, at in found if start <= at < end]
        page = int(query.get("page", 0))
        rows = [
            {"id": n, "at": at.isoformat()} for n, at in found[page * PAGE : page * PAGE + PAGE]
        ]
        return {"data": rows, "next": page + 1 if len(found) > (page + 1) * PAGE else None}


def bounds(query: Query) -> tuple[datetime, datetime]:
    """The bounds that a request asks for."""
    return datetime.fromisoformat(query["from"]), datetime.fromisoformat(query["to"])


def requested_bounds(api: Api) -> list[tuple[str, str]]:
    """The bounds of all requests, as text and in order."""
    return [(query["from"], query["to"]) for query in api.queries()]


def windowed(**client: Any) -> Source:
    return shop(
        item({"data_selector": "data", "paginator": CURSOR, "incremental": RANGE}, columns=COLUMNS),
        **client,
    )


@pytest.mark.parametrize(("order", "first_pages"), [("asc", 2), ("desc", 2), ("none", 8)])
def test_a_long_window_is_read_in_slices(api: Api, order: str, first_pages: int) -> None:
    api.on("/items", Events(400, PAST, order=order))
    assert sorted(read(windowed(), PAST).ids()) == [*range(400)]
    assert len(set(requested_bounds(api))) == 1 + 16
    # the first pages of the whole window, the pages of one series, and a short last page per slice
    assert len(api.queries()) <= first_pages + 400 // PAGE + 16


@pytest.mark.parametrize(
    ("count", "order", "pages"),
    [(3, "asc", 1), (10, "asc", 2), (60, "asc", 12), (60, "desc", 12), (40, "none", 8)],
)
def test_a_short_window_costs_as_many_requests_as_one_series(
    api: Api, count: int, order: str, pages: int
) -> None:
    api.on("/items", Events(count, PAST, order=order))
    assert sorted(read(windowed(), PAST).ids()) == [*range(count)]
    assert len(api.queries()) == pages


def test_a_burst_of_records_gives_no_estimate_of_pages(api: Api) -> None:
    """The first pages cover microseconds of a window of days: many pages may follow, or none."""
    events = Events(400, PAST)
    events.at = {n: PAST.start + timedelta(microseconds=n // PAGE) for n in range(400)}
    api.on("/items", events)
    assert sorted(read(windowed(), PAST).ids()) == [*range(400)]


def test_a_window_is_cut_in_the_same_places_again(api: Api) -> None:
    api.on("/items", Events(400, PAST))
    read(windowed(resume_within=0), PAST)
    first = set(requested_bounds(api))
    api.seen.clear()
    read(windowed(resume_within=0), PAST)
    assert set(requested_bounds(api)) == first


def test_an_api_that_ignores_bounds_is_read_in_one_series(api: Api) -> None:
    api.on("/items", Events(400, PAST, filters=False))
    inside = Window(PAST.start, PAST.start + timedelta(days=15))
    assert read(windowed(), inside).ids() == [*range(200)]
    requested = requested_bounds(api)
    # two pages that promise more, slices that turn out to be the whole listing, then one series
    assert requested.count(requested[0]) == 2 + 400 // PAGE
    assert len(requested) <= 2 + 400 // PAGE + 2 * 16


def test_one_connection_reads_one_series(api: Api) -> None:
    api.on("/items", Events(400, PAST))
    assert read(windowed(max_connections=1), PAST).ids() == [*range(400)]
    assert len(set(requested_bounds(api))) == 1


def test_days_are_not_cut_where_bounds_are_dates(api: Api) -> None:
    """Each slice would request a day too much at either end."""
    events = Events(400, PAST)

    def listing(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        dates = {n: f"{query[n]}T00:00:00+00:00" for n in ("from", "to")}
        return events(path, {**query, **dates}, headers)

    api.on("/items", listing)
    incremental = {**RANGE, "param_format": "date", "time_zone": "UTC"}
    endpoint = {"data_selector": "data", "paginator": CURSOR, "incremental": incremental}
    assert read(shop(item(endpoint, columns=COLUMNS)), PAST).ids() == [*range(400)]
    assert len(set(requested_bounds(api))) == 1


@pytest.mark.parametrize(
    "until_end",
    [timedelta(), timedelta(seconds=0.1), timedelta(hours=12), timedelta(days=1)],
    ids=["at the end", "end during the read", "half a day left", "a day left"],
)
def test_a_record_that_moves_into_the_present_is_seen(api: Api, until_end: timedelta) -> None:
    """A record moves from an early slice into the last one while the early slice is read.

    The last slice must be read after all others. The window ends ``until_end`` from now, as a day ends
    while a run reads it; the test does not depend on the hour.
    """
    now = datetime.now(UTC)
    window = Window(now + until_end - timedelta(days=31), now + until_end)
    events = Events(400, Window(window.start, window.end - timedelta(days=2)))
    moving, before = 200, events.at[200]
    present = window.end - timedelta(minutes=1)
    present_was_read = threading.Event()

    def listing(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start, end = bounds(query)
        found = events(path, query, headers)
        is_slice = end - start < timedelta(days=5)
        if is_slice and start <= before < end and events.at[moving] == before:
            present_was_read.wait(0.3)  # time for the last slice, if it were read concurrently
            events.at[moving] = present
            found = events(path, query, headers)
        if is_slice and end > present:
            present_was_read.set()
        return found

    api.on("/items", listing)
    assert set(read(windowed(), window).ids()) == {*range(400)}
    assert present_was_read.is_set()
