"""The PostgreSQL job client: dlt's own, with our merge of Parquet files, and DDL beside readers.

In: dlt's settings of the destination. Out: a ``PostgresMergeJob`` for each Parquet file of a table that
merges or replaces rows, and no staging dataset. The changes of a schema give up soon where another session
is in the way, and are tried again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.impl.postgres.configuration import PostgresClientConfiguration
from dlt.destinations.impl.postgres.postgres import PostgresClient

from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_sql import MERGED, Replaced
from analytics_sync.load.clients.postgres_connection import PinnedPostgresClient
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.clients.postgres_merge_job import PostgresMergeJob


class MergingPostgresClient(PostgresClient):
    """dlt's client with our merge job. Other clients of dlt override the same methods."""

    def __init__(
        self,
        schema: Schema,
        config: PostgresClientConfiguration,
        capabilities: DestinationCapabilitiesContext,
    ) -> None:
        super().__init__(schema, config, capabilities)
        self.replaced: Mapping[str, Replaced] = {}
        """The rows that this load replaces, by table."""
        self.expected: Mapping[str, str] = {}
        """The rows that new ones should take the place of, by table."""
        self.merges = Merges()
        """What the merges of this load did."""
        datasets = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = PinnedPostgresClient(*datasets, config.credentials, capabilities)

    @contextmanager
    def maybe_ddl_transaction(self) -> Iterator[None]:
        """The transaction of all changes of a schema."""
        with super().maybe_ddl_transaction():
            limit_lock_wait(self.sql_client)
            yield

    def update_stored_schema(
        self, only_tables: Any = None, expected_update: Any = None, force: bool = False
    ) -> TSchemaTables | None:
        """Make the tables and columns that are missing, also if dlt has stored that they exist."""
        update = super().update_stored_schema
        tables = None if only_tables is None else list(only_tables)
        return run_ddl(
            self.sql_client,
            list,  # tables get their columns before: dlt makes new ones
            lambda: update(tables, expected_update, force=True),  # type: ignore[arg-type]
        )

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job that loads one file; none once the run is being stopped."""
        self.sql_client.stop.check()
        if table["write_disposition"] in MERGED and ".parquet" in Path(file_path).suffixes:
            return PostgresMergeJob(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No: the merge copies the file into a temporary table."""
        return False

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        """No: the merge empties the table in its transaction, so a killed load changes nothing."""
        return False
