"""The PostgreSQL job client: dlt's own, with our merge of Parquet files, and DDL beside readers.

In: dlt's settings of the destination. Out: a ``PostgresMergeJob`` for each Parquet file of a table that
merges or replaces rows, and no staging dataset. The changes of a schema give up soon where another session
is in the way, and are tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.impl.postgres.postgres import PostgresClient

from analytics_sync.load.clients.merging_client import MergingClient
from analytics_sync.load.clients.postgres_connection import PinnedPostgresClient
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.clients.postgres_merge_job import PostgresMergeJob


class MergingPostgresClient(MergingClient, PostgresClient):
    """dlt's client with our merge job, and DDL that waits for no reader."""

    connection = PinnedPostgresClient
    merge_job = PostgresMergeJob

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        """The transaction of all changes of a schema."""
        with super().maybe_ddl_transaction():
            limit_lock_wait(self.sql_client)
            yield

    def update_stored_schema(
        self,
        only_tables: Iterable[str] | None = None,
        expected_update: TSchemaTables | None = None,
        force: bool = False,
    ) -> TSchemaTables | None:
        """Make the tables and columns that are missing, also if dlt has stored that they exist."""
        update = super().update_stored_schema
        tables = None if only_tables is None else list(only_tables)
        return run_ddl(
            self.sql_client,
            list,  # tables get their columns before: dlt makes new ones
            lambda: update(tables, expected_update),
        )
