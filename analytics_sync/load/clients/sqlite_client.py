"""The SQLite job client: dlt's client of SQLAlchemy with exact types and our merge job.

In: dlt's settings of the destination. Out: a ``SqliteMergeJob`` for each Parquet file of a table that merges or
replaces rows, and no staging dataset.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns
from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient
from dlt.destinations.impl.sqlalchemy.type_mapper import SqlalchemyTypeMapper

from analytics_sync.load.clients.merging_client import MergingClient
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


class MergingSqliteClient(MergingClient, SqlalchemyJobClient):
    """dlt's client with our merge job."""

    connection = ExactSqliteClient
    merge_job = SqliteMergeJob

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
