"""MariaDB: the sessions of loads, their locks, and what follows when a session ends."""

from __future__ import annotations

import threading
import time
from contextlib import closing, suppress
from typing import Any

import pytest
from dlt.destinations.exceptions import DatabaseException, DatabaseTransientException

from analytics_sync.common.stopping import Stop
from analytics_sync.load.sharing.locks import lock_dataset, open_dataset
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.load.test_mariadb import address as shop_address
from analytics_sync_tests.load.test_mariadb import sync
from analytics_sync_tests.support.mariadb_server import MariaDb, connected, query
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api, address = shop_api, shop_address
pytestmark = pytest.mark.slow


def test_a_session_tells_texts_apart_that_a_statement_makes(api: Api, address: str) -> None:
    """Keys of parents are made so. SQLAlchemy sets the collation of a session back to the server's own."""
    ids = {"a", "A", "a "}
    api.on("/items", [{"id": i} for i in ids])
    sync(shop(item(columns={"id": "text"})))
    with open_warehouse("shop") as warehouse:
        sql = f"SELECT DISTINCT CAST(id AS VARCHAR) FROM {warehouse.table('items')}"
        assert {text for (text,) in warehouse.rows(sql)} == ids


def test_one_load_into_a_dataset_at_a_time_however_long_it_is_idle(api: Api, address: str) -> None:
    """The session of a lock has no statement to send: the server would end it after a second."""
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    done: list[str] = []
    with open_dataset("shop", "holding the lock") as (job_client, _):
        assert job_client is not None
        lock_dataset(job_client.sql_client, "shop")
        other = threading.Thread(target=lambda: (sync(), done.append("loaded")))  # type: ignore[func-returns-value]
        other.start()
        time.sleep(3)
        assert not done
        assert job_client.sql_client.execute_sql("SELECT 1") == ((1,),)
    other.join()
    assert done == ["loaded"]


def test_a_stop_ends_a_statement_that_runs(api: Api, address: str) -> None:
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    stop, began, ended = Stop(), threading.Event(), threading.Event()

    def work() -> None:
        with open_dataset("shop", "waiting", stop) as (job_client, _):
            assert job_client is not None
            began.set()
            with suppress(DatabaseException):
                job_client.sql_client.execute_sql("SELECT sleep(1000)")
            ended.set()

    thread = threading.Thread(target=work)
    thread.start()
    began.wait()
    stop.end(thread)
    assert ended.is_set()


def test_a_merge_whose_session_ends_is_done_again(api: Api, address: str, mariadb: MariaDb) -> None:
    api.on("/items", [{"id": 1, "v": "a"}], [{"id": 1, "v": "b"}])
    sync()
    done: list[str] = []
    with connected(address) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM shop.items FOR UPDATE")
        load_ = threading.Thread(target=lambda: (sync(), done.append("loaded")))  # type: ignore[func-returns-value]
        load_.start()
        mariadb.run(f"KILL CONNECTION {waiting_merge(mariadb, load_)}")
        reader.execute("ROLLBACK")
    load_.join()
    assert done == ["loaded"]
    assert query(address, "SELECT id, v FROM shop.items") == [(1, "b")]


def test_a_lock_that_is_lost_with_its_session_does_not_hide_why(
    api: Api, address: str, mariadb: MariaDb
) -> None:
    """dlt tries a job again after a lost session, and not after an error of another kind."""
    api.on("/items", [{"id": 1, "v": "a"}])
    sync()
    with open_dataset("shop", "merging") as (job_client, _):
        assert job_client is not None
        client = job_client.sql_client
        session = client.driver.thread_id()
        with pytest.raises(DatabaseTransientException), client.alone("items"):
            kill_and_send(mariadb, session, client)


def kill_and_send(server: MariaDb, session: int, client: Any) -> None:
    """End the session of a client, and send a statement over it."""
    server.run(f"KILL CONNECTION {session}")
    client.execute_sql("SELECT 1")


def waiting_merge(server: MariaDb, load_: threading.Thread) -> int:
    """The session of the merge that waits for the rows of a reader."""
    while load_.is_alive():
        with closing(server.connect()) as connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, info FROM information_schema.processlist")
            for session, statement in cursor.fetchall():
                if (statement or "").startswith("DELETE /* older versions */"):
                    return int(session)
        time.sleep(0.05)
    raise AssertionError("the load ended without a merge")
