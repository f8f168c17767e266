"""``_rejected`` is cleared by the read that would have found its records again, or finds them sound.

In: an API whose wrong records are corrected, or vanish, between two loads. Out: the rows of ``_rejected`` on
both warehouses.
"""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.scripted_api import Api, Query, item, shop, shop_api

api = shop_api
warehouse = each_warehouse

ID = {"id": "bigint"}
AT = {"id": "bigint", "at": "timestamp"}
FILTERED = {"incremental": {"cursor_path": "at", "start_param": "from", "end_param": "to"}}
UNFILTERED = {"incremental": {"cursor_path": "at"}}
DAYS = [date(2026, 1, day) for day in (1, 2, 3)]
KIDS = {"path": "/items/{item}/kids", "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}}}  # fmt: skip


def sync(*resources: Any, days: tuple[date, date] | None = None) -> tuple[Loaded, dict[str, Any]]:
    """Load resources of the source ``shop``, and return the failures by resource."""
    window = None
    if days is not None:
        first, last = (datetime.combine(day, time(), UTC) for day in days)
        window = Window(first, last + timedelta(days=1))
    with ReadRun(shop(*resources), window, sleep=lambda _: None) as run:
        return load(run, "run"), run.failures()


def rejected(warehouse: Warehouse) -> list[str]:
    """The rejected records, as JSON. PostgreSQL's ``jsonb`` has its own order of keys."""
    found = (json.loads(row["record"]) for row in warehouse.rows("_rejected"))
    return sorted(json.dumps(record, sort_keys=True, separators=(",", ":")) for record in found)


class Days:
    """Records by day, as an API lists them that filters by ``from`` and ``to``."""

    def __init__(self, api: Api, path: str = "/items") -> None:
        self.records: dict[date, list[Any]] = {}
        api.on(path, lambda _, query, __: self._between(query))

    def _between(self, query: Query) -> list[Any]:
        """The bounds that are sent are a little wider than the window."""
        margin = timedelta(hours=6)
        first, end = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
        return [
            record
            for day, records in self.records.items()
            if first - margin < datetime.combine(day, time(12), UTC) < end + margin
            for record in records
        ]


def test_a_snapshot_clears_what_it_does_not_find_again(api: Api, warehouse: Warehouse) -> None:
    bad = {"id": "x", "n": 1}
    api.on("/items", [{"id": 1}, bad, bad, {"id": "y"}])
    api.on("/others", [{"id": None}])
    both = (item(), item(name="others"))
    sync(*both)
    assert len(rejected(warehouse)) == 4
    api.on("/items", [{"id": 1}, bad, {"id": 2}])  # one is corrected, one of the equal ones is gone
    loaded, _ = sync(*both)
    assert rejected(warehouse) == ['{"id":"x","n":1}', '{"id":null}']
    assert loaded.cleared == {"items": 2}
    api.on("/items", [{"id": 1}, {"id": 3, "n": 1}, {"id": 2}])
    sync(item())
    assert rejected(warehouse) == ['{"id":null}'], "the other resource was not read"
    assert {r["id"] for r in warehouse.rows("items")} == {1, 2, 3}


# what the second read meets -> whether it clears the first one's rejected record
READS: dict[str, tuple[Any, dict[str, Any], bool]] = {
    "sound": ([{"id": 1}], {}, True),
    "no record": ([], {}, False),
    "a failure": ((500, {}, {}), {"error_handler": {"max_retries": 0}}, False),
    "an end that proves nothing": (
        {"data": [{"id": 1}], "more": True},
        {"data_selector": "data", "paginator": {"type": "page_number", "maximum_page": 1, "base_page": 1, "total_path": None}},
        False,
    ),
    "more than was read": ({"data": [{"id": 1}], "total": 9}, {"data_selector": "data", "count_path": "total"}, False),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", READS)
def test_only_a_complete_read_clears(api: Api, warehouse: Warehouse, kind: str) -> None:
    answer, endpoint, clears = READS[kind]
    api.on("/items", [{"id": "x"}])
    sync(item())
    api.on("/items", answer)
    sync(item(endpoint))
    assert rejected(warehouse) == ([] if clears else ['{"id":"x"}'])


def test_a_window_clears_its_own(api: Api, warehouse: Warehouse) -> None:
    days = Days(api)
    for number, day in enumerate(DAYS):
        days.records[day] = [
            {"id": number, "at": f"{day}T12:00:00Z"},
            {"id": f"x{number}", "at": f"{day}T13:00:00Z"},
        ]
    windowed = item(FILTERED, columns=AT)
    for day in DAYS:
        sync(windowed, days=(day, day))
    assert len(rejected(warehouse)) == 3
    for day in DAYS[:2]:
        days.records[day][1]["id"] = 10 * day.day
    sync(windowed, days=(DAYS[2], DAYS[2]))
    assert len(rejected(warehouse)) == 3, "the corrected days were not read again"
    sync(windowed, days=(DAYS[0], DAYS[0]))
    assert len(rejected(warehouse)) == 2
    sync(windowed, days=(DAYS[0], DAYS[2]))
    assert [r for r in rejected(warehouse) if "x2" not in r] == [], "a range has its days"
    assert len(rejected(warehouse)) == 1
    days.records[DAYS[2]].pop()
    sync(windowed, days=(DAYS[2], DAYS[2]))
    assert len(rejected(warehouse)) == 1, "the range, not this day, found it last"
    sync(windowed, days=(DAYS[0], DAYS[2]))
    assert rejected(warehouse) == []


@pytest.mark.slow
def test_a_listing_that_is_not_filtered_shows_a_wrong_cursor_in_each_window(
    api: Api, warehouse: Warehouse
) -> None:
    windowed = item(UNFILTERED, columns=AT)
    without_key = {"id": None, "at": f"{DAYS[0]}T12:00:00Z"}
    records = [{"id": 1, "at": "soon"}, without_key, {"id": 2, "at": f"{DAYS[1]}T12:00:00Z"}]
    api.on("/items", records)
    sync(windowed, days=(DAYS[0], DAYS[0]))
    sync(windowed, days=(DAYS[1], DAYS[1]))
    assert len(rejected(warehouse)) == 2
    api.on("/items", [{**records[0], "at": f"{DAYS[0]}T12:00:00Z"}, *records[1:]])
    sync(windowed, days=(DAYS[1], DAYS[1]))
    assert rejected(warehouse) == ['{"at":"2026-01-01T12:00:00Z","id":null}'], (
        "its day was not read"
    )
    api.on("/items", [{**without_key, "id": 3}, *records[2:]])
    sync(windowed, days=(DAYS[0], DAYS[0]))
    assert rejected(warehouse) == []


@pytest.mark.slow
def test_a_record_that_is_sound_in_another_window_is_cleared_by_its_key(
    api: Api, warehouse: Warehouse
) -> None:
    """Its cursor was no time. It was corrected, so that another window lists it now."""
    days = Days(api)
    both = {"primary_key": ["id", "day"], "columns": {**AT, "day": "date"}}
    windowed = item(FILTERED, **both)
    days.records[DAYS[0]] = [
        {"id": "7", "day": "2025-12-31", "at": None},
        {"id": 8, "day": "2025-12-31", "at": "soon"},
        {"id": None, "day": "2025-12-31", "at": f"{DAYS[0]}T12:00:00Z"},
    ]
    sync(windowed, days=(DAYS[0], DAYS[0]))
    assert len(rejected(warehouse)) == 3
    days.records[DAYS[1]] = [
        {"id": 7, "day": "2025-12-31", "at": f"{DAYS[1]}T12:00:00Z"},
        {"id": 8, "day": "2026-01-01", "at": f"{DAYS[1]}T12:00:00Z"},
    ]
    loaded, _ = sync(windowed, days=(DAYS[1], DAYS[1]))
    assert loaded.cleared == {"items": 1}
    assert all('"id":7' not in r and '"id":"7"' not in r for r in rejected(warehouse))
    assert len(rejected(warehouse)) == 2, "another key, and no key"


def test_children_are_cleared_parent_by_parent(api: Api, warehouse: Warehouse) -> None:
    """The parents have windows. A parent that changes later is listed in another window."""
    days = Days(api)
    parents = item(FILTERED, columns=AT)
    kids = item(KIDS, name="kids")
    for number, day in enumerate(DAYS[:2]):
        days.records[day] = [{"id": number, "at": f"{day}T12:00:00Z"}]
        api.on(f"/items/{number}/kids", [{"id": 10 * number}, {}])
    for day in DAYS[:2]:
        sync(parents, kids, days=(day, day))
    assert rejected(warehouse) == ["{}", "{}"], "equal records of two parents are two"
    days.records = {DAYS[2]: [{"id": 0, "at": f"{DAYS[2]}T12:00:00Z"}]}
    api.on("/items/0/kids", [{"id": 0}, {"id": 1}])
    sync(parents, kids, days=(DAYS[2], DAYS[2]))
    assert rejected(warehouse) == ["{}"], "parent 1 was not read again"
    assert warehouse.rows("_rejected")[0]["parent"] == "1"


@pytest.mark.slow
def test_a_parent_whose_children_are_refused_clears_nothing(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": 1}, {"id": 2}])
    for number in (1, 2):
        api.on(f"/items/{number}/kids", [{"id": number}, {"id": f"x{number}"}])
    both = (item(), item(KIDS, name="kids"))
    sync(*both)
    api.on("/items/1/kids", (403, {}, {}))
    api.on("/items/2/kids", [{"id": 2}])
    sync(*both)
    assert rejected(warehouse) == ['{"id":"x1"}']
    api.on("/items/1/kids", [{"id": 1}])
    sync(*both)
    assert rejected(warehouse) == []


@pytest.mark.slow
def test_rows_of_an_older_version_get_the_new_columns(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": "x"}, {"id": 1}])
    sync(item())
    for column in ("parent", "window_start", "window_end"):
        warehouse.run(f"ALTER TABLE shop._rejected DROP COLUMN {column}")
    api.on("/items", [{"id": 1}])
    sync(item())
    assert rejected(warehouse) == []
    assert {"parent", "window_start", "window_end"} <= {
        name
        for (name,) in warehouse.query(
            "SELECT column_name FROM information_schema.columns "
            "WHERE table_schema = 'shop' AND table_name = '_rejected'"
        )
    }
