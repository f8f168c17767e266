"""The PostgreSQL job client: dlt's own, with exact copies of files, our merge, and DDL beside readers.

In: dlt's settings of the destination. Out: a ``PostgresCopyJob`` for each CSV file of a table that
merges or replaces rows, and a ``PostgresMergeJob`` that merges the table from its staging dataset. The
changes of a schema give up soon where another session is in the way, and are tried again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import FollowupJobRequest, LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TSchemaTables
from dlt.common.storages.load_package import LoadJobInfo, ParsedLoadJobFileName
from dlt.destinations.impl.postgres.configuration import PostgresClientConfiguration
from dlt.destinations.impl.postgres.postgres import PostgresClient

from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_sql import MERGED, Replaced, staged_merge_statements
from analytics_sync.load.clients.postgres_connection import PinnedPostgresClient
from analytics_sync.load.clients.postgres_copy_job import PostgresCopyJob
from analytics_sync.load.clients.postgres_ddl import limit_lock_wait, run_ddl
from analytics_sync.load.clients.postgres_merge_job import PostgresMergeJob


class MergingPostgresClient(PostgresClient):
    """dlt's client with our jobs. Other clients of dlt override the same methods."""

    def __init__(
        self,
        schema: Schema,
        config: PostgresClientConfiguration,
        capabilities: DestinationCapabilitiesContext,
    ) -> None:
        super().__init__(schema, config, capabilities)
        self.replaced: Mapping[str, Replaced] = {}
        """The rows that this load replaces, by table."""
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
        suffixes = Path(file_path).suffixes if table["write_disposition"] in MERGED else ()
        if ".csv" in suffixes:
            return PostgresCopyJob(file_path)
        if ".sql" in suffixes:
            return PostgresMergeJob(file_path, self.sql_client.dataset_name)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """Whether rows are staged: yes for tables that merge or replace rows."""
        return self.prepare_load_table(table_name)["write_disposition"] in MERGED

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        """No: the merge empties the table in its transaction, so a killed load changes nothing."""
        return False

    def create_table_chain_completed_followup_jobs(
        self,
        table_chain: Sequence[PreparedTableSchema],
        completed_table_chain_jobs: Sequence[LoadJobInfo] | None = None,
    ) -> list[FollowupJobRequest]:
        """The job that merges a table, once all of its files are in staging."""
        if table_chain[0]["write_disposition"] not in MERGED:
            return super().create_table_chain_completed_followup_jobs(
                table_chain, completed_table_chain_jobs
            )
        (table,) = table_chain  # nested values are JSON columns: no table has children
        assert completed_table_chain_jobs, "dlt names the files that it has loaded"
        package = Path(completed_table_chain_jobs[0].file_path).parents[1]
        name = str(table["name"])
        statements = staged_merge_statements(table, self.sql_client, self.replaced.get(name))
        return [SqlJobRequest(name, statements, package)]


class SqlJobRequest(FollowupJobRequest):
    """A request to run SQL statements as the next job of a load.

    dlt writes its own requests into the machine's temporary folder, where a killed run leaves them
    for good. This one is written into the load package, which the next run removes after a kill.

    Args:
        table: Name of the table that the statements change.
        statements: SQL statements, run in one transaction.
        package: Folder of the load package.
    """

    def __init__(self, table: str, statements: Iterable[str], package: Path) -> None:
        name = ParsedLoadJobFileName(table, ParsedLoadJobFileName.new_file_id(), 0, "sql")
        self._file = package / name.file_name()
        # each line of the file is a statement; values in it have no line breaks
        lines = (" ".join(map(str.strip, statement.split("\n"))) for statement in statements)
        self._file.write_text("\n".join(lines), encoding="utf-8")

    def new_file_path(self) -> str:
        """Where the file is; dlt moves it from there into its queue of jobs."""
        return str(self._file)
