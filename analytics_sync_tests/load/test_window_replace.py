"""``write_disposition: replace`` on windowed resources and their children: the window, and no other row."""

from __future__ import annotations

import json

import pytest

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.changing_api import (
    Records,
    at,
    living,
    slow_sync,
    sync,
    two_records_a_day,
    windowed,
)
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.each_warehouse import (
    Warehouse,
    every_warehouse,
    mainly_duckdb,
    only_duckdb,
)
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse
records = two_records_a_day
REPLACE = {"write_disposition": "replace"}
SOURCE = shop(windowed(**REPLACE))
LINES = item(
    {
        "path": "/items/{item}/lines",
        "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}},
    },
    name="lines",
    include_from_parent={"item_id": "id"},
    columns={"id": "text", "item_id": "text"},
    **REPLACE,
)


def test_a_run_replaces_its_window_and_a_range_the_whole_range(
    records: Records, warehouse: Warehouse
) -> None:
    sync(SOURCE, 1, 3)
    for name in ("a1", "a2", "a3"):
        del records.by_id[name]
    assert sync(SOURCE, 2).deleted.replaced == {"items": 2}
    assert living(warehouse) == ["a1", "a3", "b1", "b2", "b3"]
    sync(SOURCE, 1, 2)
    assert living(warehouse) == ["a3", "b1", "b2", "b3"]
    del records.by_id["b2"]
    sync(SOURCE, 2)
    assert living(warehouse) == ["a3", "b1", "b3"], "a window may become empty"


@mainly_duckdb
def test_a_record_that_moved_to_another_window_is_there_once(
    records: Records, warehouse: Warehouse
) -> None:
    sync(SOURCE, 1, 3)
    records.put("a1", 9)
    sync(SOURCE, 9)
    assert living(warehouse) == ["a1", "a2", "a3", "b1", "b2", "b3"]
    sync(SOURCE, 1)
    assert living(warehouse) == ["a1", "a2", "a3", "b1", "b2", "b3"]


@only_duckdb
def test_a_read_that_failed_or_is_short_replaces_nothing(
    api: Api, records: Records, warehouse: Warehouse
) -> None:
    source = shop(windowed(**REPLACE))
    sync(source, 1, 3)
    before = warehouse.rows()
    short = {"data": [{"id": "a2", "updated_at": "2026-01-02T12:00:00Z"}], "total": 2}
    for answer in ((403, {}, {}), short):
        records.answer = answer
        counted = windowed(**REPLACE)
        counted["endpoint"]["count_path"] = "total"
        with ReadRun(shop(counted), day_window(at(2), at(3))) as run:
            load(run, "run")
            assert set(run.failures()) == {"items"}
        assert warehouse.rows() == before


@pytest.mark.slow
@only_duckdb
def test_a_row_that_another_run_read_later_stays(records: Records, warehouse: Warehouse) -> None:
    with slow_sync(SOURCE, 2):
        records.put("new", 2)
        sync(SOURCE, 2)
    assert living(warehouse) == ["a2", "b2", "new"]


@mainly_duckdb
def test_children_of_other_parents_stay(api: Api, records: Records, warehouse: Warehouse) -> None:
    source = shop(windowed(**REPLACE), LINES)
    lines = {name: Records(api, f"/items/{name}/lines") for name in records.by_id}
    for name, made in lines.items():
        for part in "xy":
            made.by_id[f"{name}{part}"] = {"id": f"{name}{part}"}
    sync(source, 1, 3)
    del lines["a2"].by_id["a2x"], lines["a3"].by_id["a3x"], records.by_id["b2"]
    sync(source, 2)
    expected = ["a1x", "a1y", "a2y", "a3x", "a3y", "b1x", "b1y", "b3x", "b3y"]
    assert living(warehouse, "lines") == expected, "b2 is removed, and its lines with it"


def test_children_without_their_parent_cannot_replace() -> None:
    declared = {"resources": [windowed(**REPLACE), {**LINES, "include_from_parent": {}}]}
    text = json.dumps({"client": {}, **declared})
    with pytest.raises(
        CatalogError, match=r"write_disposition: expected include_from_parent with id"
    ):
        load_text(text, name="shop", file="shop.yaml")
