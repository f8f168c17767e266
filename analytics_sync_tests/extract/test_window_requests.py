"""Bounds that an API refuses or reads otherwise than declared.

In: scripted APIs that allow spans and ends of their own, and read bounds in zones of their own.
Out: rows, requests, findings about bounds, and how far the records were read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.evidence.findings import WINDOW_BOUNDS
from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    Query,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api

COLUMNS = {"id": "bigint", "at": "timestamp"}
RANGE = {"cursor_path": "at", "start_param": "since", "end_param": "until"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
START = datetime(2025, 5, 6, tzinfo=UTC)
WEEK = Window(START, START + 7 * DAY)
ONE_DAY = Window(START + 2 * DAY, START + 3 * DAY)


class Sightings:
    """An API with a record every 20 minutes for three weeks.

    Args:
        refuse: Gives the status of a refusal for start and end, or None.
        shift: By so much the API reads bounds later than they were meant.
    """

    def __init__(
        self,
        refuse: Callable[[datetime, datetime], int | None] = lambda start, end: None,
        shift: timedelta = timedelta(),
        first: datetime = START - 7 * DAY,
        count: int = 21 * 72,
    ) -> None:
        self.at = {n: first + n * timedelta(minutes=20) for n in range(count)}
        self.refuse = refuse
        self.shift = shift

    def __call__(self, path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start, end = (datetime.fromisoformat(query[name]) for name in ("since", "until"))
        if status := self.refuse(start, end):
            return status, {}, {"message": "these bounds are not accepted"}
        start, end = start + self.shift, end + self.shift
        return [{"id": n, "at": at.isoformat()} for n, at in self.at.items() if start <= at < end]

    def within(self, window: Window) -> list[int]:
        """The keys that lie in a window."""
        return [n for n, at in self.at.items() if window.start <= at < window.end]


def windowed(**incremental: Any) -> Any:
    return shop(item({"incremental": {**RANGE, **incremental}}, columns=COLUMNS))


def found(outcome: Outcome) -> list[str]:
    """The findings about bounds."""
    return outcome.readings["items"].findings.of(WINDOW_BOUNDS)


@pytest.mark.parametrize("status", [400, 413, 416, 422])
@pytest.mark.parametrize("longest", [7 * DAY, 3 * DAY, timedelta(hours=6)])
def test_a_span_that_is_refused_is_cut(api: Api, status: int, longest: timedelta) -> None:
    sightings = Sightings(lambda start, end: status if end - start > longest else None)
    api.on("/items", sightings)
    outcome = read(windowed(), WEEK)
    assert sorted(outcome.ids()) == sightings.within(WEEK)
    assert not found(outcome)
    assert len(api.seen) <= 6 + 2 * (7 * DAY // longest) + 2


def test_a_declared_span_is_kept(api: Api) -> None:
    sightings = Sightings(lambda start, end: 400 if end - start > DAY else None)
    api.on("/items", sightings)
    outcome = read(windowed(max_span="P1D", range_start="closed"), WEEK)
    assert sorted(outcome.ids()) == sightings.within(WEEK)
    assert len(api.seen) == 7


@pytest.mark.parametrize("declared", [{}, {"max_span": "P3D"}, {"delay": 60}])
def test_a_refusal_of_all_bounds_is_an_error(api: Api, declared: dict[str, Any]) -> None:
    api.on("/items", Sightings(lambda start, end: 422))
    outcome = read(windowed(**declared), WEEK)
    assert "422" in outcome.error()
    assert len(api.seen) <= 12
    first = api.seen[0].query
    assert first["since"] == "2025-05-05T23:59:59Z"


@pytest.mark.parametrize("status", [401, 404, 500])
def test_other_errors_are_no_refusals(api: Api, status: int) -> None:
    api.on("/items", (status, {}, {"message": "no"}))
    source = windowed()
    assert str(status) in read(source, WEEK).error()
    assert len({s.target for s in api.seen}) == 1


def test_a_refusal_of_a_later_part_is_an_error(api: Api) -> None:
    bad = START + 6 * DAY
    api.on(
        "/items",
        Sightings(lambda start, end: 400 if end - start > 2 * DAY or start <= bad < end else None),
    )
    assert "400" in read(windowed(), WEEK).error()


@pytest.mark.parametrize("delay", [timedelta(minutes=1), timedelta(minutes=30), 8 * HOUR])
@pytest.mark.parametrize("declared", [False, True])
def test_an_end_in_the_present_is_moved(api: Api, delay: timedelta, declared: bool) -> None:
    now = datetime.now(UTC)
    window = Window(now - 2 * DAY, now + HOUR)
    sightings = Sightings(
        lambda start, end: 400 if end > datetime.now(UTC) - delay else None, first=now - 4 * DAY
    )
    api.on("/items", sightings)
    keys = {"delay": delay.total_seconds() + 5} if declared else {}
    outcome = read(windowed(**keys), window)
    up_to = outcome.readings["items"].read_up_to
    assert up_to is not None
    assert now - DAY - HOUR < up_to < datetime.now(UTC) - delay
    assert outcome.ids() == sightings.within(Window(window.start, up_to))
    assert not found(outcome), "the day is not over: it is read again"
    assert len(api.seen) == 1 if declared else 2 <= len(api.seen) <= 4


def test_a_window_that_is_over_and_not_given_yet_is_an_error(api: Api) -> None:
    now = datetime.now(UTC)
    window = Window(now - DAY, now - timedelta(minutes=1))
    api.on("/items", Sightings(lambda start, end: 400 if end > now - HOUR else None))
    (message,) = found(read(windowed(), window))
    assert "run this partition again" in message


def test_a_window_of_the_last_minute_proves_that_the_api_answers(api: Api) -> None:
    """Nothing can be read yet; only an accepted request shows that this is no real error."""
    now = datetime.now(UTC)
    window = Window(now - timedelta(minutes=1), now + DAY)
    limit = timedelta(minutes=2)
    api.on(
        "/items", Sightings(lambda start, end: 400 if end > now - limit or start > end else None)
    )
    assert read(windowed(), window).ids() == []
    api.on("/items", Sightings(lambda start, end: 400))
    assert "400" in read(windowed(), window).error()


@pytest.mark.parametrize(
    ("hours", "zone"), [(8, "Etc/GMT+8"), (-9, "Etc/GMT-9"), (2, "Etc/GMT+2"), (-5.5, "'+05:30'")]
)
def test_bounds_that_are_read_in_another_zone_are_an_error(
    api: Api, hours: float, zone: str
) -> None:
    api.on("/items", Sightings(shift=timedelta(hours=hours)))
    (message,) = found(read(windowed(), ONE_DAY))
    assert f"time_zone: {zone}" in message
    assert "param_format without an offset" in message


@pytest.mark.parametrize("hours", [5, -5])
def test_a_record_minutes_beside_the_bounds_shows_another_zone(api: Api, hours: float) -> None:
    edge = ONE_DAY.end if hours > 0 else ONE_DAY.start
    api.on("/items", Sightings(shift=hours * HOUR, first=edge - timedelta(minutes=10), count=2))
    (message,) = found(read(windowed(), ONE_DAY))
    assert "time_zone: " in message


def test_a_wrong_zone_is_named(api: Api) -> None:
    api.on("/items", Sightings(shift=timedelta(hours=-3)))
    pattern = {"param_format": "%Y-%m-%dT%H:%M:%S%z"}
    (message,) = found(read(windowed(**pattern, time_zone="+02:00"), ONE_DAY))
    assert "Etc/GMT-5" in message


@pytest.mark.parametrize("first", [-7 * DAY, 2.5 * DAY, 3 * DAY + 2 * HOUR, 1.6 * DAY])
@pytest.mark.parametrize("count", [3, 40])
@pytest.mark.parametrize("honours", ["nothing", "only the start", "only the end"])
def test_an_api_that_ignores_bounds_is_no_alarm(
    api: Api, first: timedelta, count: int, honours: str
) -> None:
    sightings = Sightings(first=START + first, count=count)

    def listing(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        start = query["since"] if "start" in honours else "2000-01-01T00:00:00Z"
        end = query["until"] if "end" in honours else "2100-01-01T00:00:00Z"
        return sightings(path, {"since": start, "until": end}, headers)

    api.on("/items", listing)
    outcome = read(windowed(), ONE_DAY)
    assert outcome.ids() == sightings.within(ONE_DAY)
    assert not found(outcome)


@pytest.mark.parametrize(("lag", "days"), [("P2D", 2), (86400, 1), (0, 0)])
def test_a_lag_is_read_and_loaded_again(api: Api, lag: Any, days: int) -> None:
    sightings = Sightings()
    api.on("/items", sightings)
    again = Window(ONE_DAY.start - days * DAY, ONE_DAY.end)
    assert read(windowed(lag=lag), ONE_DAY).ids() == sightings.within(again)


def test_an_empty_last_page_hides_no_records_beside_the_bounds(api: Api) -> None:
    sightings = Sightings(shift=-5 * HOUR, first=START, count=7 * 72)

    def newest_first(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        records = sightings(path, query, headers)[::-1]
        offset = int(query.get("offset", 0))
        return records[offset : offset + 24]

    api.on("/items", newest_first)
    paging = {"paginator": {"type": "offset", "limit": 24, "cursor_path": None}}
    source = shop(item({"incremental": {**RANGE, "row_order": "desc"}, **paging}, columns=COLUMNS))
    outcome = read(source, ONE_DAY)
    assert "lies 5.0 h before the bounds" in " ".join(found(outcome))


def test_pages_in_the_middle_show_records_beside_the_bounds(api: Api) -> None:
    """The listing has no order by time: its first and its last pages lie within the bounds."""
    sightings = Sightings(shift=-5 * HOUR, first=START, count=7 * 72)

    def mixed(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        records = sightings(path, query, headers)
        oldest, newest, rest = records[:12], records[-12:], records[12:-12]
        offset = int(query.get("offset", 0))
        return [*rest[20:32], *oldest, *rest[:20], *newest, *rest[32:]][offset : offset + 12]

    api.on("/items", mixed)
    paging = {"paginator": {"type": "offset", "limit": 12, "cursor_path": None}}
    source = shop(item({"incremental": RANGE, **paging}, columns=COLUMNS))
    assert "lies 5.0 h before the bounds" in " ".join(found(read(source, ONE_DAY)))
