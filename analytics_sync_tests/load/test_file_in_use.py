"""A DuckDB file that another program, or another connection of this process, has open."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pytest

from analytics_sync import cli
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.clients import lock_wait
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync.load.sharing.duckdb_holder import holder
from analytics_sync.load.sharing.locks import warehouse_lock
from analytics_sync.load.warehouse import open_warehouse
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.file_holder import held, looked_at
from analytics_sync_tests.support.scripted_api import Api, first_line, item, shop, shop_api
from analytics_sync_tests.support.world import ROOT

api = shop_api
WAIT = "ANALYTICS_SYNC__WAIT_FOR_WAREHOUSE"


@pytest.fixture
def file(tmp_path: Path, api: Api, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse with one row."""
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    api.on("/items", [{"id": 1}], [{"id": 1}, {"id": 2}])
    sync()
    return file


def sync() -> None:
    """Load ``items``."""
    with ReadRun(shop(item())) as run:
        load(run, "run")
        assert not run.failures()


def ids(file: Path) -> list[int]:
    """The keys in the table."""
    return [row["id"] for row in duckdb_file.table(file, "shop/items", order_by=["id"])]


@contextmanager
def read_only_here(file: Path) -> Iterator[None]:
    with closing(duckdb.connect(str(file), read_only=True)):
        yield


@contextmanager
def attached_here(file: Path) -> Iterator[None]:
    with closing(duckdb.connect()) as connection:
        connection.execute(f"ATTACH '{file}' AS other")
        yield


@contextmanager
def left_by_a_load(file: Path) -> Iterator[None]:
    """A connection that was there during an earlier load: some settings can be set once only."""
    with closing(duckdb.connect(str(file))) as connection:
        connection.execute("SET enable_external_access = false")
        yield


SLOW = pytest.mark.slow
HOLDERS: dict[str, Callable[[Path], AbstractContextManager[object]]] = {
    "a reader": held,
    "a writer": lambda file: held(file, read_only=False),
    "a reader of this process": read_only_here,
    "a database of this process": attached_here,
    "a connection of this process": left_by_a_load,
}


def kinds(*default: str) -> list[Any]:
    """All kinds of holders; those that are not named are left to the longer suite."""
    return [pytest.param(kind, marks=() if kind in default else SLOW) for kind in HOLDERS]


@pytest.mark.parametrize("kind", kinds("a reader", "a connection of this process"))
def test_a_load_waits_for_the_holder(
    file: Path,
    api: Api,
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It has requested nothing yet. The log names the holder."""
    monkeypatch.setattr(lock_wait, "_FIRST_LINE", 0.0)
    caplog.set_level(logging.WARNING)
    requests = len(api.seen)
    with HOLDERS[kind](file) as process:
        run = threading.Thread(target=sync)
        run.start()
        pid = process.pid if isinstance(process, subprocess.Popen) else os.getpid()
        while f"(PID {pid})" not in caplog.text:
            assert run.is_alive()
            time.sleep(0.01)
        assert len(api.seen) == requests
    run.join()
    assert f"the warehouse {file} is in use by" in caplog.text
    assert ids(file) == [1, 2]


def test_a_load_reads_while_another_run_has_the_file(file: Path, api: Api) -> None:
    requests = len(api.seen)
    with warehouse_lock():
        run = threading.Thread(target=sync)
        run.start()
        while len(api.seen) == requests:
            assert run.is_alive()
            time.sleep(0.01)
        assert run.is_alive()
    run.join()
    assert ids(file) == [1, 2]


@pytest.mark.parametrize("kind", kinds("a writer"))
def test_when_the_time_is_up_the_first_line_names_the_holder(
    file: Path, api: Api, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WAIT, "0.2")
    requests = len(api.seen)
    with HOLDERS[kind](file) as process, pytest.raises(LoadError) as caught:
        sync()
    message = first_line(caught.value)
    pid = process.pid if isinstance(process, subprocess.Popen) else os.getpid()
    assert message.startswith(f"the warehouse {file} is in use by ")
    assert f"(PID {pid})" in message
    assert ("python" in message) is isinstance(process, subprocess.Popen)
    for words in ("Close it there, then run again", "ANALYTICS_SYNC__READ_COPY", WAIT):
        assert words in message
    assert ids(file) == [1]
    sync()
    assert ids(file) == [1, 2]
    assert len(api.seen) == requests + 1


def test_a_reader_that_looks_in_for_a_moment_stops_no_load(file: Path) -> None:
    with looked_at(file):
        sync()
        with open_warehouse("shop") as warehouse:
            assert warehouse.row(f"SELECT count(*) FROM {warehouse.table('items')}") == (2,)
    assert ids(file) == [1, 2]


def test_a_check_waits_for_a_reader_that_came_after_the_load(
    file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock_wait, "_FIRST_LINE", 0.0)
    counts = []

    def check() -> None:
        with open_warehouse("shop") as warehouse:
            counts.append(warehouse.row(f"SELECT count(*) FROM {warehouse.table('items')}")[0])

    with held(file):
        run = threading.Thread(target=check)
        run.start()
        while "is in use by" not in caplog.text:
            assert run.is_alive()
            time.sleep(0.01)
    run.join()
    assert counts == [1]


@SLOW
def test_an_interrupted_run_does_not_wait_on(file: Path) -> None:
    """Its process ends while the file is still in use."""
    code = (
        "import analytics_sync.load.clients.lock_wait as w; w._FIRST_LINE = 0.0\n"
        "from analytics_sync.load.warehouse import open_warehouse\n"
        "with open_warehouse('shop'): pass"
    )
    with held(file):
        waiting = subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert waiting.stderr is not None
        assert "is in use by" in waiting.stderr.readline()
        waiting.send_signal(signal.SIGINT)
        _, errors = waiting.communicate(timeout=60)
        assert "KeyboardInterrupt" in errors


@pytest.mark.parametrize(
    ("text", "who"),
    [
        (
            'IO Error: Could not set lock on file "/a b.duckdb": Conflicting lock is held in '
            "/x/ana maria/bin/python3.10 (PID 3347) by user ana.maria. See also https://duckdb.org",
            "/x/ana maria/bin/python3.10 (PID 3347) of user ana.maria",
        ),
        ("Conflicting lock is held in PID 0. See also", "a process that this machine does not see"),
        ("Conflicting lock is held in PID 51 by user ana", "the process with PID 51 of user ana"),
        (
            "Conflicting lock is held in /x/duckdb (PID 7). However, you would be able to open",
            "/x/duckdb (PID 7)",
        ),
        ("File locks are not supported for this file system", None),
        ("The file is not a valid DuckDB database file", None),
    ],
)
def test_holders_are_named_in_all_forms_of_the_message(text: str, who: str | None) -> None:
    assert holder(duckdb.IOException(text)) == who


@pytest.mark.parametrize(
    "value", ["soon", pytest.param("-1", marks=SLOW), pytest.param("nan", marks=SLOW)]
)
def test_a_wrong_wait_is_an_error_that_names_the_setting(
    value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(WAIT, value)
    assert cli.main(["check"]) == 2
    assert capsys.readouterr().err.startswith(f"{WAIT} is {value!r}: expected the seconds")
