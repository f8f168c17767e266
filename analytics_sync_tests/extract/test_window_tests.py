"""Tests of windows: an API that filters by another field, or answers only a part of a long span.

In: a scripted API that filters by its own rules. Out: findings, and the requests that led to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from analytics_sync.catalog import Source
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

START = datetime(2024, 2, 10, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RANGE = {"cursor_path": "updated", "start_param": "from", "end_param": "to"}
CURSOR = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
COLUMNS = {"id": "bigint", "created": "timestamp", "updated": "timestamp"}
Times = list[tuple[datetime, datetime]]  # of creation and of the last change
Filter = Callable[[datetime, datetime, datetime, datetime], bool]  # created, updated, from, to


def window(days: int, *, start: datetime = START) -> Window:
    return Window(start, start + days * DAY)


def source(**incremental: Any) -> Source:
    declared = {
        "incremental": {**RANGE, **incremental},
        "paginator": CURSOR,
        "data_selector": "data",
    }
    return shop(item(declared, columns=COLUMNS))


def serve(
    api: Api,
    times: Times,
    keeps: Filter,
    *,
    size: int = 100,
    form: str = "%Y-%m-%dT%H:%M:%SZ",
    empty: Any = None,
) -> None:
    """Serve records in pages, filtered by ``keeps``; ``empty`` in place of a listing without records."""

    def respond(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        low, high = (_instant(query.get(name)) for name in ("from", "to"))
        found = [n for n, at in enumerate(times) if keeps(*at, low, high)]
        if not found and empty is not None:
            return empty
        page = int(query.get("page", 0))
        rows = [
            {"id": n, **{k: t.strftime(form) for k, t in zip(("created", "updated"), times[n], strict=True)}}
            for n in found[page * size : page * size + size]
        ]  # fmt: skip
        return {"data": rows, "next": page + 1 if len(found) > page * size + size else None}

    api.on("/items", respond)


def _instant(text: Any) -> datetime:
    if isinstance(text, str) and text.isdigit():
        return datetime.fromtimestamp(int(text), UTC)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def found(outcome: Outcome) -> str:
    return " ".join(outcome.readings["items"].findings.of(WINDOW_BOUNDS))


def by_updated(created: datetime, updated: datetime, low: datetime, high: datetime) -> bool:
    return low <= updated < high


def by_created(created: datetime, updated: datetime, low: datetime, high: datetime) -> bool:
    return low <= created < high


def changed(days: int, each: int = 4) -> Times:
    """Records of forty days, four a day; every so many was changed later by ``days``."""
    times = [START - 20 * DAY + 6 * HOUR * n for n in range(160)]
    return [(at, at if n % each else at + days * DAY) for n, at in enumerate(times)]


@pytest.mark.parametrize("size", [1, 3, 100])
@pytest.mark.parametrize("days", [2, 5, 15])
def test_a_filter_by_the_time_of_creation_is_named(api: Api, days: int, size: int) -> None:
    serve(api, changed(days), by_created, size=size)
    outcome = read(source(), window(1))
    assert outcome.ids(), "the rows that came are loaded"
    said = found(outcome)
    assert "does not come for bounds around its own time" in said
    assert "filters by another field than cursor_path" in said


@pytest.mark.parametrize("status", [204, 400, 404])
def test_an_error_in_place_of_the_record_names_the_filter(api: Api, status: int) -> None:
    serve(api, changed(5), by_created, empty=(status, {}, b""))
    assert "filters by another field than cursor_path" in found(read(source(), window(1)))


def test_a_filter_by_the_time_of_change_is_named(api: Api) -> None:
    serve(api, changed(5), by_updated)
    assert "another field than cursor_path" in found(read(source(cursor_path="created"), window(1)))


FILTERS: dict[str, Filter] = {
    "as declared": by_updated,
    "no filter": lambda created, updated, low, high: True,
    "start only": lambda created, updated, low, high: updated >= low,
    "end only": lambda created, updated, low, high: updated < high,
    "whole days": lambda created, updated, low, high: low.date() <= updated.date() <= high.date(),
    "whole months": lambda created, updated, low, high: (
        (low.year, low.month) <= (updated.year, updated.month) <= (high.year, high.month)
    ),
    "a day more": lambda created, updated, low, high: low - DAY <= updated < high + DAY,
}


@pytest.mark.parametrize("name", FILTERS)
@pytest.mark.parametrize("size", [3, 100])
@pytest.mark.parametrize("days", [1, 3])
def test_other_filters_are_no_other_field(api: Api, name: str, size: int, days: int) -> None:
    times = changed(5)
    serve(api, times, FILTERS[name], size=size)
    outcome = read(source(), window(days))
    end = START + days * DAY
    assert sorted(outcome.ids()) == [n for n, (_, at) in enumerate(times) if START <= at < end]
    assert found(outcome) == ""


def test_a_record_that_has_just_changed_is_no_evidence(api: Api) -> None:
    now = datetime.now(UTC)
    times = [(START + HOUR, START + HOUR), (START + 2 * HOUR, now)]
    serve(api, times, by_created)
    outcome = read(source(), window(1))
    assert (outcome.ids(), found(outcome)) == ([0], "")


def clamped(span: timedelta, *, last: bool) -> Filter:
    """An API that answers the first or the last part of a span that is too long."""

    def keeps(created: datetime, updated: datetime, low: datetime, high: datetime) -> bool:
        if high - low > span:
            low, high = (high - span, high) if last else (low, low + span)
        return low <= updated < high

    return keeps


def dense(days: int = 40) -> Times:
    return [(at, at) for at in (START - 20 * DAY + 2 * HOUR * n for n in range(12 * days))]


FORMATS: dict[str, dict[str, Any]] = {
    "iso": {},
    "epoch": {"param_format": "epoch_s"},
    "wall": {"param_format": "%Y-%m-%dT%H:%M:%S"},
    "wall in a zone": {"param_format": "%Y-%m-%dT%H:%M:%S", "time_zone": "UTC"},
    "days": {"param_format": "date", "time_zone": "UTC"},
}


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("last", [True, False], ids=["last", "first"])
@pytest.mark.parametrize("days", [2, 4])
@pytest.mark.parametrize("size", [7, 1000])
def test_a_span_that_is_answered_in_part_is_named(
    api: Api, form: str, last: bool, days: int, size: int
) -> None:
    serve(api, dense(), clamped(days * DAY + HOUR, last=last), size=size)
    outcome = read(source(**FORMATS[form]), window(8))
    assert "the API answers only a part of a long span" in found(outcome)
    assert "Declare max_span of incremental" in found(outcome)
    if form != "wall":  # where the zone is open, the bounds of a day take more than the span
        whole = read(source(**FORMATS[form], max_span="P2D"), window(8))
        assert (len(whole.ids()), found(whole)) == (96, "")


def test_a_span_without_any_record_is_tested_in_the_middle(api: Api) -> None:
    times = [t for t in dense() if t[0] < START + 5 * DAY]
    serve(api, times, clamped(2 * DAY, last=True))
    outcome = read(source(), window(8))
    assert outcome.ids() == []
    assert "only a part of a long span" in found(outcome)


QUIET: dict[str, tuple[Times, int]] = {
    "nothing at the start": ([t for t in dense() if t[0] >= START + 5 * DAY], 2),
    "nothing at the end": ([t for t in dense() if t[0] < START + 2 * DAY], 2),
    "nothing": ([], 2),
    "few": (dense()[::60], 1),
    "every day": (dense(), 1),
}


@pytest.mark.parametrize("name", QUIET)
def test_a_part_without_records_is_no_finding(api: Api, name: str) -> None:
    times, requests = QUIET[name]
    serve(api, times, by_updated, size=1000)
    outcome = read(source(), window(8))
    assert found(outcome) == ""
    assert len(api.seen) == requests


def test_a_day_is_not_tested(api: Api) -> None:
    serve(api, [(START + HOUR, START + HOUR)], by_updated)
    assert found(read(source(), window(1))) == ""
    assert len(api.seen) == 1


def test_a_test_counts_no_records_and_no_total(api: Api) -> None:
    times = [t for t in dense() if t[0] >= START + 5 * DAY]

    def respond(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        low, high = _instant(query["from"]), _instant(query["to"])
        rows = [
            {"id": n, "updated": at.isoformat()}
            for n, (_, at) in enumerate(times)
            if low <= at < high
        ]
        return {"data": rows, "total": len(rows)}

    api.on("/items", respond)
    declared = {"incremental": RANGE, "data_selector": "data", "count_path": "total"}
    outcome = read(shop(item(declared, columns=COLUMNS)), window(8))
    reading = outcome.readings["items"]
    assert (len(outcome.ids()), reading.records, reading.reported_total) == (36, 36, 36)
    assert len(api.seen) == 2


def test_the_children_of_all_parents_show_the_span_together(api: Api) -> None:
    """Each parent has too few children to show it alone."""
    api.on("/items", [{"id": n} for n in range(12)])
    keeps = clamped(2 * DAY, last=False)
    times = dense()

    def respond(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        number = int(path.split("/")[2])
        low, high = _instant(query["from"]), _instant(query["to"])
        own = [(n, at) for n, (_, at) in enumerate(times) if n % 12 == number]
        return [{"id": n, "updated": at.isoformat()} for n, at in own if keeps(at, at, low, high)]

    api.on("/items/*", respond)
    resolve = {"type": "resolve", "resource": "items", "field": "id"}
    kids = {"path": "/items/{up}/kids", "params": {"up": resolve}, "incremental": RANGE}
    outcome = read(shop(item(), item(kids, name="kids", columns=COLUMNS)), window(8))
    said = outcome.readings["kids"].findings.of(WINDOW_BOUNDS)
    assert "only a part of a long span" in " ".join(said)
