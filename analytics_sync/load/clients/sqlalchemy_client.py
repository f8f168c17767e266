"""The job client of a database behind SQLAlchemy: dlt's own, with types of ours by name, and our merge job.

In: dlt's settings of the destination, and the types of a database. Out: tables whose columns have these types,
and the columns of tables as they really are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import sqlalchemy as sa
from dlt.common.destination.typing import PreparedTableSchema
from dlt.common.schema.typing import TColumnSchema, TTableSchemaColumns
from dlt.destinations.impl.sqlalchemy.sqlalchemy_job_client import SqlalchemyJobClient
from dlt.destinations.impl.sqlalchemy.type_mapper import SqlalchemyTypeMapper

from analytics_sync.load.clients.merging_client import MergingClient


class StoredType(sa.types.UserDefinedType[Any]):
    """A type of a column, by its name in the database."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        """The name of the type in SQL."""
        return self.name


class StoredTypes(SqlalchemyTypeMapper):
    """dlt's mapper with types that keep values as they are.

    Attributes:
        types: The name of the type by dlt's data type.
        make: Makes a type of a name.
    """

    types: ClassVar[Mapping[str, str]]
    make: ClassVar[type[StoredType]] = StoredType

    def to_destination_type(
        self, column: TColumnSchema, table: PreparedTableSchema | None = None
    ) -> Any:
        """The type of a column."""
        return self.make(self.types[str(column["data_type"])])


class DirectJobClient(MergingClient, SqlalchemyJobClient):
    """dlt's client with our merge job.

    Attributes:
        types: The name of the type by dlt's data type.
        columns_query: The query of the columns of a table, with its name and its dataset as parameters: name, type,
            and whether it may not be null.
    """

    types: ClassVar[Mapping[str, str]]
    columns_query: ClassVar[str]

    def get_storage_tables(
        self, table_names: Iterable[str]
    ) -> Iterable[tuple[str, TTableSchemaColumns]]:
        """The columns of tables as they really are, with dlt's data types."""
        known = {type_.lower(): data_type for data_type, type_ in self.types.items()}
        for table in table_names:
            dataset = self.sql_client.dataset_name
            rows = self.sql_client.execute_sql(self.columns_query, table, dataset) or ()
            columns: Any = {
                name: {
                    "name": name,
                    "nullable": not not_null,
                    "data_type": known.get(type_.lower(), "text"),
                }
                for name, type_, not_null in rows
            }
            yield table, columns
