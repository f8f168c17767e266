"""The merge job of SQLite: a Parquet file into its table, in one transaction.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none. The rows go into a temporary
table first. An index on the key finds the older versions, so that the cost follows the rows of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow.parquet as pq
from dlt.common.destination.client import RunnableLoadJob
from dlt.common.schema.utils import get_columns_names_with_prop

from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.load.clients.merge_counts import run_counted
from analytics_sync.load.clients.merge_sql import merge_statements
from analytics_sync.load.clients.sqlite_values import to_stored

_ROWS = 10_000  # that memory holds
_NEW = "temp.new_rows"


class SqliteMergeJob(RunnableLoadJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    def run(self) -> None:
        """Merge the file in one transaction."""
        job_client: Any = self._job_client
        table: Any = self._load_table
        client = job_client.sql_client
        columns = get_columns_names_with_prop(table, "name")
        quoted = [client.escape_column_name(name) for name in columns]
        keys = get_columns_names_with_prop(table, "primary_key")
        replaced = job_client.replaced.get(table["name"])
        probe = job_client.probes.get(table["name"])
        with client.begin_transaction():
            client.execute_sql(f"DROP TABLE IF EXISTS {_NEW}")
            types = [
                f"{name} {job_client.type_mapper.to_destination_type(table['columns'][column], table)}"
                for name, column in zip(quoted, columns, strict=True)
            ]
            client.execute_sql(f"CREATE TABLE {_NEW} ({', '.join(types)})")
            marks = ", ".join("?" * len(columns))
            client.execute_for_each(f"INSERT INTO {_NEW} VALUES ({marks})", self._rows(columns))
            if keys:
                client.execute_sql(_index(client, table["name"], keys))
            statements = merge_statements(table, client, _NEW, replaced, probe)
            counts = run_counted(client, statements)
            client.execute_sql(f"DROP TABLE {_NEW}")
        job_client.merges.add(table["name"], counts)

    def _rows(self, columns: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        """The rows of the file as SQLite stores them, with this load's id."""
        file = pq.ParquetFile(self._file_path)
        for batch in file.iter_batches(_ROWS):
            values = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            if LOAD_ID in values:
                values[LOAD_ID] = [self._load_id] * len(batch)
            nothing = [None] * len(batch)
            lists = [map(to_stored, values.get(name, nothing)) for name in columns]
            yield from zip(*lists, strict=True)


def _index(client: Any, table: str, keys: Sequence[str]) -> str:
    """The statement that makes the index of a key."""
    digest = hashlib.sha256("\0".join(keys).encode()).hexdigest()[:16]
    name = client.make_qualified_table_name(f"{table}_key_{digest}")
    quote = client.escape_column_name
    return f"CREATE INDEX IF NOT EXISTS {name} ON {quote(table)} ({', '.join(map(quote, keys))})"
