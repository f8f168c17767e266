"""Kill points: stages of a run at which its process sends itself a signal.

In: the name of a stage. Out: ``STAGES``, functions that patch the code of this process so that it
calls a ``Fatal`` at the stage. The patches stay, so call the functions only in the process of one
run, as ``run_processes`` does.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations.job_client_impl import SqlJobClientBase
from dlt.normalize.normalize import Normalize
from dlt.pipeline.pipeline import Pipeline

import analytics_sync.defs.checks.judging as judging_module
import analytics_sync.defs.steps.materialize as materialize_module
import analytics_sync.load.pipeline as load_module
from analytics_sync.common.private_folder import LockedTempFolder
from analytics_sync.extract.buffer import TableBuffer
from analytics_sync.extract.collector import PageCollector
from analytics_sync.extract.rest_client.body import BodyReader
from analytics_sync.extract.rest_client.session import Session
from analytics_sync.load.clients import duckdb_merge_job, postgres_merge_job
from analytics_sync.load.clients.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.clients.postgres_merge_job import PostgresMergeJob
from analytics_sync.load.gone.soft_deletes import SoftDeletes


class Fatal:
    """Sends the process a signal at the ``nth`` call."""

    def __init__(self, nth: int, sent: signal.Signals) -> None:
        self._left = nth
        self._sent = sent
        self._lock = threading.Lock()

    def __call__(self) -> None:
        with self._lock:
            self._left -= 1
            if self._left == 0:
                # A signal to this thread stops it here. After a signal to the process, the thread
                # might still execute a few statements.
                signal.pthread_kill(threading.get_ident(), self._sent)


Patch = Callable[[Fatal], None]


def _replace(owner: Any, name: str, wrap: Callable[[Any], Any]) -> None:
    """Replace a function of a class or module by the result of ``wrap``."""
    setattr(owner, name, wrap(getattr(owner, name)))


def _before(owner: Any, name: str) -> Patch:
    """A stage before each call of a function."""

    def patch(fatal: Fatal) -> None:
        def wrap(original: Any) -> Any:
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                fatal()
                return original(*args, **kwargs)

            return wrapped

        _replace(owner, name, wrap)

    return patch


def _after(owner: Any, name: str) -> Patch:
    """A stage after each call of a function."""

    def patch(fatal: Fatal) -> None:
        def wrap(original: Any) -> Any:
            def wrapped(*args: Any, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                fatal()
                return result

            return wrapped

        _replace(owner, name, wrap)

    return patch


def _in_mid_page(fatal: Fatal) -> None:
    """A stage after every 64 bytes of a response body."""

    def wrap(original: Any) -> Any:
        def read(self: BodyReader, response: Any, *rest: Any) -> bytes:
            read1 = response.read1

            def read_piece(_: int, **options: Any) -> bytes:
                piece: bytes = read1(64, **options)
                fatal()
                return piece

            response.read1 = read_piece
            body: bytes = original(self, response, *rest)
            return body

        return read

    _replace(BodyReader, "read", wrap)


def _in_the_merge(fatal: Fatal) -> None:
    """A stage after each statement of a merge, inside its transaction."""

    def wrap(original: Any) -> Any:
        def run_counted(client: Any, statements: Any) -> Any:
            def one_by_one() -> Iterator[str]:
                for statement in statements:
                    yield statement
                    fatal()  # the statement has run when the next one is taken

            return original(client, one_by_one())

        return run_counted

    for module in (duckdb_merge_job, postgres_merge_job):
        _replace(module, "run_counted", wrap)


def _at_merges(stage: Callable[[Any, str], Patch]) -> Patch:
    """A stage at merges: PostgreSQL merges from a temporary table, DuckDB from the file."""

    def patch(fatal: Fatal) -> None:
        stage(PostgresMergeJob, "run")(fatal)
        stage(DuckDbMergeJob, "run")(fatal)

    return patch


def _around_commit(after: bool) -> Callable[[Any, str], Patch]:
    """A stage before or after the commit of a merge."""

    def stage(owner: Any, name: str) -> Patch:
        def patch(fatal: Fatal) -> None:
            def wrap(run: Any) -> Any:
                def merge(self: Any) -> None:
                    client = type(self._job_client.sql_client)
                    (_after if after else _before)(client, "commit_transaction")(fatal)
                    run(self)

                return merge

            _replace(owner, name, wrap)

        return patch

    return stage


def _with_load_lock(fatal: Fatal) -> None:
    """A stage right after the load lock is acquired."""

    def wrap(original: Any) -> Any:
        @contextmanager
        def load_lock(*args: Any) -> Iterator[None]:
            with original(*args):
                fatal()
                yield

        return load_lock

    _replace(load_module, "load_lock", wrap)


STAGES: dict[str, Patch] = {
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
    "with the load lock": _with_load_lock,
    "before the tables are made": _before(SqlJobClientBase, "_execute_schema_update_sql"),
    "after the tables are made": _after(SqlJobClientBase, "_execute_schema_update_sql"),
    "before a job": _before(RunnableLoadJob, "run_managed"),
    "after a job": _after(RunnableLoadJob, "run_managed"),
    "after the rows are copied": _after(PostgresMergeJob, "_copy"),
    "before a merge": _at_merges(_before),
    "in a merge": _in_the_merge,
    "before the commit of a merge": _at_merges(_around_commit(after=False)),
    "after the commit of a merge": _at_merges(_around_commit(after=True)),
    "after a merge": _at_merges(_after),
    "before the load is noted": _before(SqlJobClientBase, "complete_load"),
    "after the load is noted": _after(SqlJobClientBase, "complete_load"),
    "before rows are marked deleted": _before(SoftDeletes, "mark"),
    "before the staging is dropped": _before(load_module, "drop_staging"),
    "after the staging is dropped": _after(load_module, "drop_staging"),
    "before a folder is removed": _before(LockedTempFolder, "close"),
    # These two stages exist only in a run of Dagster.
    "before Dagster's event": _before(materialize_module, "run_metadata"),
    "in a check": _before(judging_module.Judge, "_judge"),
}
# DuckDB merges from the file of the load: it copies no rows before.
COPIED = frozenset({"after the rows are copied"})
IN_DAGSTER = frozenset({"before Dagster's event", "in a check"})
