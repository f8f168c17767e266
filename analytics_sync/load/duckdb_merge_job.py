"""Merging a file straight into a DuckDB table.

In: a Parquet file of one table's rows. Out: the rows in the table, or none of them. dlt would copy them
into a staging table first and read them again from there: four tenths of the time of a load, and as
much space again.
"""

from __future__ import annotations

from typing import Any

import duckdb
from dlt.common.destination.client import RunnableLoadJob
from dlt.destinations.exceptions import DatabaseException

from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.load.merge_sql import merge_statements

# of one transaction; more than this goes to its place at once, and not into the log before
_CHECKPOINT = "4MB"
_AT_FIRST = 96  # megabytes; with what columns take, enough for rows of a few kilobytes
_A_COLUMN = 0.5  # DuckDB writes each in blocks of a quarter of a megabyte
# and when that is not enough: the last is what DuckDB takes by itself, most of the machine's
_MORE = ("SET GLOBAL memory_limit = '512MB'", "RESET GLOBAL memory_limit")
_NO_ROOM = "could not allocate block"


class DuckDbMergeJob(RunnableLoadJob):
    """Merges one Parquet file, or puts it in place of what is there."""

    def run(self) -> None:
        """Do so, in one transaction; again with more memory when it was not enough."""
        job_client: Any = self._job_client
        client = job_client.sql_client
        path, load_id = (text.replace("'", "''") for text in (self._file_path, self._load_id))
        rows = f"read_parquet('{path}')"
        if LOAD_ID in self._load_table["columns"]:  # dlt has a setting to leave it out
            column = client.escape_column_name(LOAD_ID)
            rows = f"(SELECT * REPLACE ('{load_id}' AS {column}) FROM {rows})"
        statements = merge_statements(self._load_table, client, rows)
        for more in (*_MORE, None):
            try:
                with client.begin_transaction():
                    client.execute_many(statements)
            except DatabaseException as e:
                if more is None or not _out_of_memory(e):
                    raise
                client.execute_sql(more)
            else:
                return


def prepare(client: Any, folder: str, columns: int) -> None:
    """Let DuckDB write once and use little memory, while the connection is open.

    A merge that needs more memory takes more.

    Args:
        client: Connected. As long as it is, the settings hold for all connections to its file.
        folder: Where DuckDB puts what does not fit.
        columns: Of all tables that are loaded.
    """
    client.execute_sql("SET GLOBAL temp_directory = %s", folder)
    client.execute_sql(f"SET GLOBAL memory_limit = '{_AT_FIRST + _A_COLUMN * columns:.0f}MB'")
    client.execute_sql(f"SET GLOBAL checkpoint_threshold = '{_CHECKPOINT}'")


def _out_of_memory(error: DatabaseException) -> bool:
    reason = error.dbapi_exception
    return isinstance(reason, duckdb.OutOfMemoryException) or _NO_ROOM in str(reason)
