"""PostgreSQL beside people: their open transactions block no other reader behind a change of a table."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg2
import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients import lock_wait, staging
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.scripted_api import Api, first_line, item, shop, shop_api

api = shop_api
WAIT = "ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE"
ADDED = {"id": "bigint", "v": "bigint", "w": "text"}
WIDENED = {"id": "bigint", "v": "text"}
CHANGES = ("added", "widened")
SLOW = pytest.mark.slow


@pytest.fixture
def address(postgres: pg.Postgres, api: Api, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with one row in ``shop.items`` and in ``shop.others``."""
    address = postgres.database()
    for name, value in pg.settings(address).items():
        monkeypatch.setenv(name, value)
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute("DROP ROLE IF EXISTS ana; CREATE ROLE ana SUPERUSER LOGIN")
    api.on("/items", [{"id": 1, "v": 5}], [{"id": 1, "v": 5}, {"id": 2, "v": 6, "w": "new"}])
    api.on("/others", [{"id": 1}])
    sync({"id": "bigint", "v": "bigint"})
    return address


def sync(columns: dict[str, Any]) -> dict[str, Exception]:
    """Load ``items`` with these columns, and ``others``; the failures."""
    with ReadRun(shop(item(columns=columns), item(name="others"))) as run:
        load(run, "run")
        return run.failures()


@contextmanager
def analyst(address: str, *statements: str) -> Iterator[int]:
    """A transaction that is open, and idle, after these statements; the process of its session."""
    session = psycopg2.connect(address, user="ana", application_name="notebook of Ana")
    try:
        with session.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
        yield session.info.backend_pid
        session.rollback()
    finally:
        session.close()


def read_as_a_third_session(address: str) -> int:
    """The number of rows of ``items``; an error after three seconds of waiting."""
    with (
        psycopg2.connect(address, options="-c lock_timeout=3s") as reader,
        reader.cursor() as cursor,
    ):
        cursor.execute("SELECT count(*) FROM shop.items")
        ((count,),) = cursor.fetchall()
    return int(count)


@pytest.mark.parametrize("columns", [ADDED, pytest.param(WIDENED, marks=SLOW)], ids=CHANGES)
def test_readers_pass_while_a_change_waits_for_an_open_transaction(
    address: str, columns: dict[str, Any], caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(lock_wait, "_FIRST_LINE", 0.0)
    caplog.set_level(logging.WARNING)
    failures = []
    with analyst(address, "SELECT count(*) FROM shop.items", "SELECT 1 FROM shop.others") as pid:
        run = threading.Thread(target=lambda: failures.append(sync(columns)))
        run.start()
        while "is in use by" not in caplog.text:
            assert run.is_alive()
            time.sleep(0.01)
        for _ in range(20):  # the change tries again meanwhile
            assert read_as_a_third_session(address) == 1
            time.sleep(0.05)
        assert run.is_alive()
        assert f"pid {pid} (user ana" in caplog.text
    run.join()
    assert failures == [{}]
    assert "application 'notebook of Ana', idle in transaction, transaction since 20" in caplog.text
    assert ") on items: waiting" in caplog.text
    assert {row["id"] for row in pg.table(address, "shop/items")} == {1, 2}


@pytest.mark.parametrize("columns", [pytest.param(ADDED, marks=SLOW), WIDENED], ids=CHANGES)
def test_when_the_time_is_up_the_first_line_names_the_session(
    address: str, columns: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAIT, "0.5")
    before = pg.table(address, "shop/items")
    with analyst(address, "SELECT count(*) FROM shop.items") as pid:
        try:
            message = first_line(sync(columns)["items"])
        except LoadError as e:
            message = first_line(e)
        assert read_as_a_third_session(address) == 1
    assert message.startswith("shop")
    assert f"table items of shop must be changed, and is in use by pid {pid} (user ana, " in message
    for words in ("'notebook of Ana'", "last query at 20", "pg_terminate_backend", WAIT):
        assert words in message
    assert pg.table(address, "shop/items") == before
    assert sync(columns) == {}


def test_a_load_without_a_change_of_tables_waits_for_nobody(address: str) -> None:
    with analyst(address, "SELECT count(*) FROM shop.items"):
        assert sync({"id": "bigint", "v": "bigint"}) == {}
        assert read_as_a_third_session(address) == 2


@SLOW
def test_a_staging_dataset_that_somebody_looks_at_stops_no_load(
    address: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup that runs, for instance. The load after it drops the dataset."""
    monkeypatch.setattr(staging, "_WAIT", 0.5)
    left = f"shop_staging_{'a' * 16}"
    with psycopg2.connect(address) as other, other.cursor() as cursor:
        cursor.execute(f"CREATE SCHEMA {left}; CREATE TABLE {left}.items (id int)")
    with analyst(address, f"SELECT count(*) FROM {left}.items") as pid:
        assert sync({"id": "bigint", "v": "bigint"}) == {}
    assert f"{left}, left by a killed run, cannot be dropped" in caplog.text
    assert f"pid {pid}" in caplog.text
    assert sync({"id": "bigint", "v": "bigint"}) == {}
    schemas = pg.query(address, "SELECT nspname FROM pg_namespace")
    assert (left,) not in schemas


@SLOW
def test_an_autovacuum_in_the_way_is_ended(postgres: pg.Postgres, address: str) -> None:
    """PostgreSQL ends it only for a session that has waited for ``deadlock_timeout``."""
    slow = "autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1"
    always = "autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0"
    postgres.sql("ALTER SYSTEM SET autovacuum_naptime = '1s'", "SELECT pg_reload_conf()")
    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute(
            "INSERT INTO shop.items (id, v, _dlt_load_id) "
            "SELECT g, g, 'x' FROM generate_series(10, 60000) AS g"
        )
        cursor.execute("DELETE FROM shop.items WHERE id > 10 AND id % 2 = 0")
        cursor.execute(f"ALTER TABLE shop.items SET ({slow}, {always})")
    running = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'autovacuum: VACUUM%shop.items%'"
    while not pg.query(address, running):
        time.sleep(0.05)
    assert sync(ADDED) == {}
    postgres.sql("ALTER SYSTEM RESET autovacuum_naptime", "SELECT pg_reload_conf()")
