"""Descriptions of a catalog file as comments of the warehouse, in DuckDB and PostgreSQL."""

from __future__ import annotations

import logging
from typing import Any

import psycopg2
import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = each_warehouse
HOSTILE = """it's "quoted" $$ $x$ \\' \\n %s %% ; -- /* é
second line'); DROP TABLE items; --"""


@pytest.fixture(autouse=True)
def items(api: Api) -> None:
    """One record."""
    api.on("/items", [{"id": 1, "a'b": "x"}])


def comments(warehouse: Warehouse) -> dict[str, str]:
    """The comments of ``items`` by column; that of the table has no name."""
    if warehouse.is_duckdb:
        sql = (
            "SELECT '', comment FROM duckdb_tables() WHERE table_name = 'items' UNION ALL "
            "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = 'items'"
        )
    else:
        sql = (
            "SELECT coalesce(a.attname, ''), d.description FROM pg_description d "
            "LEFT JOIN pg_attribute a ON a.attrelid = d.objoid AND a.attnum = d.objsubid "
            "AND a.attnum > 0 WHERE d.objoid = 'shop.items'::regclass"
        )
    return {name: text for name, text in warehouse.query(sql) if text is not None}


def sync(table: str | None, column: str | None, **keys: Any) -> None:
    """Load ``items`` with a description of the table, and one of the column ``v``."""
    described = {"data_type": "text"} | ({"description": column} if column else {})
    columns = {"id": "bigint", "v": described, "w": "text"}
    more = {"description": table} if table else {}
    with ReadRun(shop(item(**{"columns": columns, **more, **keys}))) as run:
        load(run, "run")
        assert not run.failures()


def test_descriptions_become_comments_and_follow_their_changes(warehouse: Warehouse) -> None:
    sync("All items.", "The value.")
    found = comments(warehouse)
    assert (found[""], found["v"]) == ("All items.", "The value.")
    assert found["_read_at"] == "When the API answered with this row"
    assert "id" not in found
    sync("All items.", "Another text.")
    assert comments(warehouse) == {**found, "v": "Another text."}


def test_a_hostile_description_is_a_text_and_nothing_else(warehouse: Warehouse) -> None:
    texts = {f"c{i}": text for i, text in enumerate([HOSTILE, "a\0b", "'", "\\", "%", " x "])}
    columns = {name: {"data_type": "text", "description": text} for name, text in texts.items()}
    sync(HOSTILE, None, columns={"id": "bigint", **columns})
    stored = {name: text.replace("\0", "").strip() for name, text in texts.items()}
    assert comments(warehouse).items() >= {"": HOSTILE, **stored}.items()


def test_a_comment_of_somebody_else_stays_where_nothing_is_described(warehouse: Warehouse) -> None:
    sync("All items.", None)
    warehouse.run("COMMENT ON COLUMN shop.items.w IS 'ask Ana'")
    warehouse.run("COMMENT ON TABLE shop.items IS 'overwritten'")
    sync("All items.", None)
    found = comments(warehouse)
    assert (found["w"], found[""]) == ("ask Ana", "All items.")


def test_equal_descriptions_change_nothing(warehouse: Warehouse) -> None:
    """Not even the comment is written again."""
    if warehouse.is_duckdb:
        pytest.skip("DuckDB has no trace of a comment that is written again")
    versions = (
        "SELECT objsubid, xmin::text FROM pg_description WHERE objoid = 'shop.items'::regclass"
    )
    sync(HOSTILE, HOSTILE)
    before = warehouse.query(versions)
    sync(HOSTILE, HOSTILE)
    assert len(before) > 2
    assert sorted(warehouse.query(versions)) == sorted(before)


@pytest.mark.slow
def test_a_comment_that_waits_for_a_lock_fails_no_load(
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    address = postgres.database()
    warehouse = Warehouse(address)
    warehouse.configure(monkeypatch)
    sync("All items.", None)
    caplog.set_level(logging.WARNING)
    with psycopg2.connect(address) as other, other.cursor() as cursor:
        cursor.execute("LOCK TABLE shop.items IN SHARE UPDATE EXCLUSIVE MODE")
        sync("Other text.", None)
        assert "the comments of its table are not set" in caplog.text
        other.rollback()
    sync("Other text.", None)
    assert comments(warehouse)[""] == "Other text."
