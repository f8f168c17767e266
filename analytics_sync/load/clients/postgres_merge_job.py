"""The merge job of PostgreSQL: a Parquet file into its table, in one transaction.

In: a Parquet file of one table's rows. Out: all of the rows in the table, or none. The rows are copied into a
temporary table first, and merged from there. The table is locked and looked at before: see
``foreign_objects``.
"""

from __future__ import annotations

from typing import Any

from dlt.common.destination.client import RunnableLoadJob
from dlt.common.schema.utils import get_columns_names_with_prop
from dlt.destinations.exceptions import DatabaseException

from analytics_sync.load.clients.foreign_objects import own_tables
from analytics_sync.load.clients.merge_counts import MergeCounts, run_counted
from analytics_sync.load.clients.merge_sql import merge_statements
from analytics_sync.load.clients.parquet_csv import ParquetAsCsv
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.clients.postgres_keys import drop_key_index, has_unique_index

_ROWS = "pg_temp._new_rows"
_COPIED_AT_ONCE = 1 << 16  # bytes
_LIMIT_EXCEEDED = "54000"  # a key is too long for an index
# A merge looks a few rows up in a table that may be large. The default is that of a disk that turns: it
# reads the whole table where a look at its index is faster. Without an index, a plan from old statistics
# may compare each row with each: eight minutes instead of four seconds.
_BY_INDEX = "SET LOCAL random_page_cost = 1.1"
_WITHOUT_INDEX = "SET LOCAL enable_nestloop = off"


class PostgresMergeJob(RunnableLoadJob):
    """Merges one Parquet file into its table, or replaces the table's rows with the file's."""

    def run(self) -> None:
        """Merge the file in one transaction. A key that is too long for the index takes the index down."""
        job_client: Any = self._job_client
        client = job_client.sql_client
        try:
            counts = self._merge(client)
        except DatabaseException as e:
            if getattr(e.dbapi_exception, "pgcode", None) != _LIMIT_EXCEEDED:
                raise
            if not self._drop_key_index(client):
                raise
            counts = self._merge(client)
        job_client.merges.add(self.load_table_name, counts)

    def _merge(self, client: Any) -> MergeCounts:
        job_client: Any = self._job_client
        name = self.load_table_name
        table: Any = self._load_table
        target = client.make_qualified_table_name(name)
        key = get_columns_names_with_prop(table, "primary_key")
        statements = merge_statements(
            table,
            client,
            _ROWS,
            job_client.replaced.get(name),
            job_client.probes.get(name),
        )
        with own_tables(client, name):
            self._copy(client, target)
            # A load that lost its session also lost its lock on the dataset: two merges may meet here.
            client.execute_sql(
                "SELECT pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(%s, 0))",
                target,
            )
            is_indexed = has_unique_index(client, name, key)
            client.execute_sql(_BY_INDEX if is_indexed else _WITHOUT_INDEX)
            return run_counted(client, statements)

    def _copy(self, client: Any, target: str) -> None:
        """Copy the file into a temporary table, which goes with the transaction."""
        with ParquetAsCsv(self._file_path, self._load_id) as rows:
            columns = ", ".join(map(client.escape_column_name, rows.columns))
            client.execute_sql(
                f"CREATE TEMPORARY TABLE {_ROWS} ON COMMIT DROP AS SELECT {columns} FROM {target} WITH NO DATA"
            )
            with client.native_connection.cursor() as cursor:
                cursor.copy_expert(
                    f"COPY {_ROWS} ({columns}) FROM STDIN WITH (FORMAT CSV, ENCODING 'UTF8')",
                    rows,
                    size=_COPIED_AT_ONCE,
                )
        client.execute_sql(f"ANALYZE {_ROWS}")  # nobody else would: it is seen in this session only

    def _drop_key_index(self, client: Any) -> bool:
        """Drop the index of the table's key; whether there was one."""
        name = self.load_table_name

        def drop() -> bool:
            with client.begin_transaction():
                limit_lock_wait(client)
                return drop_key_index(client, name)

        return run_ddl(client, lambda: [name], drop)
