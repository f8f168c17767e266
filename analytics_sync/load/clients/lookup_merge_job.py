"""The merge job of a database with an index on the key: a Parquet file into its table, in one transaction.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none. The rows go into a temporary
table first. The index finds the older versions, so that the cost follows the rows of the file.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pyarrow.parquet as pq
from dlt.common.destination.client import RunnableLoadJob
from dlt.common.schema.utils import get_columns_names_with_prop

from analytics_sync.catalog.naming import LOAD_ID
from analytics_sync.load.clients.merge_counts import run_counted
from analytics_sync.load.clients.merge_sql import merge_statements

_ROWS = 10_000  # that memory holds


class LookupMergeJob(RunnableLoadJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    @abstractmethod
    def temporary_table(self, client: Any) -> tuple[str, str]:
        """The name of the temporary table as SQL, and the word ``TEMPORARY`` where it makes a table so."""

    @abstractmethod
    def make_index(self, client: Any, table: str, name: str, keys: Sequence[str]) -> str | None:
        """Make the index of the key, if it is missing; its name as SQL, if statements must name it.

        Args:
            client: A connected client, outside of a transaction.
            table: Name of the table.
            name: Name of the index.
            keys: The columns.
        """

    @abstractmethod
    def alone(self, client: Any, table: str) -> AbstractContextManager[None]:
        """A block in which no other merge changes the table."""

    def run(self) -> None:
        """Merge the file in one transaction."""
        job_client: Any = self._job_client
        table: Any = self._load_table
        client, name = job_client.sql_client, table["name"]
        columns = get_columns_names_with_prop(table, "name")
        keys = get_columns_names_with_prop(table, "primary_key")
        replaced, probe = job_client.replaced.get(name), job_client.probes.get(name)
        new, word = self.temporary_table(client)
        with self.alone(client, name):
            index = self.make_index(client, name, _index_name(name, keys), keys) if keys else None
            with client.begin_transaction():
                client.execute_sql(f"DROP {word} TABLE IF EXISTS {new}")
                types = [
                    f"{client.escape_column_name(column)} "
                    f"{job_client.type_mapper.to_destination_type(table['columns'][column], table)}"
                    for column in columns
                ]
                client.execute_sql(f"CREATE {word} TABLE {new} ({', '.join(types)})")
                for rows in self._rows(client, columns):
                    client.insert_rows(new, len(columns), rows)
                statements = merge_statements(table, client, new, replaced, probe, index)
                counts = run_counted(client, statements)
                client.execute_sql(f"DROP {word} TABLE {new}")
        job_client.merges.add(name, counts)

    def _rows(self, client: Any, columns: Sequence[str]) -> Iterator[list[tuple[Any, ...]]]:
        """The rows of the file as the database stores them, with this load's id."""
        file = pq.ParquetFile(self._file_path)
        for batch in file.iter_batches(_ROWS):
            values = {name: batch.column(name).to_pylist() for name in batch.schema.names}
            if LOAD_ID in values:
                values[LOAD_ID] = [self._load_id] * len(batch)
            nothing = [None] * len(batch)
            lists = [client.stored_values(values.get(name, nothing)) for name in columns]
            if rows := list(zip(*lists, strict=True)):
                yield rows


def _index_name(table: str, keys: Sequence[str]) -> str:
    digest = hashlib.sha256("\0".join(keys).encode()).hexdigest()[:16]
    return f"{table}_key_{digest}"
