"""Tables with write disposition replace, ids of loads, and merges that need more memory."""

from __future__ import annotations

import os
import resource as limits
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
ASSET = "shop/items"
Warehouse = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A new DuckDB file as the destination: a function that returns its rows."""
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    return lambda: duckdb_file.table(file, ASSET)


@pytest.fixture
def address(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """Address of a new PostgreSQL database, which is the destination."""
    database = postgres.database()
    monkeypatch.setenv("ANALYTICS_SYNC__DESTINATION", "postgres")
    monkeypatch.setenv("DESTINATION__POSTGRES__CREDENTIALS", database)
    return database


def sync(disposition: str = "replace") -> None:
    """Read and load the item."""
    declared = item(columns={"id": "bigint", "v": "text"}, write_disposition=disposition)
    with ReadRun(shop(declared)) as run:
        load(run, "run")
        assert not run.failures(), run.failures()


def ids(found: list[dict[str, Any]]) -> list[int]:
    """Sorted ids of rows."""
    return sorted(row["id"] for row in found)


@contextmanager
def no_file_may_grow() -> Iterator[None]:
    """No file may grow inside the block, as on a full disk."""
    old = limits.getrlimit(limits.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits.setrlimit(limits.RLIMIT_FSIZE, (512, old[1]))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_row_that_is_no_longer_served_is_removed(api: Api, rows: Warehouse) -> None:
    api.on(
        "/items",
        [{"id": n, "v": "old"} for n in (1, 2, 3)],
        [{"id": n, "v": "new"} for n in (2, 4)],
    )
    sync()
    assert ids(rows()) == [1, 2, 3]
    sync()
    assert ids(rows()) == [2, 4]
    assert {row["v"] for row in rows()} == {"new"}


def test_a_replacement_that_fails_leaves_the_table_as_it_was(api: Api, rows: Warehouse) -> None:
    api.on("/items", [{"id": n} for n in (1, 2, 3)], [{"id": 4}])
    sync()
    with no_file_may_grow(), pytest.raises(LoadError):
        sync()
    assert ids(rows()) == [1, 2, 3]
    sync()
    assert ids(rows()) == [4]


def test_a_replacement_that_fails_in_postgres_leaves_the_table_as_it_was(
    api: Api, address: str
) -> None:
    api.on("/items", [{"id": n} for n in (1, 2, 3)], [{"id": 4}])
    sync()
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'not today'; END $$; "
            "CREATE TRIGGER no BEFORE INSERT ON shop.items EXECUTE FUNCTION no()"
        )
    with pytest.raises(LoadError, match="not today"):
        sync()
    assert ids(pg.table(address, ASSET)) == [1, 2, 3]
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute("DROP TRIGGER no ON shop.items")
    sync()
    assert ids(pg.table(address, ASSET)) == [4]


@pytest.mark.parametrize("count", [3, 300])  # the buffer writes 300 rows to a file, which is loaded
def test_each_row_has_the_id_of_its_load(api: Api, rows: Warehouse, count: int) -> None:
    api.on("/items", [{"id": n, "v": "x" * 100_000} for n in range(count)])
    file = os.environ["DESTINATION__DUCKDB__CREDENTIALS"]
    for _ in range(2):
        sync("merge")
        with duckdb.connect(file, read_only=True) as warehouse:
            (last,) = warehouse.execute(
                "SELECT load_id FROM shop._dlt_loads ORDER BY inserted_at DESC LIMIT 1"
            ).fetchall()
        assert len(rows()) == count
        assert {row["_dlt_load_id"] for row in rows()} == set(last)


@pytest.mark.parametrize("count", [3, 300])
def test_load_ids_may_be_left_out(
    api: Api, rows: Warehouse, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A setting of dlt leaves the column out."""
    monkeypatch.setenv("NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID", "false")
    api.on("/items", [{"id": n, "v": "x" * 100_000} for n in range(count)])
    sync("merge")
    assert ids(rows()) == [*range(count)]
    assert "_dlt_load_id" not in rows()[0]


@pytest.mark.slow
def test_a_merge_gets_the_memory_it_needs(api: Api, rows: Warehouse, tmp_path: Path) -> None:
    """Three texts of 60 MB exceed the memory limit that a merge begins with."""
    api.on("/items", [{"id": n, "v": str(n) * 60_000_000} for n in range(3)])
    sync("merge")
    with duckdb.connect(str(tmp_path / "w.duckdb"), read_only=True) as file:
        found = file.execute("SELECT id, length(v) FROM shop.items ORDER BY id").fetchall()
    assert found == [(n, 60_000_000) for n in range(3)]
