"""A DuckDB file from elsewhere: its macros and views change no load, and read nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
from dlt.common.schema import Schema

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients.destination import make_destination
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api

SOURCE = shop(
    item(columns={"id": "bigint", "v": "text", "n": "double"}),
    item(name="words", columns={"id": "text", "v": "text"}),
)
# Each takes the place of a function of DuckDB's own for whoever has ``main`` in the search path.
MACROS = (
    "count(x) AS 99",
    "count_star() AS 99",
    "greatest(x, y) AS TIMESTAMPTZ '1970-01-01'",
    "get_current_timestamp() AS TIMESTAMPTZ '1970-01-01'",
    "abs(x) AS 99",
    "round(x) AS 99",
    "strpos(x, y) AS 0",
    "rtrim(x, y) AS 'x'",
    '"+"(x, y) AS 99',
    '"~~"(x, y) AS false',
    "current_database() AS 'other'",
    "read_parquet(file) AS TABLE SELECT 5 AS id",
    "duckdb_columns() AS TABLE SELECT 'x' AS table_name",
    "duckdb_views() AS TABLE SELECT 'x' AS view_name",
    "duckdb_databases() AS TABLE SELECT 'other' AS database_name, false AS internal",
)
NOTHING_SENT = "is where the table should be. Rename or drop it, then run again: nothing was sent"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The DuckDB file of the settings; it does not exist yet."""
    path = tmp_path / "depot.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    return path


def sync(api: Api, number: int = 1) -> dict[str, str]:
    """Load the items 1 and ``number``; the messages of the failed resources."""
    api.on("/items", [{"id": i, "v": f"of {number}", "n": 0.5} for i in {1, number}])
    api.on("/words", [{"id": f"w{number}", "v": "x"}])
    with ReadRun(SOURCE) as run:
        load(run, "run")
        return {name: str(error) for name, error in run.failures().items()}


def rows(file: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file)) as connection:
        connection.execute("SET search_path = 'system.main'")
        return connection.execute(
            f"SELECT id, v, _deleted_at IS NULL FROM {file.stem}.shop.items ORDER BY id"
        ).fetchall()


def plant(file: Path, *statements: str) -> None:
    with duckdb.connect(str(file)) as connection:
        for statement in ("CREATE SCHEMA IF NOT EXISTS shop", *statements):
            connection.execute(statement)


@pytest.mark.parametrize("schema", ["main", "shop"])
def test_macros_change_nothing(file: Path, api: Api, tmp_path: Path, schema: str) -> None:
    plant(file, *(f"CREATE MACRO {schema}.{macro}" for macro in MACROS))
    for number in (1, 2, 3):
        assert not sync(api, number)
    assert rows(file) == [(1, "of 3", True), (2, "of 2", False), (3, "of 3", True)]
    home = make_dagster_home(tmp_path / "dagster")
    result = run_in_dagster(home, {"shop": SOURCE}, ["shop/items", "shop/words"])
    assert result.success
    checks = result.get_asset_check_evaluations()
    assert len(checks) == 12
    assert all(check.passed for check in checks)
    with open_warehouse("shop") as warehouse:
        assert warehouse.row(f"SELECT count(*), abs(-1) FROM {warehouse.table('items')}") == (3, 1)


def test_a_view_in_the_place_of_a_table_fails_its_resource(
    file: Path, api: Api, tmp_path: Path
) -> None:
    secret = tmp_path / "secrets.toml"
    secret.write_text("s3cretword")
    plant(file, f"CREATE VIEW shop.items AS SELECT content AS id FROM read_text('{secret}')")
    assert sync(api) == {"items": f"shop/items: view items {NOTHING_SENT} to it."}
    assert len(duckdb_rows(file, "SELECT * FROM shop.words")) == 1
    home = make_dagster_home(tmp_path / "dagster")
    result = run_in_dagster(home, {"shop": SOURCE}, ["shop/items", "shop/words"])
    assert "s3cretword" not in repr(result.all_events)


def duckdb_rows(file: Path, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file)) as connection:
        return connection.execute(sql).fetchall()


@pytest.mark.parametrize("name", ["_rejected", "_dlt_version", "_dlt_loads"])
def test_nothing_loads_beside_a_view_in_the_place_of_a_table_of_dlt(
    file: Path, api: Api, name: str
) -> None:
    plant(file, f"CREATE VIEW shop.{name} AS SELECT 'x' AS resource")
    with pytest.raises(LoadError, match=rf"^shop: view {name} {NOTHING_SENT}"):
        sync(api)


def outside(file: Path) -> list[str]:
    """Statements that reach beyond the warehouse and the folder of a load."""
    return [
        f"SELECT * FROM read_text('{__file__}')",
        f"COPY (SELECT 1 AS a) TO '{file.parent / 'x.csv'}'",
        f"ATTACH '{file.parent / 'other.duckdb'}'",
        "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET GLOBAL enable_external_access = true",
        "SET GLOBAL allowed_directories = ['/']",
    ]


OPENED: dict[str, Callable[[Path], Path | None]] = {
    "for checks": lambda _: None,
    "for a load": lambda folder: folder,
}


@pytest.mark.parametrize("opened", OPENED)
def test_duckdb_reaches_nothing_outside(file: Path, tmp_path: Path, opened: str) -> None:
    folder = tmp_path / "load"
    folder.mkdir()
    duckdb.sql("SELECT 7 AS a").write_parquet(str(folder / "x.parquet"))
    destination = make_destination("run", OPENED[opened](folder))
    config = destination.spec()
    config.dataset_name = "shop"
    with destination.client(Schema("shop"), config) as job_client:
        client = job_client.sql_client
        settings = "('autoinstall_known_extensions', 'autoload_known_extensions')"
        values = client.execute_sql(
            f"SELECT DISTINCT value FROM system.main.duckdb_settings() WHERE name IN {settings}"
        )
        assert values == [("false",)]
        for statement in outside(file):
            with pytest.raises(Exception, match=r"disabled|Cannot"):
                client.execute_sql(statement)
        own = f"SELECT a FROM read_parquet('{folder / 'x.parquet'}')"
        if opened == "for a load":
            assert client.execute_sql(own) == [(7,)]
        else:
            with pytest.raises(Exception, match="disabled"):
                client.execute_sql(own)


def test_a_file_may_have_the_name_of_the_source(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB would find ``shop.items`` ambiguous: a schema and a database have this name."""
    file = tmp_path / "shop.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    for number in (1, 2):
        assert not sync(api, number)
    assert rows(file) == [(1, "of 2", True), (2, "of 2", True)]
    with open_warehouse("shop") as warehouse:
        assert warehouse.row(f"SELECT count(*) FROM {warehouse.table('items')}") == (2,)
