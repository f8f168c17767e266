"""Large tables of PostgreSQL: indexes of key and time, which no row and no declaration makes a load fail by."""

from __future__ import annotations

import logging
import secrets
from datetime import date
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
_ROWS = 9_000  # of a kilobyte: more than the least size of a table with an index


@pytest.fixture
def address(postgres: pg.Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    database = postgres.database()
    for name, value in pg.settings(database).items():
        monkeypatch.setenv(name, value)
    return database


def items(key: Any = "id") -> Source:
    columns = {"id": "text", "part": "bigint", "note": "text", "data": "json"}
    return shop(item(primary_key=key, columns=columns, deletes="none"))


def sync(
    api: Api,
    *records: dict[str, Any],
    source: Source | None = None,
    window: Window | None = None,
) -> Loaded:
    api.on("/items", list(records))
    with ReadRun(source or items(), window) as run:
        loaded = load(run, "once")
        assert run.failures() == {}
    return loaded


def grow(address: str) -> None:
    """Add rows beside the load, so that the table is large."""
    pg.run(
        address,
        "INSERT INTO shop.items (id, part, note, _dlt_load_id) SELECT 'old ' || n, 0, repeat('x', 1000), '1' "
        f"FROM generate_series(1, {_ROWS}) AS r (n)",
    )


def test_jsonb_orders_keys_anew_and_drops_the_sign_of_zero(api: Api, address: str) -> None:
    raw = b'[{"id": "a", "data": {"long": 1, "b": -0.0}}]'
    api.on("/items", lambda *_: (200, {"Content-Type": "application/json"}, raw))
    with ReadRun(items()) as run:
        load(run, "once")
    assert pg.query(address, "SELECT data::text FROM shop.items") == [('{"b": 0.0, "long": 1}',)]


def rows(address: str) -> dict[tuple[str, int], str]:
    found = pg.query(address, "SELECT id, part, note FROM shop.items WHERE id NOT LIKE 'old%'")
    return {(key, part): note for key, part, note in found}


def keys_of_index(address: str) -> list[str]:
    """The columns of our index, as PostgreSQL shows them."""
    sql = (
        "SELECT indexdef FROM pg_indexes WHERE schemaname = 'shop' AND indexname = '_key_of_items'"
    )
    return [definition.partition("(")[2].rstrip(")") for (definition,) in pg.query(address, sql)]


def is_proven(key: str) -> bool:
    """Whether the check of the key needs no look at the rows."""
    with open_warehouse("shop") as warehouse:
        return warehouse.proves_unique("items", [key])


def record(key: str, note: str, part: int = 1) -> dict[str, Any]:
    return {"id": key, "part": part, "note": note, "data": {"a": [1, None]}}


def test_a_large_table_gets_an_index_of_its_key_and_merges_by_it(api: Api, address: str) -> None:
    sync(api, record("a", "1"), record("b", "1"))
    assert keys_of_index(address) == []
    assert not is_proven("id")
    grow(address)
    sync(api, record("a", "2"))
    assert keys_of_index(address) == ["id"]
    assert is_proven("id")
    loaded = sync(api, record("a", "3"), record("c", "3"), record("old 7", "3"))
    assert (loaded.merges["items"].inserted, loaded.merges["items"].replaced) == (1, 2)
    assert rows(address) == {("a", 1): "3", ("b", 1): "1", ("c", 1): "3"}
    assert pg.query(address, "SELECT count(*) FROM shop.items") == [(_ROWS + 3,)]


def test_a_large_table_that_is_read_by_window_gets_an_index_of_its_time(
    api: Api, address: str
) -> None:
    incremental = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    columns = {"id": "text", "part": "bigint", "note": "text", "at": "timestamp"}
    source = shop(item({"incremental": incremental}, columns=columns, deletes="none"))
    index = "SELECT indexdef FROM pg_indexes WHERE indexname = '_time_of_items'"
    day = day_window(date(2024, 5, 1), date(2024, 5, 2))
    made = {"id": "a", "part": 1, "at": "2024-05-01T10:00:00Z"}
    sync(api, {**made, "note": "1"}, source=source, window=day)
    assert pg.query(address, index) == []
    grow(address)
    for note in ("2", "3"):  # it is made once
        sync(api, {**made, "note": note}, source=source, window=day)
        ((definition,),) = pg.query(address, index)
        assert "USING brin (at)" in definition
    assert rows(address) == {("a", 1): "3"}


def test_a_key_that_no_index_takes_is_loaded_without_one(api: Api, address: str) -> None:
    sync(api, record("a", "1"))
    grow(address)
    sync(api, record("a", "2"))
    assert keys_of_index(address) == ["id"]
    long = secrets.token_hex(4_000)
    for note in ("3", "4"):
        sync(api, record("a", note), record(long, note))
        assert rows(address) == {("a", 1): note, (long, 1): note}
        assert keys_of_index(address) == []


@pytest.mark.slow
def test_another_key_takes_another_index(api: Api, address: str) -> None:
    sync(api, record("a", "1"))
    grow(address)
    sync(api, record("a", "2"))
    longer = items(["id", "part"])
    sync(api, record("a", "3"), record("a", "3", part=2), source=longer)
    assert rows(address) == {("a", 1): "3", ("a", 2): "3"}
    assert keys_of_index(address) == ["id, part"]
    assert not is_proven("id")


@pytest.mark.slow
def test_rows_that_share_a_key_prevent_the_index_and_no_load(
    api: Api, address: str, caplog: pytest.LogCaptureFixture
) -> None:
    sync(api, record("a", "1"))
    grow(address)
    pg.run(address, "INSERT INTO shop.items SELECT * FROM shop.items WHERE id = 'old 1'")
    with caplog.at_level(logging.WARNING):
        sync(api, record("a", "2"))
    assert "shop.items: several rows have the same key" in caplog.text
    assert keys_of_index(address) == []
    assert not is_proven("id")
    assert rows(address) == {("a", 1): "2"}


def test_a_table_with_json_columns_keeps_them_and_a_new_one_has_jsonb(
    api: Api, address: str
) -> None:
    sync(api, record("a", "1"))
    types = (
        "SELECT DISTINCT data_type FROM information_schema.columns "
        "WHERE table_schema = 'shop' AND column_name IN ('data', '_extra')"
    )
    assert pg.query(address, types) == [("jsonb",)]
    for column in ("data", "_extra"):  # as an earlier version made them
        pg.run(address, f"ALTER TABLE shop.items ALTER COLUMN {column} TYPE json")
    sync(api, record("a", "2"), {**record("b", "2"), "more": "\u0000"})
    assert pg.query(address, types) == [("json",)]
    found = pg.query(address, "SELECT id, data::text, _extra::text FROM shop.items ORDER BY id")
    assert found == [("a", '{"a":[1,null]}', None), ("b", '{"a":[1,null]}', '{"more":"\\\\u0000"}')]
