"""A signal stops a run: while it reads, in a wait, in a slow body, in a load, and before a lock.

The processes are real. Each case says in which place the signal finds the run.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import psycopg2
import pytest
from dagster import DagsterRunStatus
from filelock import FileLock

from analytics_sync_tests.support import postgres_server as pg
from analytics_sync_tests.support.postgres_server import Postgres
from analytics_sync_tests.support.scripted_api import Api, serve
from analytics_sync_tests.support.slow_server import FORMS, serve_slowly
from analytics_sync_tests.support.stopped_runs import Ended, StoppedRuns


@pytest.fixture
def api() -> Iterator[Api]:
    with serve() as api:
        yield api


def assert_canceled(ended: Ended) -> None:
    assert ended.run.status == DagsterRunStatus.CANCELED, ended.output[-3000:]


def after(is_there: Callable[[], bool], seconds: float) -> Callable[[], bool]:
    """The sign, some time after it was there first: the run is in the middle then."""
    first: list[float] = []

    def is_there_for_long() -> bool:
        if is_there() and not first:
            first.append(time.monotonic())
        return bool(first) and time.monotonic() > first[0] + seconds

    return is_there_for_long


def page(number: int, rows: int = 10) -> dict[str, object]:
    return {"data": [{"id": f"{number}-{i}", "v": "x"} for i in range(rows)]}


def test_a_signal_stops_a_wait(tmp_path: Path, api: Api) -> None:
    api.on("/items", page(1), (429, {"Retry-After": "600"}, {}))
    runs = StoppedRuns(tmp_path, api.url)
    waits = after(lambda: len(api.seen) > 1, 0.3)
    ended = runs.stop(waits, signal.SIGINT, "analytics_sync.cli", "run", "shop")
    assert_canceled(ended)
    assert "shop/items: 429: waiting 600 s" in ended.output
    assert "failed: the run was canceled." in ended.output
    assert "Traceback" not in ended.output
    assert ended.status == 1
    assert not runs.warehouse.exists() or not tables(runs.warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_wait_between_two_attempts(
    tmp_path: Path, api: Api, sent: signal.Signals
) -> None:
    api.on("/items", (503, {}, {}))
    runs = StoppedRuns(tmp_path, api.url)
    shop = tmp_path / "catalog" / "shop.yaml"
    shop.write_text(
        shop.read_text().replace("items, data", "items, error_handler: {max_retries: 0}, data")
    )
    runs.environment["ANALYTICS_SYNC__RETRY_SECONDS"] = "600"
    tags = '{"dagster/schedule_name": "daily_shop"}'
    job = ("dagster", "job", "execute", "-j", "sync_shop", "--tags", tags)
    waits = after(lambda: "read again in 600 s, as retry 1 of 2" in runs.output(), 0.5)
    ended = runs.stop(waits, sent, *job, "-m", "analytics_sync.definitions")
    assert_canceled(ended)
    assert len(api.seen) == 1, "no second attempt"
    assert "shop: canceled." in ended.output


@pytest.mark.slow
def test_the_other_steps_of_a_canceled_run_do_not_begin(tmp_path: Path, api: Api) -> None:
    api.on("/*", (429, {"Retry-After": "600"}, {}))
    runs = StoppedRuns(tmp_path, api.url)
    shop = (tmp_path / "catalog" / "shop.yaml").read_text()
    other = shop.replace("source: shop", "source: other").replace("path: items", "path: others")
    (tmp_path / "catalog" / "other.yaml").write_text(other)
    runs.environment["SOURCES__OTHER__BASE_URL"] = api.url
    waits = after(lambda: bool(api.seen), 0.3)
    ended = runs.stop(waits, signal.SIGTERM, "analytics_sync.cli", "run", "shop,other")
    assert_canceled(ended)
    assert len(api.seen) == 1
    assert sum("canceled. Nothing" in line for line in ended.output.splitlines()) == 1


@pytest.mark.slow
def test_the_run_after_a_canceled_one_uses_its_journal(tmp_path: Path, api: Api) -> None:
    def answer(_: str, query: dict[str, str], __: object) -> object:
        number = int(query["page"])
        if number == 61 and not is_over:
            return 429, {"Retry-After": "600"}, {}
        return page(number) if number <= 70 else {"data": []}

    is_over: list[bool] = []
    api.on("/items", answer)
    runs = StoppedRuns(tmp_path, api.url)
    assert_canceled(runs.stop(after(lambda: any(q["page"] == "61" for q in api.queries()), 0.5)))
    is_over.append(True)
    assert runs.start().wait(60) == 0, runs.output()
    assert [q["page"] for q in api.queries()].count("55") == 1, "the journal is used"
    with duckdb.connect(str(runs.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM shop.items").fetchall() == [(700,)]


def tables(file: Path) -> list[tuple[str, str]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE estimated_size > 0"
        ).fetchall()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.slow
def test_a_signal_stops_between_pages(tmp_path: Path, api: Api, sent: signal.Signals) -> None:
    def answer(_: str, query: dict[str, str], __: object) -> object:
        time.sleep(0.2)
        return page(int(query["page"]))

    api.on("/items", answer)
    runs = StoppedRuns(tmp_path, api.url)
    assert_canceled(runs.stop(lambda: len(api.seen) > 8, sent))


@pytest.mark.slow
@pytest.mark.parametrize("form", ["silence", "body with a length", "small chunks", "header lines"])
def test_a_signal_stops_a_slow_response(tmp_path: Path, form: str) -> None:
    with serve_slowly(FORMS[form]) as server:
        runs = StoppedRuns(tmp_path, server.url())
        ended = runs.stop(after(lambda: server.requests > 0, 1))
        assert_canceled(ended)
        assert not server.has_given_up


@pytest.mark.slow
def test_a_signal_stops_the_wait_for_another_run(tmp_path: Path, api: Api) -> None:
    api.on("/items", lambda _, query, __: page(1) if query["page"] == "1" else {"data": []})
    runs = StoppedRuns(tmp_path, api.url)
    with FileLock(f"{runs.warehouse}.lock"):
        ended = runs.stop(lambda: "waiting for the lock of the warehouse" in runs.output())
    assert_canceled(ended)


@pytest.mark.slow
def test_a_signal_stops_a_merge_in_duckdb(tmp_path: Path, api: Api) -> None:
    wide = "x" * 600

    def answer(_: str, query: dict[str, str], __: object) -> object:
        number = int(query["page"])
        rows = [{"id": f"{number}-{i}", "v": f"{wide}{i}{number}"} for i in range(1000)]
        return {"data": rows if number <= 400 else []}

    api.on("/items", answer)
    runs = StoppedRuns(tmp_path, api.url)
    ended = runs.stop(after(lambda: "shop: loading" in runs.output(), 1.0))
    assert_canceled(ended)
    assert "shop: loaded" not in ended.output
    assert ("shop", "items") not in tables(runs.warehouse)


@pytest.mark.slow
@pytest.mark.parametrize("statement", ["merge", "lock"])
def test_a_signal_stops_a_statement_in_postgresql(
    tmp_path: Path, api: Api, postgres: Postgres, statement: str
) -> None:
    api.on("/items", lambda _, query, __: page(1) if query["page"] == "1" else {"data": []})
    address = postgres.database()
    runs = StoppedRuns(tmp_path, api.url, pg.settings(address))
    assert runs.start().wait(60) == 0, runs.output()
    with closing(psycopg2.connect(address)) as connection, connection.cursor() as cursor:
        if statement == "merge":
            cursor.execute("LOCK TABLE shop.items IN SHARE MODE")
            ended = runs.stop(after(lambda: "shop: loading" in runs.output(), 1.0))
        else:
            cursor.execute(
                "SELECT pg_advisory_lock(hashtextextended('analytics_sync shop'::text, 0::int8))"
            )
            ended = runs.stop(lambda: "waiting for the lock of the warehouse" in runs.output())
    assert_canceled(ended)
    staging = (
        "SELECT schema_name FROM information_schema.schemata WHERE schema_name LIKE '%staging%'"
    )
    assert pg.query(address, staging) == []
