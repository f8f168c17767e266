"""UUIDs in upper and in lower case: two rows of one record fail the check, other keys do not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity

from analytics_sync_tests.support.dagster_runs import (
    check_of,
    make_dagster_home,
    run_checks,
    run_in_dagster,
)
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse, only_duckdb
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse

DAY = date(2026, 6, 1)
ONE, TWO = "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0-4f89-11d3-9a0c-0305e82c3302"
EVENTS = item(
    {"incremental": {"cursor_path": "updated_at"}},
    primary_key=["id", "part"],
    columns={"id": "text", "part": {"data_type": "bigint"}, "updated_at": "timestamp"},
)


@pytest.fixture
def home(warehouse: Warehouse, tmp_path: Path) -> Path:
    """The home of a Dagster instance, beside a new warehouse of each kind."""
    return make_dagster_home(tmp_path / "dagster")


def check(api: Api, home: Path, day: int, *keys: Any, resource: dict[str, Any] = EVENTS) -> Any:
    """Load records with these keys, which changed on a day; return the evaluation of the check."""
    changed = DAY + timedelta(days=day)
    api.on("/items", [{"id": k, "part": 1, "updated_at": f"{changed}T10:00:00Z"} for k in keys])
    is_windowed = "incremental" in resource["endpoint"]
    result = run_in_dagster(
        home, {"shop": shop(resource)}, ["shop/items"], changed if is_windowed else None
    )
    found = check_of(result, "primary_key_unique")
    assert result.success == found.passed
    return found


def test_a_uuid_that_changes_its_case_is_an_error(api: Api, home: Path) -> None:
    assert check(api, home, 0, ONE, TWO).passed
    assert check(api, home, 1, ONE).passed
    found = check(api, home, 2, ONE.upper())
    assert not found.passed
    assert found.severity is AssetCheckSeverity.ERROR
    assert f"for example {ONE}. They are the same record" in found.description


def test_two_spellings_of_one_load_are_an_error(api: Api, home: Path) -> None:
    found = check(api, home, 0, ONE, ONE.upper(), TWO)
    assert not found.passed
    assert (
        f"1 UUIDs are keys of several rows, in upper and in lower case, for example {ONE}"
        in found.description
    )


def test_the_day_of_the_load_that_brings_a_spelling_is_red_and_the_others_are_green(
    api: Api, home: Path
) -> None:
    assert check(api, home, 0, ONE, TWO).passed
    records = [
        {"id": key, "part": 1, "updated_at": f"{DAY + timedelta(days=day)}T10:00:00Z"}
        for key, day in ((ONE.upper(), 2), ("3", 3), ("4", 4))
    ]
    api.on("/items", records)
    days = [DAY + timedelta(days=day) for day in (1, 4)]
    result = run_in_dagster(home, {"shop": shop(EVENTS)}, ["shop/items"], *days)
    found = [
        e for e in result.get_asset_check_evaluations() if e.check_name == "primary_key_unique"
    ]
    assert [e.partition for e in found if not e.passed] == [str(DAY + timedelta(days=2))]
    assert len(found) == 4


def test_a_spelling_with_a_row_of_a_later_load_is_found_by_this_load(api: Api, home: Path) -> None:
    assert check(api, home, 2, ONE.upper()).passed
    assert not check(api, home, 1, ONE).passed
    assert not check(api, home, 1, ONE).passed, "both rows are still there"
    assert check(api, home, 0, TWO).passed


@only_duckdb
def test_a_check_of_a_day_looks_at_the_rows_of_this_day(
    api: Api, home: Path, warehouse: Warehouse
) -> None:
    assert check(api, home, 0, ONE).passed
    assert check(api, home, 1, TWO).passed
    warehouse.run(f"UPDATE shop.items SET id = '{TWO.upper()}' WHERE id = '{ONE}'")
    name, source = "items.primary_key_unique", shop(EVENTS)
    assert run_checks(home, source, DAY + timedelta(days=1)).checks[name][0]
    passed, _, text = run_checks(home, source).checks[name]
    assert not passed, "a run without a partition looks at the whole table"
    assert f"for example {TWO}" in text


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second"),
    [("abc", "ABC"), ("a" * 36, "A" * 36), (ONE[:-1], ONE[:-1].upper()), (ONE, TWO.upper())],
)
def test_other_keys_may_differ_in_case(api: Api, home: Path, first: str, second: str) -> None:
    assert check(api, home, 0, first).passed
    assert check(api, home, 1, second).passed


def test_a_row_that_is_marked_as_deleted_is_no_second_row(api: Api, home: Path) -> None:
    snapshot = item(primary_key=["id", "part"], columns={"id": "text", "part": "bigint"})
    assert check(api, home, 0, ONE, TWO, resource=snapshot).passed
    assert check(api, home, 0, ONE.upper(), TWO, resource=snapshot).passed
