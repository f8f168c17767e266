"""The column schema of a materialization, for declared columns and for those that follow the data."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster import ExecuteInProcessResult, TableColumn, TableSchema

from analytics_sync_tests.support.dagster_runs import make_dagster_home, metadata, run_in_dagster
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api
from analytics_sync_tests.support.undeclared import undeclared

api = shop_api
OWN = {"_extra", "_read_at"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of an instance, beside a new warehouse."""
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    return make_dagster_home(tmp_path / "dagster")


def columns(result: ExecuteInProcessResult, name: str) -> dict[str, TableColumn]:
    """The columns in the metadata of a materialization, by name."""
    schema = metadata(result)[name]["dagster/column_schema"]
    assert isinstance(schema, TableSchema)
    return {column.name: column for column in schema.columns}


def test_a_materialization_has_the_schema_of_its_table(api: Api, home: Path) -> None:
    described = {"id": "bigint", "a.b": {"data_type": "text", "description": "What it is"}}
    sources = {"shop": shop(undeclared(), item(name="others", columns=described))}
    api.on("/others", [{"id": 1, "a": {"b": "x"}}])
    record = {"id": 1, "aB": 5, "tags": ["x"], "at": "2026-01-02T10:00:00Z", "never": None}
    api.on("/items", [record], [{**record, "id": 2, "aB": 0.5, "never": "2026-01-02"}])
    first, second = (run_in_dagster(home, sources, ["shop/items", "shop/others"]) for _ in range(2))
    found = {n: c.type for n, c in columns(first, "items").items() if n not in OWN}
    assert found == {"id": "bigint", "a_b": "bigint", "tags": "json", "at": "timestamp"}
    checks = {
        e.check_name: e
        for e in first.get_asset_check_evaluations()
        if e.asset_key.path[-1] == "items"
    }
    assert checks["declared_schema"].passed, "a field that was always null is no warning"
    now = {**found, "a_b": "double", "never": "date"}
    assert {n: c.type for n, c in columns(second, "items").items() if n not in OWN} == now
    assert columns(second, "items")["a_b"].description == "Inferred from the field aB"
    declared = columns(first, "others")
    assert (declared["a__b"].type, declared["a__b"].description) == ("text", "What it is")
    assert not declared["id"].constraints.nullable
