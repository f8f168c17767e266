"""Locks of the warehouse: one load writes at a time.

In: the destination. Out: context managers that wait without using the processor. A DuckDB file
takes one writer at a time. PostgreSQL takes many, but two merges of the same keys at the same time
would leave both their rows, so loads into one dataset take turns there too. The operating system or
the server releases a lock when its holder dies, so a killed run leaves no manual work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import dlt
from dlt.common.schema import Schema
from dlt.destinations.sql_client import SqlClientBase
from filelock import FileLock, Timeout

from analytics_sync.common.redaction import Redactor
from analytics_sync.common.stopping import Stop
from analytics_sync.load.clients.destination import (
    DEFAULT,
    configured_kind,
    destination_kind,
    destination_secrets,
    duckdb_file,
    make_destination,
)
from analytics_sync.load.clients.duckdb_merge_job import configure_session
from analytics_sync.load.clients.lock_wait import SETTING, LockWait
from analytics_sync.load.clients.staging import drop_orphaned_staging
from analytics_sync.load.clients.warehouse_files import (
    check_files,
    create_database,
    prepare_lock,
    private_files,
)
from analytics_sync.load.errors import warehouse_errors
from analytics_sync.load.sharing.duckdb_holder import holder
from analytics_sync.load.sharing.read_copy import SETTING as READ_COPY

_POLL_SECONDS = 0.1
_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 0.2  # seconds between attempts to open a file in use
_UNTIL_FREE = -1.0  # filelock's sign for no limit

# The session of the lock only waits and holds the lock, without a time limit. The server must
# notice within about a minute that the client's machine is gone. Some servers lack some settings.
_LOCK_SESSION_SETTINGS = """
SELECT pg_catalog.set_config(s.name, wanted.value, false)
FROM (VALUES ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_session_timeout', '0'),
             ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'),
             ('tcp_keepalives_count', '3')) AS wanted (name, value)
JOIN pg_catalog.pg_settings AS s ON s.name = wanted.name
"""
_LOCK = (
    "SELECT pg_catalog.pg_advisory_lock("
    "pg_catalog.hashtextextended(%s::pg_catalog.text, 0::pg_catalog.int8))"
)


@contextmanager
def warehouse_lock(timeout: float = _UNTIL_FREE, stop: Stop | None = None) -> Iterator[None]:
    """Hold the lock of a DuckDB file. Other destinations take several writers and have no lock.

    The lock keeps other runs away, not other programs: open the file with ``open_locked``.

    Args:
        timeout: Seconds to wait for other runs; no limit by default.
        stop: Ends the wait; None if nothing does.

    Raises:
        LoadError: Another user has put one of the warehouse's files there.
        Timeout: Another run holds the lock.
    """
    if configured_kind() != DEFAULT:
        yield
        return
    file = duckdb_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    check_files(file)
    with _acquired(FileLock(prepare_lock(file)), timeout, stop or Stop()):
        if not file.exists():
            create_database(file)
        check_files(file)  # again: files may have come while this process waited
        with private_files(file):
            yield


def _acquired(lock: FileLock, timeout: float, stop: Stop) -> Any:
    """The lock as a context manager, once it is acquired.

    Raises:
        Timeout: Another run holds the lock.
        Stopped: The run is being stopped.
    """
    began = time.monotonic()
    while True:
        stop.check()
        try:
            return lock.acquire(0)
        except Timeout:
            if 0 <= timeout <= time.monotonic() - began:
                raise
        stop.wait(_POLL_SECONDS)


@contextmanager
def open_locked(
    open_client: Callable[[], Any], timeout: float = _UNTIL_FREE, stop: Stop | None = None
) -> Iterator[Any]:
    """Open the warehouse under its lock. Wait while another program has the DuckDB file open.

    The lock is free between two attempts, so that other runs may read meanwhile.

    Args:
        open_client: Makes a context manager that opens the warehouse; called for each attempt.
        timeout: Seconds to wait for other runs; no limit by default.
        stop: Ends every wait; None if nothing does.

    Raises:
        WarehouseInUse: The other program still has it open when the time is up.
        Timeout: Another run holds the lock.
    """
    wait: LockWait | None = None
    while True:
        with ExitStack() as stack:
            stack.enter_context(warehouse_lock(timeout, stop))
            try:
                client = stack.enter_context(open_client())
            except Exception as e:
                who = holder(e) if configured_kind() == DEFAULT else None
                if who is None:
                    raise
            else:
                yield client
                return
        wait = wait or LockWait(
            f"the warehouse {duckdb_file()}",
            "Close it there, then run again. "
            f"To read beside loads, open a copy ({READ_COPY}); to wait longer, raise {SETTING}.",
            first=_FIRST_PAUSE,
            longest=_LONGEST_PAUSE,
            stop=stop,
        )
        wait.pause(who)


@contextmanager
def open_dataset(
    dataset: str, doing: str, stop: Stop | None = None
) -> Iterator[tuple[Any | None, Redactor]]:
    """dlt's job client of a dataset, and the redactor of its secrets. No client without a warehouse.

    Args:
        dataset: Name of the dataset.
        doing: Name of the action, for messages.
        stop: Ends waits and statements; None if nothing does.

    Raises:
        LoadError: The warehouse cannot be opened, another program still had it open when the time was
            up, or a statement failed.
    """
    if configured_kind() == DEFAULT and not duckdb_file().exists():
        yield None, Redactor(())
        return
    destination = make_destination(stop=stop)
    redact = Redactor(destination_secrets(destination))
    with warehouse_errors(dataset, doing, redact):
        config = destination.spec()
        config.dataset_name = dataset
        with open_locked(
            lambda: destination.client(Schema(dataset), config), stop=stop
        ) as job_client:
            yield job_client, redact


@contextmanager
def load_lock(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Hold the load lock of the pipeline's dataset, without orphaned staging datasets in it.

    Untested destinations have no lock, and nothing is cleaned up there.
    """
    dataset = pipeline.dataset_name
    match destination_kind(pipeline.destination):
        case "duckdb":
            # One connection stays open during the whole load: DuckDB writes everything to its file
            # each time the last connection closes.
            stop = getattr(pipeline.destination, "stop", None)
            with open_locked(pipeline.destination_client, stop=stop) as job_client:
                tables = job_client.schema.data_tables()
                columns = sum(len(table["columns"]) for table in tables)
                configure_session(job_client.sql_client, columns)
                drop_orphaned_staging(job_client.sql_client, dataset)
                yield
        case "postgres" | "sqlite" | "mariadb":
            with pipeline.sql_client() as client:
                lock_dataset(client, dataset)
                # The server may still run the last statement of a killed process. That statement
                # uses a staging dataset: dropping the dataset waits for its end, and so do merges.
                drop_orphaned_staging(client, dataset)
                yield
        case _:
            yield


def lock_dataset(client: SqlClientBase[Any], dataset: str) -> None:
    """Wait for the load lock of a dataset, and hold it as long as the client is connected.

    A DuckDB file has one lock for all of its datasets: ``warehouse_lock``.
    """
    match client.capabilities.sqlglot_dialect:
        case "postgres":
            client.execute_sql(_LOCK_SESSION_SETTINGS)
            client.execute_sql(_LOCK, f"analytics_sync {dataset}")
        case "sqlite" | "mysql":
            holder_: Any = client
            holder_.hold_lock(dataset)
