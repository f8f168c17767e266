"""The SQLite job client: dlt's client of SQLAlchemy with exact types and our merge job.

In: dlt's settings of the destination. Out: a ``SqliteMergeJob`` for each Parquet file of a table that merges or
replaces rows, and no staging dataset.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from dlt.common.destination import DestinationCapabilitiesContext
from dlt.common.destination.client import LoadJob
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema import Schema
from dlt.common.schema.typing import TColumnSchema, TSchemaTables, TTableSchemaColumns
from dlt.destinations.impl.sqlalchemy.configuration import SqlalchemyClientConfiguration
from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient
from dlt.destinations.impl.sqlalchemy.type_mapper import SqlalchemyTypeMapper

from analytics_sync.load.clients.merge_counts import Merges
from analytics_sync.load.clients.merge_sql import MERGED, Replaced
from analytics_sync.load.clients.sqlite_connection import ExactSqliteClient
from analytics_sync.load.clients.sqlite_merge_job import SqliteMergeJob
from analytics_sync.load.clients.sqlite_values import TYPES, to_stored

_COLUMNS = """
SELECT c.name, c.type, c."notnull" FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, l.schema) AS c
WHERE l.name = %s AND l.schema = %s AND c.hidden = 0
"""


class StoredType(sa.types.UserDefinedType[Any]):
    """A type of a column, by its name in SQLite."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type in SQL."""
        return self.name

    def bind_processor(self, dialect: Any) -> Any:
        """What makes a stored value of a parameter."""
        return to_stored


class StoredTypes(SqlalchemyTypeMapper):
    """dlt's mapper with types that keep values as they are."""

    def to_destination_type(
        self, column: TColumnSchema, table: PreparedTableSchema | None = None
    ) -> Any:
        """The type of a column."""
        return StoredType(TYPES[str(column["data_type"])])


class MergingSqliteClient(SqlalchemyJobClient):
    """dlt's client with our merge job. Other clients of dlt override the same methods."""

    def __init__(
        self,
        schema: Schema,
        config: SqlalchemyClientConfiguration,
        capabilities: DestinationCapabilitiesContext,
    ) -> None:
        super().__init__(schema, config, capabilities)
        self.replaced: Mapping[str, Replaced] = {}
        """The rows that this load replaces, by table."""
        self.expected: Mapping[str, str] = {}
        """The condition on the rows ``old`` of which this load may bring new versions, by table."""
        self.merges = Merges()
        """What the merges of this load did."""
        datasets = self.sql_client.dataset_name, self.sql_client.staging_dataset_name
        self.sql_client = ExactSqliteClient(*datasets, config.credentials, capabilities)

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
            return SqliteMergeJob(file_path)
        return super().create_load_job(table, file_path, load_id, restore)

    def should_load_data_to_staging_dataset(self, table_name: str) -> bool:
        """No: the merge reads the file."""
        return False

    def should_truncate_table_before_load(self, table_name: str) -> bool:
        """No: the merge empties the table in its transaction, so a killed load changes nothing."""
        return False

    def get_storage_tables(
        self, table_names: Iterable[str]
    ) -> Iterable[tuple[str, TTableSchemaColumns]]:
        """The columns of tables as they really are, with dlt's data types."""
        known = {type_: data_type for data_type, type_ in TYPES.items()}
        for table in table_names:
            rows = self.sql_client.execute_sql(_COLUMNS, table, self.sql_client.dataset_name) or ()
            columns: Any = {
                name: {
                    "name": name,
                    "nullable": not not_null,
                    "data_type": known.get(type_, "text"),
                }
                for name, type_, not_null in rows
            }
            yield table, columns
