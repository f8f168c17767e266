"""Checks after a run: shared keys and many rejected records are errors, few are a warning."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dagster import AssetCheckSeverity, ExecuteInProcessResult

from analytics_sync_tests.support.dagster_runs import (
    check_of,
    make_dagster_home,
    metadata,
    run_in_dagster,
)
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
COLUMNS = {"id": "bigint", "v": "text"}
Run = Callable[..., ExecuteInProcessResult]


@pytest.fixture
def run(api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """A function that serves records, and materializes the item."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    home = make_dagster_home(tmp_path / "dagster")

    def materialize(*records: Any) -> ExecuteInProcessResult:
        api.on("/items", list(records))
        sources = {"shop": shop(item(columns=COLUMNS))}
        return run_in_dagster(home, sources, ["shop/items"])

    return materialize


def test_different_records_with_one_key_fail_the_check(run: Run) -> None:
    records = [{"id": i % 6, "v": str(i)} for i in range(12)]
    result = run(*records)
    assert not result.success, "the rows are loaded, and the check stops what comes after"
    found = check_of(result, "primary_key_unique")
    assert (found.passed, found.severity) == (False, AssetCheckSeverity.ERROR)
    assert "keys shared: 6" in found.description
    assert "primary_key [id] of resource 'items'" in found.description
    assert metadata(result)["items"]["keys_shared_by_different_records"] == 6
    named = metadata(result)["items"]["examples_of_keys_shared_by_different_records"]
    assert named == "id=0; id=1; id=2; id=3; id=4"
    fixed = run(*({"id": i, "v": str(i)} for i in range(12)))
    assert check_of(fixed, "primary_key_unique").passed
    assert "keys_shared_by_different_records" not in metadata(fixed)["items"]


def test_equal_records_with_one_key_pass_the_check(run: Run) -> None:
    result = run({"id": 1, "v": "a"}, {"id": 1, "v": "a"})
    assert check_of(result, "primary_key_unique").passed
    assert metadata(result)["items"]["duplicates_dropped"] == 1


def test_many_rejected_records_are_an_error_and_few_a_warning(run: Run) -> None:
    good = [{"id": i} for i in range(1, 30)]
    few = check_of(run(*good, {"id": "x"}), "declared_schema")
    assert (few.passed, few.severity) == (False, AssetCheckSeverity.WARN)
    many = check_of(run(*good[:5], {"id": "x"}, {"id": "y"}), "declared_schema")
    assert (many.passed, many.severity) == (False, AssetCheckSeverity.ERROR)
    assert "2 of 7 records were rejected" in many.description
    everything = check_of(run({"id": "x"}, {"id": "y"}), "declared_schema")
    assert (everything.passed, everything.severity) == (False, AssetCheckSeverity.ERROR)
