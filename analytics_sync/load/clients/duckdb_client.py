"""The DuckDB job client: dlt's own, except that Parquet files merge straight into their tables.

In: dlt's settings of the destination. Out: a ``DuckDbMergeJob`` for each Parquet file of a table
that merges or replaces rows, and no staging dataset.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.impl.duckdb.configuration import DuckDbClientConfiguration
from dlt.destinations.impl.duckdb.duck import DuckDbClient

from analytics_sync.load.clients.duckdb_connection import PinnedDuckDbClient
from analytics_sync.load.clients.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_sql import MERGED, Replaced


class MergingDuckDbClient(DuckDbClient):
    """dlt's client with our merge job. Other clients of dlt override the same methods."""

    def __init__(
        self,
        schema: Schema,
        config: DuckDbClientConfiguration,
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
        self.sql_client = PinnedDuckDbClient(*datasets, config.credentials, capabilities)

    def update_stored_schema(
        self, only_tables: Any = None, expected_update: Any = None, force: bool = False
    ) -> TSchemaTables | None:
        """Make the tables and columns that are missing, also if dlt has stored that they exist."""
        return super().update_stored_schema(only_tables, expected_update, force=True)

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job that loads one file; none once the run is being stopped."""
        self.sql_client.stop.check()
        if table["write_disposition"] in MERGED and ".parquet" in Path(file_path).suffixes:
            return DuckDbMergeJob(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No: the merge reads the file."""
        return False

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        """No: the merge empties the table in its transaction, so a killed load changes nothing."""
        return False
