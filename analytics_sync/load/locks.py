"""Locks of the warehouse: one load writes at a time.

In: the destination. Out: context managers that wait without using the processor. A DuckDB file
takes one writer at a time. PostgreSQL takes many, but two merges of the same keys at the same time
would leave both their rows, so loads into one dataset take turns there too. The operating system or
the server releases a lock when its holder dies, so a killed run leaves no manual work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import dlt
from filelock import FileLock

from analytics_sync.load.destination import (
    DEFAULT,
    configured_kind,
    destination_kind,
    duckdb_file,
)
from analytics_sync.load.duckdb_merge_job import configure_session
from analytics_sync.load.staging import drop_orphaned_staging
from analytics_sync.load.warehouse_files import (
    check_files,
    create_database,
    prepare_lock,
    private_files,
)

_POLL_SECONDS = 0.1

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
def warehouse_lock() -> Iterator[None]:
    """Hold the lock of a DuckDB file. Other destinations take several writers and have no lock.

    Raises:
        LoadError: Another user has put one of the warehouse's files there.
    """
    if configured_kind() != DEFAULT:
        yield
        return
    file = duckdb_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    check_files(file)
    with FileLock(prepare_lock(file)).acquire(poll_interval=_POLL_SECONDS):
        if not file.exists():
            create_database(file)
        check_files(file)  # again: files may have come while this process waited
        with private_files(file):
            yield


@contextmanager
def load_lock(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Hold the load lock of the pipeline's dataset, without orphaned staging datasets in it.

    Destinations other than DuckDB and PostgreSQL have no lock, and nothing is cleaned up there.
    """
    dataset = pipeline.dataset_name
    match destination_kind(pipeline.destination):
        case "duckdb":
            # One connection stays open during the whole load: DuckDB writes everything to its file
            # each time the last connection closes.
            with warehouse_lock(), pipeline.sql_client() as client:
                tables = pipeline.default_schema.data_tables()
                columns = sum(len(table["columns"]) for table in tables)
                configure_session(client, columns)
                drop_orphaned_staging(client, dataset)
                yield
        case "postgres":
            with pipeline.sql_client() as client:
                client.execute_sql(_LOCK_SESSION_SETTINGS)
                client.execute_sql(_LOCK, f"analytics_sync {dataset}")
                # The server may still run the last statement of a killed process. That statement
                # uses a staging dataset, and dropping the dataset waits for its end.
                drop_orphaned_staging(client, dataset)
                yield
        case _:
            yield
