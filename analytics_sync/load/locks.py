"""Whose turn it is to write.

In: the destination. Out: context managers that wait without using the processor. A DuckDB file
takes one writer at a time. PostgreSQL takes many, but two merges of the same keys at the same time
would leave both their rows, so loads into one dataset take turns there too. Either lock goes when
its holder dies, so a killed run leaves nothing that has to be undone by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dlt
import duckdb
from filelock import FileLock

from analytics_sync.load.destination import (
    DEFAULT,
    destination_kind,
    destination_name,
    duckdb_file,
)
from analytics_sync.load.duckdb_merge_job import prepare
from analytics_sync.load.staging import drop_orphaned_staging

_POLL_SECONDS = 0.1

# the session only waits and holds: no limit on that, and when the machine at the other end is gone
# the server shall notice within a minute or so. Not every server knows all of the names
_SESSION = """
SELECT set_config(s.name, wanted.value, false)
FROM (VALUES ('statement_timeout', '0'), ('lock_timeout', '0'), ('idle_session_timeout', '0'),
             ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'),
             ('tcp_keepalives_count', '3')) AS wanted (name, value)
JOIN pg_settings AS s ON s.name = wanted.name
"""


@contextmanager
def warehouse_lock() -> Iterator[None]:
    """Hold the warehouse; does nothing for destinations that take several writers."""
    if destination_name() != DEFAULT:
        yield
        return
    file = duckdb_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock").acquire(poll_interval=_POLL_SECONDS):
        if not file.exists():
            _make(file)
        yield


def _make(file: Path) -> None:
    """Make an empty DuckDB file, at once.

    What a process leaves that dies while DuckDB makes one is no database, and DuckDB refuses it for
    good: so it is made beside, where the next one begins afresh.
    """
    new = file.with_name(f"{file.name}.new")
    new.unlink(missing_ok=True)
    duckdb.connect(str(new)).close()
    new.replace(file)


@contextmanager
def load_lock(pipeline: dlt.Pipeline) -> Iterator[None]:
    """Wait for the turn to load into the pipeline's dataset; what killed loads left is gone then.

    Other destinations than DuckDB and PostgreSQL have neither turns nor tidying.
    """
    dataset = pipeline.dataset_name
    match destination_kind(pipeline.destination):
        case "duckdb":
            # held for the whole turn: when the last connection is closed, DuckDB writes all there is
            # into its file, once for each time that it was opened
            with warehouse_lock(), pipeline.sql_client() as client:
                tables = pipeline.default_schema.data_tables()
                columns = sum(len(table["columns"]) for table in tables)
                prepare(client, pipeline.pipelines_dir, columns)
                drop_orphaned_staging(client, dataset)
                yield
        case "postgres":
            with pipeline.sql_client() as client:
                client.execute_sql(_SESSION)
                client.execute_sql(
                    "SELECT pg_advisory_lock(hashtextextended(%s, 0))", f"analytics_sync {dataset}"
                )
                # the server may still be busy with the last words of a process that was killed:
                # it uses its staging dataset then, and dropping that waits for the end of it
                drop_orphaned_staging(client, dataset)
                yield
        case _:
            yield
