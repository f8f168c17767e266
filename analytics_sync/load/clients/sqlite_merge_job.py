"""The merge job of SQLite: how it makes a temporary table and the index of a key.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from analytics_sync.load.clients.lookup_merge_job import LookupMergeJob


class SqliteMergeJob(LookupMergeJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    def temporary_table(self, client: Any) -> tuple[str, str]:
        """A table of SQLite's database for temporary tables."""
        return "temp.new_rows", ""

    def make_index(self, client: Any, table: str, name: str, keys: Sequence[str]) -> str | None:
        """Make the index of the key, if it is missing."""
        quote = client.escape_column_name
        client.execute_sql(
            f"CREATE INDEX IF NOT EXISTS {client.make_qualified_table_name(name)} "
            f"ON {quote(table)} ({', '.join(map(quote, keys))})"
        )
        return None

    def alone(self, client: Any, table: str) -> AbstractContextManager[None]:
        """Nothing: SQLite has one writer."""
        return nullcontext()
