"""``deletes: window``: rows of a window that was read again and that the API no longer lists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.common.errors import ExtractError
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.changing_api import (
    Records,
    at,
    gone,
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
SOURCE = shop(windowed(deletes="window"))


def test_a_row_that_is_gone_is_marked_and_one_that_comes_back_is_not(
    records: Records, warehouse: Warehouse
) -> None:
    sync(SOURCE, 1, 3)
    assert gone(warehouse) == []
    del records.by_id["a2"], records.by_id["a3"]
    loaded = sync(SOURCE, 2)
    assert loaded.deleted.marked == {"items": 1}
    assert gone(warehouse) == ["a2"], "the third day was not read"
    sync(SOURCE, 1, 3)
    assert gone(warehouse) == ["a2", "a3"]
    records.put("a2", 2)
    sync(SOURCE, 2)
    assert gone(warehouse) == ["a3"]
    assert len(warehouse.rows()) == 6


@mainly_duckdb
def test_a_record_that_changed_later_is_not_gone(records: Records, warehouse: Warehouse) -> None:
    """It is no more in its old window, and this run does not read its new one."""
    sync(SOURCE, 1, 3)
    records.put("a1", 9)
    del records.by_id["b1"]
    loaded = sync(SOURCE, 1)
    assert (loaded.deleted.marked, loaded.deleted.read_twice) == ({"items": 1}, {"items"})
    assert gone(warehouse) == ["b1"]
    assert len(warehouse.rows()) == 6, "the second read loads no row of another window"
    sync(SOURCE, 9)
    assert living(warehouse) == ["a1", "a2", "a3", "b2", "b3"]
    sync(SOURCE, 1)
    assert gone(warehouse) == ["b1"]


@pytest.mark.slow
def test_the_only_row_of_a_day_can_go(records: Records, warehouse: Warehouse) -> None:
    records.put("alone", 5)
    sync(SOURCE, 1, 5)
    del records.by_id["alone"]
    assert sync(SOURCE, 5).deleted.marked == {"items": 1}
    assert gone(warehouse) == ["alone"]


@pytest.mark.slow
@pytest.mark.parametrize("cursor", ["created_at", "starts_at"])
def test_other_cursors(api: Api, warehouse: Warehouse, cursor: str) -> None:
    """A time of creation never moves. Another time may move either way."""
    source = shop(windowed(cursor, deletes="window"))
    records = Records(api, "/items", cursor)
    for day in (100, 101, 102):
        records.put(f"a{day}", day)
        records.put(f"b{day}", day)
    sync(source, 100, 102)
    before = len(api.queries())
    del records.by_id["a101"]
    if cursor == "starts_at":
        records.put("b101", 3)
    assert sync(source, 101).deleted.marked == {"items": 1}
    assert gone(warehouse) == ["a101"]
    fixed = cursor == "created_at"
    assert (len(api.queries()) - before == 1) == fixed, "a fixed cursor needs no second read"


@pytest.mark.slow
def test_a_day_as_cursor(api: Api, warehouse: Warehouse) -> None:
    columns = {"id": "text", "day": "date"}
    source = shop(
        windowed("day", columns=columns, incremental={"cursor_changes": False}, deletes="window")
    )
    records = Records(api, "/items", "day")
    for day in (1, 2):
        for name in "ab":
            records.by_id[f"{name}{day}"] = {"id": f"{name}{day}", "day": str(at(day))}
    sync(source, 1, 2)
    del records.by_id["a1"], records.by_id["a2"]
    sync(source, 2)
    assert gone(warehouse) == ["a2"]


@only_duckdb
def test_a_read_that_proves_nothing_marks_nothing(records: Records, warehouse: Warehouse) -> None:
    sync(SOURCE, 1, 3)
    del records.by_id["a2"]
    records.answer = [{"id": "b2", "updated_at": "2026-01-02T12:00:00Z"}, {"id": "x"}]
    assert "rejected" in sync(SOURCE, 2).deleted.not_judged["items"]
    records.answer = (403, {}, {})
    with ReadRun(SOURCE, day_window(at(2), at(3))) as run:
        assert not load(run, "run").deleted.marked
        assert isinstance(run.failures()["items"], ExtractError)
    assert gone(warehouse) == []


@pytest.mark.slow
@only_duckdb
def test_a_second_read_that_fails_marks_nothing(
    api: Api, records: Records, warehouse: Warehouse
) -> None:
    sync(SOURCE, 1, 3)
    del records.by_id["a2"]
    api.on("/items", lambda _path, query, _: records.listed(query), (403, {}, {}))
    loaded = sync(SOURCE, 2)
    assert loaded.deleted.marked == {}
    assert "second time" in loaded.deleted.not_judged["items"]
    assert gone(warehouse) == []


@pytest.mark.slow
@only_duckdb
def test_a_row_of_a_parallel_run_is_not_marked(records: Records, warehouse: Warehouse) -> None:
    with slow_sync(SOURCE, 2):
        records.put("new", 2)
        sync(SOURCE, 2)
    assert living(warehouse) == ["a2", "b2", "new"]


@pytest.mark.slow
@only_duckdb
def test_a_default_for_all_resources(api: Api, records: Records, warehouse: Warehouse) -> None:
    """A snapshot has one window: everything."""
    api.on("/others", [{"id": 1}, {"id": 2}], [{"id": 2}])
    source = shop(windowed(deletes="window"), item(name="others", deletes="window"))
    sync(source, 1, 3)
    del records.by_id["b3"]
    assert sync(source, 1, 3).deleted.marked == {"items": 1, "others": 1}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("deletes: soft", "deletes: expected window"),
        (
            "deletes: window, write_disposition: replace",
            "deletes: expected write_disposition: merge",
        ),
        ("deletes: hard", "deletes: "),
    ],
)
def test_a_declaration_that_cannot_be_kept_is_an_error(keys: str, message: str) -> None:
    endpoint = "{path: /a, incremental: {cursor_path: at}}"
    text = (
        "source: x\nclient: {}\nresource_defaults: {primary_key: id}\n"
        f"resources:\n  - {{name: a, {keys}, columns: {{id: text, at: timestamp}}, endpoint: {endpoint}}}\n"
    )
    with pytest.raises(CatalogError, match=rf"x.yaml:5: resource 'a': {message}"):
        load_text(text, name="x", file="x.yaml")


@pytest.mark.slow
@only_duckdb
def test_a_row_behind_the_end_of_an_ordered_window_is_not_gone(
    api: Api, warehouse: Warehouse
) -> None:
    """The listing keeps its order for some pages, and breaks it later."""
    records = Records(api, "/items", "created_at")
    for day in range(9, 2, -1):
        records.put(f"a{day}", day)
    records.put("late", 9)

    def page(_path: str, query: Mapping[str, Any], _: Any) -> list[dict[str, Any]]:
        number = int(query["page"])
        return list(records.by_id.values())[2 * number - 2 : 2 * number]

    api.on("/items", page)
    declared = windowed("created_at", deletes="window")
    declared["endpoint"]["paginator"] = {"type": "page_number", "base_page": 1}
    declared["endpoint"]["incremental"] = {"cursor_path": "created_at"}
    sync(shop(declared), 3, 9)
    declared["endpoint"]["incremental"]["row_order"] = "desc"
    loaded = sync(shop(declared), 9)
    assert loaded.deleted.read_twice == {"items"}
    assert gone(warehouse) == []
    del records.by_id["late"]
    sync(shop(declared), 9)
    assert gone(warehouse) == ["late"]
