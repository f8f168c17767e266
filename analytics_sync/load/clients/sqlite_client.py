"""The SQLite job client: dlt's client of SQLAlchemy with exact types and our merge job.

In: dlt's settings of the destination. Out: a ``SqliteMergeJob`` for each Parquet file of a table that merges or
replaces rows, and no staging dataset.
"""

from __future__ import annotations

from typing import Any

from analytics_sync.load.clients.sqlalchemy_client import DirectJobClient, StoredType, StoredTypes
from analytics_sync.load.clients.sqlite_connection import ExactSqliteClient
from analytics_sync.load.clients.sqlite_merge_job import SqliteMergeJob
from analytics_sync.load.clients.sqlite_values import TYPES, to_stored


class SqliteType(StoredType):
    """A type of SQLite."""

    cache_ok = True  # SQLAlchemy asks each class

    def bind_processor(self, dialect: Any) -> Any:
        """What makes a stored value of a parameter."""
        return to_stored


class SqliteTypes(StoredTypes):
    """dlt's mapper with SQLite's types."""

    types = TYPES
    make = SqliteType


class MergingSqliteClient(DirectJobClient):
    """dlt's client with our merge job."""

    connection = ExactSqliteClient
    merge_job = SqliteMergeJob
    types = TYPES
    columns_query = """
SELECT c.name, c.type, c."notnull" FROM pragma_table_list AS l JOIN pragma_table_xinfo(l.name, l.schema) AS c
WHERE l.name = %s AND l.schema = %s AND c.hidden = 0
"""
