"""Fields with the name of a system column: PostgreSQL refuses the table, DuckDB takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "xmin": "bigint", "ctid": "text", "oid": "text", "order": "text"}
RECORD = {"id": 1, "xmin": 2, "ctid": "c", "oid": "o", "order": "s"}


def sync(api: Api, columns: dict[str, Any]) -> dict[str, str]:
    """Load a resource with these columns and a plain one; return the errors."""
    api.on("/boxes", [RECORD])
    api.on("/items", [{"id": 1}])
    with ReadRun(shop(item(name="boxes", columns=columns), item())) as run:
        load(run, "run")
        return {name: str(error) for name, error in run.failures().items()}


def test_postgres_fails_the_resource_alone(
    api: Api, postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = postgres.database()
    for name, value in pg.settings(address).items():
        monkeypatch.setenv(name, value)
    (message,) = sync(api, COLUMNS).values()
    assert message.startswith("shop/boxes: every table of the warehouse has system columns of the")
    assert "names xmin, ctid. Declare the fields under other names" in message
    assert "xmin_value: {data_type: ..., aliases: [xmin]}" in message
    assert [row["id"] for row in pg.table(address, "shop/items")] == [1]
    renamed = {
        "id": "bigint", "oid": "text", "order": "text",
        "xmin_value": {"data_type": "bigint", "aliases": ["xmin"]},
        "ctid_value": {"data_type": "text", "aliases": ["ctid"]},
    }  # fmt: skip
    assert sync(api, renamed) == {}
    (row,) = pg.table(address, "shop/boxes")
    expected = {"xmin_value": 2, "ctid_value": "c", "oid": "o", "_extra": None}
    assert row.items() >= expected.items()


def test_duckdb_has_no_such_columns(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    assert sync(api, COLUMNS) == {}
    (row,) = duckdb_file.table(tmp_path / "w.duckdb", "shop/boxes")
    assert row.items() >= RECORD.items()
