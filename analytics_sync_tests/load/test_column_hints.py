"""Columns as hints: ``schema_contract: evolve``, where the columns that are not declared follow the data."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    return path


def sync(api: Api, records: list[Any], window: Window | None = None, **keys: Any) -> ReadRun:
    api.on("/items", records)
    with ReadRun(
        shop(item(**{"schema_contract": "evolve", "deletes": "none", **keys})), window
    ) as run:
        load(run, "run")
        for error in run.failures().values():
            raise error
        return run


def rows(file: Path) -> list[dict[str, Any]]:
    found = duckdb_file.table(file, "shop/items")
    return sorted(
        (
            {k: v for k, v in row.items() if not k.startswith("_") and v is not None}
            for row in found
        ),
        key=lambda row: str(row["id"]),
    )


def test_hints_say_their_types_and_the_rest_follows_the_data(api: Api, file: Path) -> None:
    columns = [
        {"name": "code", "data_type": "text", "nullable": True, "precision": 20, "unique": True},
        {"name": "price", "data_type": "decimal", "precision": 10, "scale": 2},
        {"name": "later", "data_type": "timestamp"},
    ]
    sent = [{"id": 1, "code": 7, "price": 1.5, "name": "a", "at": "2026-03-01T00:00:00Z", "n": [1]}]
    run = sync(api, sent, columns=columns)
    (row,) = rows(file)
    assert row["code"] == "7"
    assert (str(row["price"]), row["name"], json.loads(row["n"])) == ("1.500000000", "a", [1])
    assert row["at"] == START
    types = {f.column: f.data_type for f in run.result("items").fields}
    assert types["later"] == "timestamp"
    assert types["id"] == "bigint"
    findings = run.result("items").findings
    assert not [*findings.of("declared_schema"), *findings.of("complete")]


@pytest.mark.slow
def test_a_new_field_becomes_a_column_in_a_later_run(api: Api, file: Path) -> None:
    sync(api, [{"id": 1, "v": "a"}], columns={"v": "text"})
    sync(api, [{"id": 2, "v": "b", "w": 5}], columns={"v": "text"})
    assert rows(file) == [{"id": 1, "v": "a"}, {"id": 2, "v": "b", "w": 5}]


@pytest.mark.slow
def test_the_table_goes_before_a_hint(api: Api, file: Path) -> None:
    """Another type in the file loses no value: the column keeps the type of its values."""
    sync(api, [{"id": 1, "v": "a"}], columns={"v": "text"})
    sync(api, [{"id": 2, "v": 5}], columns={"v": "bigint"})
    assert rows(file) == [{"id": 1, "v": "a"}, {"id": 2, "v": "5"}]


@pytest.mark.slow
@pytest.mark.parametrize("hint", ["bigint", "text", None])
def test_a_cursor_is_a_time_whatever_its_hint(api: Api, file: Path, hint: str | None) -> None:
    noon = int(START.timestamp()) + 43_200
    window = {"cursor_path": "at", "start_param": "since", "initial_value": 1772323200000}
    records = [{"id": 1, "at": noon * 1000}, {"id": 2, "at": (noon + 86_400) * 1000}]
    sync(api, records, DAY, columns={"at": hint} if hint else {}, endpoint={"incremental": window})
    assert rows(file) == [{"id": 1, "at": START + timedelta(hours=12)}]
    assert api.queries()[0] == {"since": "1772323199999"}


@pytest.mark.slow
def test_a_marked_column_is_the_key(api: Api, file: Path) -> None:
    declared = {"no": {"data_type": "text", "primary_key": True}, "id": "bigint"}
    for v in (1, 2):
        sync(api, [{"id": v, "no": "x"}], columns=declared, primary_key=[])
    assert rows(file) == [{"id": 2, "no": "x"}]


def test_a_required_hint_is_checked(api: Api, file: Path) -> None:
    declared = item(
        schema_contract="evolve", columns={"v": {"data_type": "text", "nullable": False}}
    )
    (resource,) = shop(declared).assets
    assert [f.name for f in resource.required] == ["v"]


@pytest.mark.parametrize("mode", ["freeze", "discard_row", "discard_value", {"columns": "freeze"}])
def test_a_contract_that_loses_data_is_an_error(mode: Any) -> None:
    with pytest.raises(CatalogError, match="would lose data"):
        shop(item(schema_contract=mode))


def test_a_contract_of_tables_is_an_error() -> None:
    with pytest.raises(CatalogError, match="tables: freeze has no counterpart"):
        shop(item(schema_contract={"tables": "freeze", "columns": "evolve"}))
