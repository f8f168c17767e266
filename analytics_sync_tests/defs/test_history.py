"""The check ``history``: what Dagster shows as materialized is in the warehouse, in DuckDB and PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync_tests.support.dagster_runs import Run, run_checks, run_source
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse, mainly_duckdb
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse
pytestmark = mainly_duckdb
COLUMNS = {"id": "bigint", "at": "timestamp"}
ORDERS = item(
    {"incremental": {"cursor_path": "at", "start_param": "from", "end_param": "to"}},
    "orders",
    columns=COLUMNS,
)
LINES = item(
    {
        "path": "/orders/{order}/lines",
        "params": {"order": {"type": "resolve", "resource": "orders", "field": "id"}},
    },
    "lines",
)
CUSTOMERS = item(name="customers", columns={"id": "bigint"})
SHOP = shop(ORDERS, LINES, CUSTOMERS)
DAYS = [f"2026-01-{day:02}" for day in range(1, 8)]


@pytest.fixture(autouse=True)
def orders(api: Api) -> Api:
    """One order a day but on 2026-01-02, with one line; two customers."""

    def listed(_path: str, query: dict[str, Any], _headers: Any) -> list[dict[str, Any]]:
        days = [day for day in DAYS if day != "2026-01-02"]
        found = [{"id": int(day[-2:]), "at": f"{day}T10:00:00Z"} for day in days]
        return [o for o in found if query["from"] <= o["at"] < query["to"]]

    api.on("/orders", listed)
    api.on("/orders/*/lines", lambda path, *_: [{"id": int(path.split("/")[2]) * 10}])
    api.on("/customers", [{"id": 1}, {"id": 2}])
    return api


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of Dagster."""
    return tmp_path / "home"


def history(run: Run, resource: str = "orders") -> tuple[bool, str, str]:
    """The verdict of the check of a resource."""
    return run.checks[f"{resource}.history"]


def lose(warehouse: Warehouse) -> None:
    """Lose the file, or the dataset."""
    if isinstance(warehouse.place, Path):
        warehouse.place.unlink()
    else:
        warehouse.run("DROP SCHEMA shop CASCADE")


@pytest.fixture
def back_up(warehouse: Warehouse, request: pytest.FixtureRequest) -> Callable[[], Warehouse]:
    """Copies the warehouse."""

    def copy() -> Warehouse:
        if isinstance(warehouse.place, Path):
            return Warehouse(shutil.copy(warehouse.place, warehouse.place.with_suffix(".backup")))
        return Warehouse(request.getfixturevalue("postgres").database(template=warehouse.place))

    return copy


def ids(warehouse: Warehouse, table: str = "orders") -> list[int]:
    """The keys of a table."""
    return [key for (key,) in warehouse.query(f"SELECT id FROM shop.{table} ORDER BY id")]


def test_a_lost_warehouse_is_an_error_until_its_days_are_loaded_again(
    warehouse: Warehouse, home: Path
) -> None:
    assert not run_source(home, SHOP, DAYS[0], DAYS[2]).failed()
    lose(warehouse)
    after = run_source(home, SHOP, DAYS[3])
    assert after.failed() == dict.fromkeys(
        ["orders.history", "lines.history", "customers.history"], "ERROR"
    )
    assert ids(warehouse) == [4]
    text = history(after)[2]
    assert "3 partitions as materialized" in text
    assert "2026-01-01 to 2026-01-03" in text
    assert "--select shop/orders --partition-range 2026-01-01...2026-01-03" in text
    place = warehouse.place
    assert (str(place) if isinstance(place, Path) else place.rpartition("/")[2]) in text
    assert "the rows of the load of" in history(after, "customers")[2]
    assert not run_source(home, SHOP, DAYS[0], DAYS[2]).failed()
    assert ids(warehouse) == [1, 3, 4]
    assert ids(warehouse, "lines") == [10, 30, 40]
    assert after.metadata["orders"]["warehouse"] in text
    assert "none" not in after.metadata["orders"]["warehouse"], "the password"


@pytest.mark.slow
def test_the_days_of_a_lost_warehouse_stay_missing(warehouse: Warehouse, home: Path) -> None:
    run_source(home, SHOP, DAYS[0], DAYS[1])
    run_source(home, SHOP, DAYS[2])
    lose(warehouse)
    run_source(home, SHOP, DAYS[3])
    again = run_source(home, SHOP, DAYS[4])
    # the loss of a snapshot is said once: the table holds what the API lists
    assert again.failed() == {"orders.history": "ERROR", "lines.history": "ERROR"}
    assert "2026-01-01 to 2026-01-03" in history(again)[2]
    run_source(home, SHOP, DAYS[1])
    assert "2026-01-01, 2026-01-03" in history(run_source(home, SHOP, DAYS[4]))[2]


@pytest.mark.slow
def test_days_without_rows_are_loaded_days(warehouse: Warehouse, home: Path, api: Api) -> None:
    api.on("/orders", [])
    for day in DAYS[:3]:
        assert not run_source(home, SHOP, day).failed()
    assert warehouse.query("SELECT rows FROM shop._loaded WHERE resource = 'orders'") == [(0,)] * 3


@pytest.mark.slow
def test_a_restored_backup_lacks_the_days_since(
    back_up: Callable[[], Warehouse], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, SHOP, DAYS[0], DAYS[2])
    backup = back_up()
    run_source(home, SHOP, DAYS[2], DAYS[3])  # the third day again: its rows are newer
    backup.configure(monkeypatch)
    after = run_source(home, SHOP, DAYS[5])
    assert "2 partitions" in history(after)[2]
    assert "2026-01-03 to 2026-01-04" in history(after)[2]
    assert history(after, "customers")[:2] == (False, "ERROR")
    assert not run_source(home, SHOP, DAYS[2], DAYS[3]).failed()


@pytest.mark.slow
def test_a_backup_that_an_earlier_version_made_lacks_the_days_since(
    back_up: Callable[[], Warehouse], home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_source(home, SHOP, DAYS[0], DAYS[2])
    backup = back_up()
    run_source(home, SHOP, DAYS[3], DAYS[4])
    backup.configure(monkeypatch)
    backup.run("DROP TABLE shop._loaded", "DROP TABLE shop._origin")
    after = run_source(home, SHOP, DAYS[5])
    assert "2 partitions" in history(after)[2]
    assert "2026-01-04 to 2026-01-05" in history(after)[2]


@pytest.mark.slow
@pytest.mark.parametrize(
    "statement", ["DROP TABLE shop.orders", "DELETE FROM shop.orders"], ids=["dropped", "emptied"]
)
def test_a_table_that_is_dropped_or_emptied_lacks_its_days(
    statement: str, warehouse: Warehouse, home: Path
) -> None:
    run_source(home, SHOP, DAYS[0], DAYS[2])
    warehouse.run(statement)
    after = run_source(home, SHOP, DAYS[3])
    assert after.failed()["orders.history"] == "ERROR"
    assert "2026-01-01 to 2026-01-03" in history(after)[2]
    assert ids(warehouse) == [4]


@pytest.mark.slow
def test_the_check_alone_sees_a_lost_warehouse(warehouse: Warehouse, home: Path) -> None:
    run_source(home, SHOP, DAYS[0], DAYS[2])
    assert not run_checks(home, SHOP).failed()
    lose(warehouse)
    alone = run_checks(home, SHOP)
    assert history(alone)[:2] == (False, "ERROR")
    assert "2026-01-01 to 2026-01-03" in history(alone)[2]
    assert history(alone, "customers")[:2] == (False, "ERROR")


@pytest.mark.slow
def test_what_an_earlier_version_loaded_is_noted_by_the_next_load(
    warehouse: Warehouse, home: Path
) -> None:
    for day in DAYS[:3]:
        run_source(home, SHOP, day)
    warehouse.run("DROP TABLE shop._loaded", "DROP TABLE shop._origin")
    after = run_source(home, SHOP, DAYS[3])
    assert not after.failed()
    assert not run_source(home, SHOP, DAYS[4], only=["orders"]).failed()


@pytest.mark.slow
def test_runs_without_a_history_raise_no_alarm(
    warehouse: Warehouse, home: Path, tmp_path: Path
) -> None:
    """As ``dagster asset materialize`` without a home, and another Dagster on the same warehouse."""
    run_source(home, SHOP, DAYS[0], DAYS[2])
    assert not run_source(tmp_path / "other", SHOP, DAYS[3]).failed()
    assert not run_source(home, SHOP, DAYS[4]).failed()


@pytest.mark.slow
def test_an_undeclared_resource_without_records_is_loaded(
    warehouse: Warehouse, home: Path, api: Api
) -> None:
    api.on("/notes", [])
    source: Source = shop(item(name="notes", columns={}))
    assert run_source(home, source).ok
    assert warehouse.query("SELECT resource, rows FROM shop._loaded") == [("notes", 0)]


@pytest.mark.slow
def test_a_failed_resource_is_not_noted(warehouse: Warehouse, home: Path, api: Api) -> None:
    api.on("/customers", (403, {}, {}))
    assert not run_source(home, SHOP, DAYS[0]).ok
    noted = {name for (name,) in warehouse.query("SELECT resource FROM shop._loaded")}
    assert noted == {"orders", "lines"}


@pytest.mark.slow
def test_a_window_takes_the_place_of_those_inside_it(warehouse: Warehouse, home: Path) -> None:
    for day in DAYS[:3]:
        run_source(home, SHOP, day, only=["orders"])
    run_source(home, SHOP, DAYS[0], DAYS[4], only=["orders"])
    run_source(home, SHOP, DAYS[0], DAYS[4], only=["orders"])
    sql = "SELECT rows FROM shop._loaded WHERE resource = 'orders'"
    assert warehouse.query(sql) == [(4,)]


@pytest.mark.slow
def test_partitions_of_another_length_are_loaded_as_a_whole(
    warehouse: Warehouse, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of a month is the key of its first day."""
    run_source(home, SHOP, DAYS[0], DAYS[1], only=["orders"])
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "monthly")
    after = run_source(home, SHOP, "2026-02-01", only=["orders"])
    assert "1 partitions" in history(after)[2]
    assert "--partition 2026-01-01" in history(after)[2]
    assert not run_source(home, SHOP, "2026-01-01", only=["orders"]).failed()
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "hourly")
    assert not run_source(home, SHOP, "2026-01-01", only=["customers"]).failed()
