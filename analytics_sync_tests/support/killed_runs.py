"""Runs in processes of their own, and where they can be made to die.

A server process imports everything once and is forked for each run, so that a kill costs a
fraction of a second. A stage is a place in the code: the process kills itself, by SIGKILL, when it
comes there for the n-th time.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations.job_client_impl import SqlJobClientBase, SqlLoadJob
from dlt.destinations.job_impl import FollowupJobRequestImpl
from dlt.destinations.sql_client import SqlClientBase
from dlt.normalize.normalize import Normalize
from dlt.pipeline.pipeline import Pipeline

import analytics_sync.defs.checks as checks_module
import analytics_sync.defs.materialize as materialize_module
import analytics_sync.load.pipeline as load_module
from analytics_sync.catalog import load_catalog
from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.common.window import Window
from analytics_sync.extract.buffer import TableBuffer
from analytics_sync.extract.collector import PageCollector
from analytics_sync.extract.rest_client.body import BodyReader
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.world import run_in_dagster

for _name in (
    # what a run imports on its way, once for all
    "dlt.destinations.impl.duckdb.duck",
    "dlt.destinations.impl.postgres.postgres",
    "dlt.extract.extract",
    "dlt.normalize.items_normalizers",
    "dlt.common.libs.pyarrow",
    "dlt.load.load",
    "pyarrow.parquet",
    "sqlglot.optimizer",
    "psycopg2",
    "duckdb",
):
    import_module(_name)
CATALOG = load_catalog()

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["analytics_sync_tests.support.killed_runs"])


@dataclass(frozen=True)
class Work:
    """One run: resources of one source, over days [first, end) or without a window."""

    source: str
    names: tuple[str, ...]
    first: str = ""
    end: str = ""
    dagster: bool = False

    @property
    def assets(self) -> list[str]:
        return [f"{self.source}/{name}" for name in self.names]

    def on(self, first: object, end: object) -> Work:
        """The same resources over other days."""
        return replace(self, first=str(first), end=str(end))


class Running:
    """A process that does its work. What it says goes into a file."""

    def __init__(self, process: ForkServerProcess, output: Path) -> None:
        self.process = process
        self.output = output
        assert process.pid is not None
        self.pid: int = process.pid

    def status(self, timeout: float = 120) -> int:
        """How it ended; the negative signal if by one."""
        self.process.join(timeout)
        code = self.process.exitcode
        if code is None:
            self.kill()
            raise AssertionError(f"{self.pid} has not ended:\n{self.output.read_text()[-6000:]}")
        return code

    def succeed(self, timeout: float = 120) -> None:
        """Wait for a good end."""
        status = self.status(timeout)
        assert status == 0, f"ended with {status}:\n{self.output.read_text()[-6000:]}"

    def kill(self) -> None:
        if self.process.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            self.process.join(20)

    def stopped(self, timeout: float = 60) -> None:
        """Wait until it has stopped itself."""
        deadline = time.monotonic() + timeout
        while self._fields()[0] != "T":
            assert time.monotonic() < deadline, self.output.read_text()[-6000:]
            time.sleep(0.02)

    def go_on(self) -> None:
        os.kill(self.pid, signal.SIGCONT)

    def _fields(self) -> list[str]:
        """What the kernel tells of a process, after its name."""
        return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()

    def cpu_seconds(self) -> float:
        """Processor time used so far, as the kernel counts it."""
        fields = self._fields()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def begin(
    work: Work,
    environment: Mapping[str, str],
    folder: Path,
    stage: str = "",
    nth: int = 1,
    sent: signal.Signals = signal.SIGKILL,
) -> Running:
    """Start a run; at ``stage`` it sends itself a signal: it dies, or it stops until continued."""
    output = folder / f"run-{time.monotonic_ns()}.txt"
    process = _FORKS.Process(
        target=_run, args=(work, dict(environment), str(folder), str(output), stage, nth, sent)
    )
    process.start()
    return Running(process, output)


def _run(
    work: Work,
    environment: dict[str, str],
    folder: str,
    output: str,
    stage: str,
    nth: int,
    sent: signal.Signals,
) -> None:
    handle = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(handle, 1)
    os.dup2(handle, 2)
    faulthandler.enable()
    faulthandler.dump_traceback_later(100, exit=False)
    os.environ.update(environment)
    tempfile.tempdir = None  # the new TMPDIR counts
    os.chdir(folder)
    if stage:
        STAGES[stage](Fatal(nth, sent))
    if work.dagster:
        days = [date.fromisoformat(d) for d in (work.first, work.end) if d]
        last = days[1] - timedelta(days=1) if days else None
        home = Path(environment["DAGSTER_HOME"])
        done = run_in_dagster(home, CATALOG, work.assets, days[0] if days else None, last)
        assert done.success
        assert all(c.passed for c in done.get_asset_check_evaluations())
    else:
        window = None
        if work.first:
            window = Window(
                *(datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (work.first, work.end))
            )
        with ReadRun(CATALOG[work.source], window, work.names) as run:
            load(run, f"run{os.getpid()}")
            assert not run.failures(), run.failures()


class Fatal:
    """Sends this process a signal when called for the n-th time."""

    def __init__(self, nth: int, sent: signal.Signals) -> None:
        self._left = nth
        self._sent = sent
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                # to this thread: sent to the process, it would get a little further
                signal.pthread_kill(threading.get_ident(), self._sent)


def _before(owner: Any, name: str) -> Callable[[Fatal], None]:
    def patch(fatal: Fatal) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            fatal()
            return original(*args, **kwargs)

        setattr(owner, name, wrapped)

    return patch


def _after(owner: Any, name: str) -> Callable[[Fatal], None]:
    def patch(fatal: Fatal) -> None:
        original = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            result = original(*args, **kwargs)
            fatal()
            return result

        setattr(owner, name, wrapped)

    return patch


def _in_mid_page(fatal: Fatal) -> None:
    original = BodyReader.read

    def body(self: BodyReader, response: Any, *rest: Any) -> bytes:
        read = response.read1

        def piece(_: int, **options: Any) -> bytes:
            found: bytes = read(64, **options)
            fatal()
            return found

        response.read1 = piece
        return original(self, response, *rest)

    BodyReader.read = body  # type: ignore[method-assign]


def _in_the_merge(fatal: Fatal) -> None:
    """Between the merge's statements, in its transaction."""
    original = SqlClientBase.execute_many

    def execute_many(self: Any, statements: Any, *args: Any, **kwargs: Any) -> Any:
        if any(s.lstrip().startswith("DELETE") for s in statements):
            for statement in statements:
                self.execute_sql(statement)
                fatal()
            return []
        return original(self, statements, *args, **kwargs)

    SqlClientBase.execute_many = execute_many  # type: ignore[method-assign]


def _at_merges(where: Callable[[Any, str], Callable[[Fatal], None]]) -> Callable[[Fatal], None]:
    """PostgreSQL merges by statements that dlt runs, DuckDB from the file."""

    def patch(fatal: Fatal) -> None:
        where(SqlLoadJob, "run")(fatal)
        where(DuckDbMergeJob, "run")(fatal)

    return patch


def _around_commit(after: bool) -> Callable[[Any, str], Callable[[Fatal], None]]:
    def at(owner: Any, name: str) -> Callable[[Fatal], None]:
        def patch(fatal: Fatal) -> None:
            run = getattr(owner, name)

            def merge(self: Any) -> None:
                client = type(self._job_client.sql_client)
                (_after if after else _before)(client, "commit_transaction")(fatal)
                run(self)

            setattr(owner, name, merge)

        return patch

    return at


def _turn(fatal: Fatal) -> None:
    original = load_module.load_lock

    @contextmanager
    def turn(*args: Any) -> Iterator[None]:
        with original(*args):
            fatal()
            yield

    load_module.load_lock = turn


STAGES: dict[str, Callable[[Fatal], None]] = {
    "before a request": _before(Session, "get"),
    "in mid-page": _in_mid_page,
    "after an answer": _after(Session, "get"),
    "at the end of a resource": _before(TableBuffer, "finish"),
    "after reading a resource": _after(PageCollector, "close"),
    "in extract": _before(TableBuffer, "close"),
    "after extract": _after(Pipeline, "extract"),
    "in normalize": _before(Normalize, "spool_files"),
    "at the end of normalize": _after(Normalize, "spool_files"),
    "after normalize": _after(Pipeline, "normalize"),
    "with the turn to load": _turn,
    "before the tables are made": _before(SqlJobClientBase, "_execute_schema_update_sql"),
    "after the tables are made": _after(SqlJobClientBase, "_execute_schema_update_sql"),
    "before a job": _before(RunnableLoadJob, "run_managed"),
    "after a job": _after(RunnableLoadJob, "run_managed"),
    "as a merge is written": _after(FollowupJobRequestImpl, "_save_text_file"),
    "before a merge": _at_merges(_before),
    "in a merge": _in_the_merge,
    "before the commit of a merge": _at_merges(_around_commit(after=False)),
    "after the commit of a merge": _at_merges(_around_commit(after=True)),
    "after a merge": _at_merges(_after),
    "before the load is noted": _before(SqlJobClientBase, "complete_load"),
    "after the load is noted": _after(SqlJobClientBase, "complete_load"),
    "before rows are marked deleted": _before(load_module, "mark_deleted"),
    "before the staging is dropped": _before(load_module, "drop_staging"),
    "after the staging is dropped": _after(load_module, "drop_staging"),
    "before a folder is removed": _before(LockedTempFolder, "close"),
    # these come only in a run of Dagster
    "before Dagster's event": _before(materialize_module, "_metadata"),
    "in a check": _before(checks_module, "_verdict"),
}
# DuckDB merges from the files of the load: nothing is staged, and no statements are written down
STAGED = frozenset({"as a merge is written"})
IN_DAGSTER = frozenset({"before Dagster's event", "in a check"})
