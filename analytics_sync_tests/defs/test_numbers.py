"""Metadata of materializations: the numbers of a partition, of a run, and of a merge."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterEventType, ExecuteInProcessResult

from analytics_sync_tests.support.changing_api import (
    Records,
    at,
    two_records_a_day,
    windowed,
)
from analytics_sync_tests.support.dagster_runs import (
    events,
    make_dagster_home,
    run_in_dagster,
)
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse, mainly_duckdb
from analytics_sync_tests.support.scripted_api import item, shop, shop_api

api = shop_api
warehouse = every_warehouse
records = two_records_a_day
SOURCE = shop(
    windowed(),
    item(
        {
            "path": "/items/{item}/lines",
            "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}},
        },
        name="lines",
    ),
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> Path:
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(at(1)))
    return make_dagster_home(tmp_path / "home")


def load(home: Path, first: int, last: int | None = None, *names: str) -> ExecuteInProcessResult:
    days = at(first), at(last or first)
    result = run_in_dagster(
        home, {"shop": SOURCE}, [f"shop/{n}" for n in names or ["items"]], *days
    )
    assert result.success
    return result


def numbers(result: ExecuteInProcessResult, name: str = "items") -> dict[str, dict[str, Any]]:
    """The metadata of each partition of a resource."""
    found = {}
    for event in events(result, DagsterEventType.ASSET_MATERIALIZATION):
        made = event.step_materialization_data.materialization
        if made.asset_key.path[-1] == name:
            found[made.partition] = {key: value.value for key, value in made.metadata.items()}
    return found


@mainly_duckdb
def test_each_partition_of_a_range_has_its_own_rows(records: Records, home: Path) -> None:
    records.put("c2", 2)
    records.put("d2", 2)
    found = numbers(load(home, 1, 4))
    rows = {day: (m["rows_loaded"], m["dagster/partition_row_count"]) for day, m in found.items()}
    assert rows == {
        "2026-01-01": (2, 2),
        "2026-01-02": (4, 4),
        "2026-01-03": (2, 2),
        "2026-01-04": (0, 0),
    }
    for day in found.values():
        assert day["run_rows_loaded"] == day["dagster/row_count"] == 8
        assert day["run_partitions"] == 4
        assert day["run_requests"] >= 1
        assert not {"requests", "pages", "bytes", "records_read", "seconds_reading"} & day.keys()


@mainly_duckdb
def test_one_partition_has_the_numbers_of_its_run_under_their_plain_names(
    records: Records, home: Path
) -> None:
    (found,) = numbers(load(home, 2)).values()
    assert found["rows_loaded"] == found["dagster/partition_row_count"] == 2
    assert found["requests"] >= 1
    plotted = [k for k, v in found.items() if type(v) in (int, float)]
    assert len(plotted) >= 12, plotted


def test_a_merge_tells_inserted_from_updated_rows(records: Records, home: Path) -> None:
    first = numbers(load(home, 1, 3))["2026-01-02"]
    assert (first["run_rows_inserted"], first["run_rows_updated_or_unchanged"]) == (6, 0)
    records.put("c2", 2)
    records.put("b2", 2, note="changed")
    second = numbers(load(home, 2))["2026-01-02"]
    assert (second["rows_inserted"], second["rows_updated_or_unchanged"]) == (1, 2)
    assert second["dagster/row_count"] == 7
    assert second["dagster/partition_row_count"] == second["rows_loaded"] == 3


@mainly_duckdb
def test_the_newest_cursor_and_its_lag(records: Records, home: Path) -> None:
    found = numbers(load(home, 1, 3))["2026-01-01"]
    assert found["newest_cursor"] == "2026-01-03T12:00:00+00:00"
    assert timedelta(seconds=found["seconds_behind"]) > timedelta(days=1)


@mainly_duckdb
def test_the_stages_of_the_run_have_seconds(records: Records, home: Path) -> None:
    (found,) = numbers(load(home, 1)).values()
    for stage in ("reading", "normalizing", "waiting_for_warehouse", "loading"):
        assert found[f"run_seconds_{stage}"] >= 0
    assert found["seconds_merging"] <= found["run_seconds_loading"]


@mainly_duckdb
def test_a_child_without_a_time_of_its_own_has_no_number_by_day(
    api: Any, records: Records, home: Path
) -> None:
    for number, name in enumerate(records.by_id):
        api.on(f"/items/{name}/lines", lambda *_, number=number: [{"id": number}])
    found = numbers(load(home, 1, 3, "items", "lines"), "lines")
    for day in found.values():
        assert "rows_loaded" not in day
        assert "dagster/partition_row_count" not in day
        assert day["run_rows_loaded"] == 6


@pytest.mark.parametrize("warehouse", ["postgres"], indirect=True)
@pytest.mark.slow
def test_a_large_table_of_postgresql_has_an_estimate(
    records: Records, home: Path, warehouse: Warehouse
) -> None:
    assert "dagster/row_count" in numbers(load(home, 1))["2026-01-01"]
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN id SET STORAGE PLAIN")
    warehouse.run(
        "INSERT INTO shop.items (id, updated_at, _read_at, _dlt_load_id) SELECT repeat('x', 3900) || n, "
        "'2025-01-01', '2025-01-02', '1' FROM generate_series(1, 72000) AS n"
    )
    warehouse.run("ANALYZE shop.items")
    found = numbers(load(home, 2))["2026-01-02"]
    assert found["table_rows_estimated"] == pytest.approx(72_004, rel=0.05)
    assert "dagster/row_count" not in found
