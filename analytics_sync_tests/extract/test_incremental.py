"""Incremental requests: the bounds of a window, ordered listings that stop early, windowed parents.

In: windows and a scripted API. Out: query parameters, requests and rows.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics_sync.catalog.config.incremental import Incremental
from analytics_sync.common.window import Window
from analytics_sync.extract.windows.incremental import window_params
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api


def window(start: str, end: str) -> Window:
    return Window(*(datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (start, end)))


DAY = window("2024-02-29", "2024-03-01")
RANGE = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
DATES = {**RANGE, "param_format": "date", "time_zone": "UTC"}
MONTH = {
    "cursor_path": "at",
    "step": "month",
    "start_param": "period",
    "param_format": "date",
    "time_zone": "UTC",
}

PARAMS: dict[str, tuple[dict[str, Any], Window, list[dict[str, Any]]]] = {
    "iso": (RANGE, DAY, [{"from": "2024-02-28T23:59:59Z", "to": "2024-03-01T00:00:00Z"}]),
    "iso_ms": (
        {**RANGE, "param_format": "iso_ms"}, DAY,
        [{"from": "2024-02-28T23:59:59.999Z", "to": "2024-03-01T00:00:00.000Z"}],
    ),
    "date": (DATES, DAY, [{"from": "2024-02-28", "to": "2024-03-01"}]),
    "date, year end": (
        DATES, window("2024-01-01", "2024-01-02"),
        [{"from": "2023-12-31", "to": "2024-01-02"}],
    ),
    "date, part of a day": (
        DATES, window("2024-01-01T06:00", "2024-01-01T07:00"),
        [{"from": "2023-12-31", "to": "2024-01-02"}],
    ),
    "epoch_s": ({**RANGE, "param_format": "epoch_s"}, DAY, [{"from": "1709164799", "to": "1709251200"}]),
    "epoch_ms": (
        {**RANGE, "param_format": "epoch_ms"}, DAY, [{"from": "1709164799999", "to": "1709251200000"}],
    ),
    "pattern": (
        {**RANGE, "param_format": "%Y/%m/%d %H:%M:%S", "time_zone": "UTC"}, DAY,
        [{"from": "2024/02/28 23:59:59", "to": "2024/03/01 00:00:00"}],
    ),
    "pattern of a day": (
        {**RANGE, "param_format": "%Y%m%d", "time_zone": "UTC"}, DAY, [{"from": "20240228", "to": "20240301"}],
    ),
    "fractions of a second": (
        RANGE, window("2024-02-29T00:00:00.5", "2024-02-29T00:00:00.75"),
        [{"from": "2024-02-28T23:59:59Z", "to": "2024-02-29T00:00:01Z"}],
    ),
    "only a start": (
        {"cursor_path": "at", "start_param": "since"}, DAY, [{"since": "2024-02-28T23:59:59Z"}],
    ),
    "only an end": ({"cursor_path": "at", "end_param": "until"}, DAY, [{"until": "2024-03-01T00:00:00Z"}]),
    "one name twice": (
        {**DATES, "end_param": "from"}, DAY,
        [{"from": ["2024-02-28", "2024-03-01"]}],
    ),
    "no parameter": ({"cursor_path": "at"}, DAY, [{}]),
    "month": (MONTH, DAY, [{"period": "2024-02-01"}]),
    "months": (
        MONTH, window("2023-12-31", "2024-02-02"),
        [{"period": "2023-12-01"}, {"period": "2024-01-01"}, {"period": "2024-02-01"}],
    ),
    "month that ends the window": (MONTH, window("2024-01-30", "2024-02-01"), [{"period": "2024-01-01"}]),
    "months of a leap year": (
        MONTH, window("2024-01-31", "2024-03-01T00:00:01"),
        [{"period": f"2024-0{m}-01"} for m in (1, 2, 3)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PARAMS)
def test_bounds_have_the_declared_format(name: str) -> None:
    incremental, given_window, expected = PARAMS[name]
    assert window_params(Incremental.model_validate(incremental), given_window) == expected


PARSERS: dict[str, Callable[[str], datetime]] = {
    "iso": datetime.fromisoformat,
    "iso_ms": datetime.fromisoformat,
    "date": lambda text: datetime.fromisoformat(text).replace(tzinfo=UTC),
    "epoch_s": lambda text: datetime.fromtimestamp(int(text), UTC),
    "epoch_ms": lambda text: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(text)),
}
PATTERNS = ["%Y-%m-%d", "%Y%m%d", "%d.%m.%Y %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%j"]  # fmt: skip
instants = st.datetimes(datetime(1990, 1, 1), datetime(2080, 1, 1), timezones=st.just(UTC))
lengths = st.timedeltas(timedelta(microseconds=1), timedelta(days=400))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(instants, lengths, st.sampled_from([*PARSERS, *PATTERNS]))
def test_bounds_cover_the_window_whether_inclusive_or_not(
    start: datetime, length: timedelta, param_format: str
) -> None:
    zone = {"time_zone": "UTC"} if param_format in {"date", *PATTERNS} else {}
    incremental = Incremental.model_validate({**RANGE, "param_format": param_format, **zone})
    (bounds,) = window_params(incremental, Window(start, start + length))

    def parse(text: str) -> datetime:
        if parser := PARSERS.get(param_format):
            return parser(text)
        return datetime.strptime(text, param_format).replace(tzinfo=UTC)

    low, high = parse(str(bounds["from"])), parse(str(bounds["to"]))
    assert low < start
    assert high >= start + length
    assert start - low <= timedelta(days=2)
    assert high - (start + length) < timedelta(days=1)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(instants, lengths)
def test_months_cover_the_window_without_a_gap(start: datetime, length: timedelta) -> None:
    params = window_params(Incremental.model_validate(MONTH), Window(start, start + length))
    months = [datetime.fromisoformat(str(p["period"])).replace(tzinfo=UTC) for p in params]
    following = [(m + timedelta(days=31)).replace(day=1) for m in months]
    assert months[0] <= start < following[0]
    assert months[-1] < start + length <= following[-1]
    assert following[:-1] == months[1:]


@pytest.mark.parametrize("bad", [("2024-01-02", "2024-01-01"), ("2024-01-01", "2024-01-01")])
def test_a_window_ends_after_it_starts(bad: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="ends after it starts"):
        window(*bad)


def test_a_window_is_in_utc() -> None:
    with pytest.raises(ValueError, match="in UTC"):
        Window(datetime(2024, 1, 1), datetime(2024, 1, 2))


def test_a_window_shows_its_days() -> None:
    assert str(DAY) == "[2024-02-29 .. 2024-03-01)"


COLUMNS = {"id": "bigint", "at": "timestamp"}


def windowed(incremental: dict[str, Any], **endpoint: Any) -> dict[str, Any]:
    return item({"incremental": {"cursor_path": "at", **incremental}, **endpoint}, columns=COLUMNS)


def test_bounds_are_sent_and_records_outside_are_dropped(api: Api) -> None:
    api.on("/items", [{"id": i, "at": f"2024-02-{28 + i}T00:00:00Z"} for i in (0, 1)])
    source = shop(windowed({**DATES, "end_param": "from"}))
    outcome = read(source, DAY)
    assert api.seen[0].target == "/items?from=2024-02-28&from=2024-03-01"
    assert outcome.ids() == [1]
    assert outcome.readings["items"].outside_window == 1


def test_without_a_window_everything_is_read(api: Api) -> None:
    api.on("/items", [{"id": 1, "at": "2024-02-29"}, {"id": 2, "at": "1999-01-01"}])
    assert read(shop(windowed({"start_param": "from"}))).ids() == [1, 2]
    assert api.queries() == [{}]


def test_one_request_series_for_each_month(api: Api) -> None:
    def month(path: str, query: Query, headers: Any) -> Any:
        first = datetime.fromisoformat(query["period"])
        start = 1 + 15 * int(query.get("from", 0))
        rows = [
            {"id": first.month * 100 + d, "at": f"{query['period'][:8]}{d:02}"}
            for d in range(start, start + 15)
        ]
        return {"data": rows, "next": None if start > 1 else 1}

    api.on("/items", month)
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    source = shop(windowed(MONTH, paginator=cursor, data_selector="data"))
    outcome = read(source, window("2024-01-29", "2024-02-03"))
    assert sorted(outcome.ids()) == [129, 130, 201, 202]
    periods = [(q["period"], q.get("from")) for q in api.queries()]
    assert periods == [(f"2024-0{m}-01", at) for m in (1, 2) for at in (None, "1")]


# order, days of February 2024 page by page, pages that may be requested; the window is the 20th
ORDERED: dict[str, tuple[str, list[list[int]], int]] = {
    "newest first": ("desc", [[25, 24], [21, 20], [20, 19], [18, 17], [16, 15]], 4),
    "newest first, all on the edge": ("desc", [[21, 20], [20, 20], [20, 20], [19, 19], [18, 18]], 4),
    "oldest first": ("asc", [[18, 19], [19, 20], [20, 21], [21, 22], [23, 24]], 4),
    "nothing in the window": ("desc", [[25, 24], [19, 18], [17, 16]], 2),
    "the window is last": ("desc", [[25, 24], [23, 22], [20, 20]], 4),
}  # fmt: skip


@pytest.mark.parametrize("name", ORDERED)
@pytest.mark.parametrize("declared", [True, False])
def test_an_ordered_listing_stops_early(api: Api, name: str, declared: bool) -> None:
    order, pages, requested = ORDERED[name]
    rows = [
        [{"id": 10 * p + i, "at": f"2024-02-{day}T00:00:00Z"} for i, day in enumerate(page)]
        for p, page in enumerate(pages)
    ]
    api.on("/items", *({"data": page, "next": i + 1} for i, page in enumerate(rows)), {"data": []})
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    incremental = {"row_order": order} if declared else {}
    source = shop(windowed(incremental, paginator=cursor, data_selector="data"))
    expected = [r["id"] for page in rows for r in page if r["at"].startswith("2024-02-20")]
    assert read(source, window("2024-02-20", "2024-02-21")).ids() == expected
    assert len(api.seen) == (requested if declared else len(pages) + 1)


@pytest.mark.parametrize("record", [{"id": 9}, {"id": 9, "at": None}, {"id": 9, "at": "soon"}])
def test_a_page_with_an_unusable_cursor_does_not_stop_the_read(api: Api, record: Any) -> None:
    pages = [[{"id": 1, "at": "2024-02-01"}, record], [{"id": 2, "at": "2024-02-29"}]]
    api.on("/items", *({"data": page, "next": i + 1} for i, page in enumerate(pages)), {"data": []})
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    source = shop(windowed({"row_order": "desc"}, paginator=cursor, data_selector="data"))
    assert read(source, DAY).ids() == [2]


PARENTS = [{"id": 1, "at": "2024-02-29"}, {"id": 2, "at": "2024-02-01"}, {"id": 3, "at": "2024-02-29T23:59:59Z"}]  # fmt: skip
KID = {"path": "/items/{item}/kids", "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}}}  # fmt: skip


def kids(path: str, query: Query, headers: Any) -> Any:
    number = int(path.split("/")[2])
    return [{"id": 10 * number, "at": "2024-02-29T12:00:00Z"}, {"id": 10 * number + 1, "at": "2024-01-01"}]  # fmt: skip


@pytest.mark.parametrize("only", [None, ["kids"]])
@pytest.mark.parametrize(
    "incremental",
    [{}, {"start_param": "from"}, {"row_order": "desc"}],
    ids=["unfiltered", "filtered", "ordered"],
)
def test_a_child_of_a_windowed_parent_belongs_to_the_parents_window(
    api: Api, incremental: Any, only: Any
) -> None:
    api.on("/items", PARENTS)
    api.on("/items/*/kids", kids)
    outcome = read(shop(windowed(incremental), item(KID, name="kids", columns=COLUMNS)), DAY, only)
    assert outcome.ids("kids") == [10, 11, 30, 31]
    assert sorted(api.paths()) == ["/items", "/items/1/kids", "/items/3/kids"]


@pytest.mark.parametrize("only", [None, ["kids"]])
@pytest.mark.parametrize(
    ("incremental", "reads_twice"),
    [({}, False), ({"start_param": "from"}, True), ({"row_order": "desc"}, True)],
    ids=["unfiltered", "filtered", "ordered"],
)
def test_a_child_with_its_own_cursor_sees_all_parents(
    api: Api, incremental: Any, reads_twice: bool, only: Any
) -> None:
    api.on("/items", PARENTS)
    api.on("/items/*/kids", kids)
    child = item({**KID, "incremental": {"cursor_path": "at"}}, name="kids", columns=COLUMNS)
    outcome = read(shop(windowed(incremental), child), DAY, only)
    assert outcome.ids("kids") == [10, 20, 30]
    if only is None:
        assert outcome.ids() == [1, 3]
    assert api.paths().count("/items") == (2 if reads_twice and only is None else 1)
