"""Checks: their results on sound tables, on broken tables and without a table."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
from dagster import AssetCheckSeverity, DagsterEventType, DagsterInstance

from analytics_sync.catalog import load_text
from analytics_sync.defs.build import build_definitions
from analytics_sync_tests.support.dagster_runs import events
from analytics_sync_tests.support.world import World

SHOP = """
source: shop
client: {base_url: https://shop.example.com, auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resources:
  - name: orders
    description: One order.
    primary_key: [id, line]
    endpoint: {path: /orders, data_selector: data, paginator: {type: offset, limit: 10}}
    columns: {id: text, line: bigint, buyer.name: text, note: text, paid: bool}
    required: [buyer.name, paid]
"""
ROW = "('a', 1, 'Ann', 'x', true, NULL, '1')"
ADDS = "Materialize shop/orders: the load adds them, or says why it cannot."


def verdicts(world: World) -> dict[str, Any]:
    """Run only the checks, and return their evaluations by name."""
    defs = build_definitions(world.sources)
    keys = defs.resolve_asset_graph().asset_check_keys
    with DagsterInstance.from_config(str(world.home)) as instance:
        result = (
            defs.resolve_implicit_global_asset_job_def()
            .get_subset(asset_selection=set(), asset_check_selection=set(keys))
            .execute_in_process(instance=instance, raise_on_error=False)
        )
    errors = events(result, DagsterEventType.STEP_FAILURE)
    names = {e.event_specific_data.error.cls_name for e in errors}
    assert names <= {"DagsterAssetCheckFailedError"}, "a check must never crash"
    found = {e.check_name: e for e in result.get_asset_check_evaluations()}
    complete = found.pop("complete")  # it looks at the materialization, and there is none
    assert complete.description == "The asset was never materialized."
    assert found.pop("history").passed, "nothing is reported, so nothing is missing"
    assert found.pop("freshness").description.startswith("shop/orders was never loaded.")
    return found


@pytest.fixture
def shop(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    with World(tmp_path, {"shop": source}) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def fill(world: World, *rows: str, columns: str | None = None) -> None:
    """Create the table with SQL, without the package."""
    names = columns or (
        "id VARCHAR, line BIGINT, buyer__name VARCHAR, note VARCHAR, paid BOOLEAN, "
        "_extra JSON, _dlt_load_id VARCHAR"
    )
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(f"CREATE SCHEMA shop; CREATE TABLE shop.orders ({names})")
        if rows:
            connection.execute(f"INSERT INTO shop.orders VALUES {', '.join(rows)}")


def test_a_sound_table_passes_all_three(shop: World) -> None:
    fill(shop, ROW, "('a', 2, 'Ann', NULL, false, NULL, '1')")
    found = verdicts(shop)
    assert {name: e.passed for name, e in found.items()} == dict.fromkeys(
        ["required_fields", "primary_key_unique", "declared_schema"], True
    )
    assert found["required_fields"].metadata["rows"].value == 2


def test_null_in_a_required_field_is_an_error_with_counts_and_keys(shop: World) -> None:
    fill(shop, ROW, "('b', 7, NULL, 'x', true, NULL, '1')", "('c', 8, NULL, 'x', NULL, NULL, '1')")
    found = verdicts(shop)["required_fields"]
    assert not found.passed
    assert found.severity == AssetCheckSeverity.ERROR
    assert found.metadata["nulls"].value == {"id": 0, "line": 0, "buyer.name": 2, "paid": 1}
    assert found.metadata["without buyer.name"].value in {"b, 7; c, 8", "c, 8; b, 7"}
    assert found.description == (
        "Null in required fields: buyer.name (2), paid (1) of 3 rows. The query in the metadata shows them."
    )


def test_two_rows_of_one_key_are_an_error(shop: World) -> None:
    fill(shop, ROW, ROW, "('b', 1, 'Bea', NULL, true, NULL, '1')")
    found = verdicts(shop)["primary_key_unique"]
    assert not found.passed
    assert found.severity == AssetCheckSeverity.ERROR
    assert found.metadata["repeated_keys"].value == 1
    assert "a, 1" in found.metadata["examples"].value


def test_undeclared_fields_are_a_warning_that_names_them(shop: World) -> None:
    fill(shop, """('a', 1, 'Ann', 'x', true, '{"colour": "red", "note": 5}', '1')""", ROW)
    found = verdicts(shop)["declared_schema"]
    assert not found.passed
    assert found.severity == AssetCheckSeverity.WARN
    assert found.metadata["fields_in_extra"].value == {"colour": 1, "note": 1}
    assert found.metadata["rows_with_extra"].value == 1


def test_rejected_records_are_a_warning(shop: World) -> None:
    fill(shop, ROW)
    with duckdb.connect(str(shop.warehouse)) as connection:
        connection.execute("CREATE TABLE shop._rejected (resource VARCHAR, reason VARCHAR)")
        connection.execute("INSERT INTO shop._rejected VALUES ('orders', 'x'), ('other', 'x')")
    found = verdicts(shop)["declared_schema"]
    assert not found.passed
    assert found.metadata["rows_rejected"].value == 1


def test_a_table_without_rows_passes(shop: World) -> None:
    fill(shop)
    assert all(e.passed for e in verdicts(shop).values())


def test_a_missing_column_fails_the_checks(shop: World) -> None:
    fill(shop, columns="id VARCHAR, buyer__name VARCHAR, _extra JSON")
    found = verdicts(shop)
    assert found["required_fields"].description == (
        f"Columns missing from the table: line, paid. {ADDS}"
    )
    assert found["primary_key_unique"].description == (
        f"Key columns missing from the table: line. {ADDS}"
    )
    assert "line, note, paid" in found["declared_schema"].description
    assert not any(e.passed for e in found.values())


@pytest.mark.parametrize("exists", ["no file", "no table"])
def test_a_missing_table_fails_the_checks(shop: World, exists: str) -> None:
    if exists == "no table":
        duckdb.connect(str(shop.warehouse)).close()
    found = verdicts(shop)
    assert len(found) == 3
    for evaluation in found.values():
        assert not evaluation.passed
        assert "There is no table shop.orders" in evaluation.description


def test_a_missing_extra_column_fails_the_check(shop: World) -> None:
    fill(shop, columns="id VARCHAR, line BIGINT, buyer__name VARCHAR, note VARCHAR, paid BOOLEAN")
    found = verdicts(shop)["declared_schema"]
    assert not found.passed
    assert "_extra" in found.description


@pytest.mark.parametrize(
    ("columns", "row", "named"),
    [
        (
            "id VARCHAR, line DOUBLE, buyer__name VARCHAR, note VARCHAR, paid BOOLEAN, "
            "_extra JSON, _read_at TIMESTAMPTZ",
            "('a', 1, 'Ann', 'x', true, NULL, now())",
            "column line is DOUBLE and is declared as bigint",
        ),
        (
            "id VARCHAR, line INTEGER, buyer__name VARCHAR, note VARCHAR, paid VARCHAR, "
            "_extra JSON, _read_at TIMESTAMP",
            "('a', 1, 'Ann', 'x', 'true', NULL, now())",
            "column line is INTEGER and is declared as bigint; column paid is VARCHAR and is "
            "declared as bool; column _read_at is TIMESTAMP and is declared as timestamp",
        ),
    ],
)
def test_a_column_of_another_type_is_an_error(
    shop: World, columns: str, row: str, named: str
) -> None:
    fill(shop, row, columns=columns)
    verdict = verdicts(shop)["declared_schema"]
    assert not verdict.passed
    assert verdict.severity is AssetCheckSeverity.ERROR
    assert f"The table has other types: {named}." in verdict.description
