"""The job client that merges: all that the clients of the tested warehouses share.

In: dlt's settings of the destination. Out: a merge job for each Parquet file of a table that merges or
replaces rows, and no staging dataset. A client of a warehouse names its connection and its job.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TSchemaTables
from dlt.destinations.job_client_impl import SqlJobClientWithStagingDataset

from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_probe import MergeProbe
from analytics_sync.load.clients.merge_sql import MERGED, Replaced


class MergingClient(SqlJobClientWithStagingDataset):
    """A base beside dlt's client of a warehouse. Other clients of dlt override the same methods.

    Attributes:
        connection: Makes the connection, from two datasets, credentials and capabilities.
        merge_job: Makes the job that merges a Parquet file.
        replaced: The rows that this load replaces, by table.
        probes: What the merges of this load look for, by table.
        merges: What the merges of this load did.
    """

    connection: ClassVar[type[Any]]
    merge_job: ClassVar[type[LoadJob]]

    def __init__(self, schema: Schema, config: Any, capabilities: Any) -> None:
        super().__init__(schema, config, capabilities)
        self.replaced: Mapping[str, Replaced] = {}
        self.probes: Mapping[str, MergeProbe] = {}
        self.merges = Merges()
        datasets = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client: Any = self.connection(*datasets, config.credentials, capabilities)

    def update_stored_schema(
        self,
        only_tables: Iterable[str] | None = None,
        expected_update: TSchemaTables | None = None,
        force: bool = False,
    ) -> TSchemaTables | None:
        """Make the tables and columns that are missing, also if dlt has stored that they exist."""
        update: Any = super().update_stored_schema  # dlt's types leave None out
        changed: TSchemaTables | None = update(only_tables, expected_update, force=True)
        return changed

    def create_load_job(
        self, table: PreparedTableSchema, file_path: str, load_id: str, restore: bool = False
    ) -> LoadJob:
        """The job that loads one file; none once the run is being stopped."""
        self.sql_client.stop.check()
        if table["write_disposition"] in MERGED and ".parquet" in Path(file_path).suffixes:
            return self.merge_job(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No: the merge reads the file."""
        return False

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        """No: the merge empties the table in its transaction, so a killed load changes nothing."""
        return False
