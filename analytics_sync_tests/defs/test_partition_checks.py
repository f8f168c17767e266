"""Checks by partition: in a range each day has its own verdict, with its own numbers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckEvaluation, AssetCheckKey, AssetKey, DagsterInstance

from analytics_sync.catalog import Source
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.changing_api import (
    Records,
    at,
    two_records_a_day,
    windowed,
)
from analytics_sync_tests.support.dagster_runs import (
    make_dagster_home,
    run_checks,
    run_in_dagster,
)
from analytics_sync_tests.support.each_warehouse import (
    Warehouse,
    every_warehouse,
    mainly_duckdb,
    only_duckdb,
)
from analytics_sync_tests.support.scripted_api import Api, shop, shop_api

api = shop_api
warehouse = every_warehouse
records = two_records_a_day
SOURCE = shop(windowed(columns={"name": "text"}, required=["name"]))
ITEMS = AssetKey(["shop", "items"])
MONTH, BAD = 30, 12


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warehouse: Warehouse) -> Path:
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(at(1)))
    return make_dagster_home(tmp_path / "home")


def load(
    home: Path, first: int, last: int | None = None, source: Source = SOURCE
) -> dict[str, dict[str | None, AssetCheckEvaluation]]:
    """Load a range of days; the evaluations by check and partition."""
    result = run_in_dagster(home, {"shop": source}, ["shop/items"], at(first), at(last or first))
    found: dict[str, dict[str | None, AssetCheckEvaluation]] = {}
    for evaluation in result.get_asset_check_evaluations():
        found.setdefault(evaluation.check_name, {})[evaluation.partition] = evaluation
    return found


def failed(evaluations: dict[str | None, AssetCheckEvaluation]) -> list[str | None]:
    return [partition for partition, e in evaluations.items() if not e.passed]


def a_month(records: Records) -> None:
    """Fill thirty days: day n has n records."""
    records.by_id.clear()
    for day in range(1, MONTH + 1):
        for number in range(day):
            records.put(f"{day}-{number}", day, name="x")


@mainly_duckdb
def test_a_bad_day_of_a_range_is_red_and_the_others_are_green_with_their_numbers(
    records: Records, home: Path
) -> None:
    a_month(records)
    records.put(f"{BAD}-0", BAD, name=None)
    records.put(f"{BAD}-1", BAD, name="x", colour="red")
    found = load(home, 1, MONTH)
    for name in ("required_fields", "declared_schema"):
        assert failed(found[name]) == ["2026-01-12"], name
        rows = {day: e.metadata["rows"].value for day, e in found[name].items()}
        assert rows == {str(at(day)): day for day in range(1, MONTH + 1)}
    bad = found["required_fields"]["2026-01-12"]
    assert bad.description is not None
    assert bad.description.startswith("Null in required fields: name (1) of 12 rows.")
    assert set(found["history"]) == set(found["freshness"]) == {None}
    status = storage_status(home, "required_fields")
    assert (status["SUCCEEDED"], status["FAILED"]) == (MONTH - 1, 1)


def storage_status(home: Path, check: str) -> dict[str, int]:
    """How many partitions have each status, as Dagster's UI counts them."""
    with DagsterInstance.from_config(str(home)) as instance:
        infos = instance.event_log_storage.get_asset_check_partition_info(
            [AssetCheckKey(ITEMS, check)]
        )
    assert all(info.is_current for info in infos)
    names = [info.latest_execution_status.value for info in infos]
    return {name: names.count(name) for name in names}


@mainly_duckdb
def test_a_later_good_day_does_not_hide_a_bad_one(records: Records, home: Path) -> None:
    a_month(records)
    records.put("2-0", 2, name=None)
    assert failed(load(home, 2)["required_fields"]) == ["2026-01-02"]
    assert failed(load(home, 3)["required_fields"]) == []
    status = storage_status(home, "required_fields")
    assert status == {"SUCCEEDED": 1, "FAILED": 1}


@mainly_duckdb
def test_the_query_of_a_failed_check_shows_its_rows(
    records: Records, home: Path, warehouse: Warehouse
) -> None:
    a_month(records)
    records.put("2-1", 2, name=None)
    records.put("3-1", 3, name=None)
    records.put("3-2", 3, name="x", colour="red")
    found = load(home, 2, 3)
    query = found["required_fields"]["2026-01-02"].metadata["query"].value
    assert [row[0] for row in warehouse.query(str(query))] == ["2-1"]
    query = found["declared_schema"]["2026-01-03"].metadata["query"].value
    assert [row[0] for row in warehouse.query(str(query))] == ["3-2"]


@only_duckdb
def test_a_rejected_record_is_of_its_own_day(records: Records, home: Path) -> None:
    a_month(records)
    del records.by_id["2-0"]["id"]
    found = load(home, 1, 6)["declared_schema"]
    assert failed(found) == ["2026-01-02"]
    assert found["2026-01-02"].metadata["rows_rejected"].value == 1


@only_duckdb
def test_two_rows_of_one_key_are_red_on_their_day_and_stop_what_comes_after(
    records: Records, home: Path, warehouse: Warehouse
) -> None:
    a_month(records)
    load(home, 1, 3)
    warehouse.run("INSERT INTO shop.items SELECT * FROM shop.items WHERE id = '2-0'")
    again = run_in_dagster(home, {"shop": SOURCE}, ["shop/items"], at(3))
    assert again.success, "the run of another day does not look at it"
    run = run_checks(home, SOURCE)
    assert not run.ok
    passed, severity, text = run.checks["items.primary_key_unique"]
    assert (passed, severity) == (False, "ERROR")
    assert "The query in the metadata shows them" in text


@only_duckdb
def test_without_a_partition_the_checks_look_at_the_whole_table(
    records: Records, home: Path
) -> None:
    a_month(records)
    load(home, 1, 4)
    run = run_checks(home, SOURCE)
    assert run.ok
    assert run.checks["items.required_fields"][2] == "All 3 required fields are there in 10 rows."


@only_duckdb
@pytest.mark.slow
def test_a_day_with_far_fewer_rows_than_the_same_weekday_before_warns(
    records: Records, home: Path
) -> None:
    records.by_id.clear()
    for week in range(6):
        for number in range(100 + week):
            records.put(f"{week}-{number}", 1 + 7 * week)
    for number in range(20):
        records.put(f"low-{number}", 43)
    source = shop(windowed())
    found = load(home, 1, 43, source)["volume"]
    assert failed(found) == ["2026-02-12"]
    low = found["2026-02-12"]
    numbers = {k: low.metadata[k].value for k in ("rows", "fewest_before", "most_before")}
    assert numbers == {"rows": 20, "fewest_before": 100, "most_before": 105}
    assert low.severity.value == "WARN"


@only_duckdb
def test_freshness_is_of_the_newest_partition_and_no_backfill_mends_it(
    api: Api, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    today = datetime.now(UTC).date()
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", str(today - timedelta(days=9)))
    api.on("/items", lambda *_: [])
    source = shop(windowed())

    def freshness(days_ago: int) -> Any:
        day = today - timedelta(days=days_ago)
        result = run_in_dagster(home, {"shop": source}, ["shop/items"], day)
        (found,) = [e for e in result.get_asset_check_evaluations() if e.check_name == "freshness"]
        return found

    old = freshness(8)
    assert not old.passed
    assert old.severity.value == "WARN"
    due = str(today - timedelta(days=2))
    assert f"{due} should be loaded by now" in old.description
    assert f"--select shop/items --partition {due}" in old.description
    assert freshness(2).passed
    assert freshness(7).passed, "a backfill does not make it stale"


def test_hours_have_one_verdict_for_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__PARTITIONS", "hourly")
    graph = build_definitions({"shop": SOURCE}).resolve_asset_graph()
    checks = [graph.get(key) for key in graph.asset_check_keys]
    assert [c.partitions_def for c in checks] == [None] * len(checks)
