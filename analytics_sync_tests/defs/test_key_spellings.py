"""UUIDs in upper and in lower case: two rows of one record fail the check, other keys do not."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity

from analytics_sync_tests.support.dagster_runs import check_of, make_dagster_home, run_in_dagster
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse
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
    assert found.metadata["keys_in_two_spellings"].value == 1
    assert f"for example {ONE}. They are the same record" in found.description


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
