"""The merge job of DuckDB: a Parquet file straight into its table.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none. dlt would copy
the rows into a staging table and read them from there: four tenths of the time of a load, and as
much space again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import duckdb
from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.load.clients.merge_counts import MergeCounts, run_counted
from analytics_sync.load.clients.merge_sql import merge_statements

# A larger transaction is written straight to the database file, not first to the write-ahead log.
_CHECKPOINT_SIZE = "4MB"
# A merge begins with an estimate, enough for rows of a few kilobytes (``configure_session``). Each
# time that DuckDB runs out of memory, the merge takes the next step: 512 MB, then DuckDB's default,
# which is most of the machine's memory.
_MEMORY_STEPS = ("SET GLOBAL memory_limit = '512MB'", "RESET GLOBAL memory_limit")
_BASE_MB = 96
_MB_PER_COLUMN = 0.5  # DuckDB writes each column in blocks of a quarter of a megabyte
_OUT_OF_MEMORY_TEXT = "could not allocate block"

_T = TypeVar("_T")


class DuckDbMergeJob(RunnableLoadJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    def run(self) -> None:
        """Merge the file in one transaction; retry with more memory if DuckDB runs out of it."""
        job_client: Any = self._job_client
        client = job_client.sql_client
        name = self._load_table["name"]
        statements = merge_statements(
            self._load_table,
            client,
            self._rows(client),
            job_client.replaced.get(name),
            job_client.probes.get(name),
        )

        def merge() -> MergeCounts:
            with client.begin_transaction():
                return run_counted(client, statements)

        job_client.merges.add(name, with_more_memory(client, merge))

    def _rows(self, client: Any) -> str:
        """The rows of the file as SQL, with this load's id."""
        path, load_id = (text.replace("'", "''") for text in (self._file_path, self._load_id))
        rows = f"read_parquet('{path}')"
        if LOAD_ID not in self._load_table["columns"]:  # a setting of dlt leaves the column out
            return rows
        column = client.escape_column_name(LOAD_ID)
        return f"(SELECT * REPLACE ('{load_id}' AS {column}) FROM {rows})"


def with_more_memory(client: Any, run: Callable[[], _T]) -> _T:
    """The result of ``run``, called again with more memory each time that DuckDB runs out of it.

    Args:
        client: A connected client.
        run: Changes tables in one transaction.
    """
    for more_memory in _MEMORY_STEPS:
        try:
            return run()
        except DatabaseException as e:
            if not _out_of_memory(e):
                raise
            client.execute_sql(more_memory)
    return run()


def configure_session(client: Any, columns: int) -> None:
    """Let DuckDB write once and use little memory, as long as the client is connected.

    Args:
        client: A connected client. While it is, the settings hold for all connections to its file.
        columns: Number of columns of all tables that are loaded.
    """
    client.execute_sql(f"SET GLOBAL memory_limit = '{_BASE_MB + _MB_PER_COLUMN * columns:.0f}MB'")
    client.execute_sql(f"SET GLOBAL checkpoint_threshold = '{_CHECKPOINT_SIZE}'")


def _out_of_memory(error: DatabaseException) -> bool:
    reason = error.dbapi_exception
    return isinstance(reason, duckdb.OutOfMemoryException) or _OUT_OF_MEMORY_TEXT in str(reason)
