"""The MariaDB job client: dlt's client of SQLAlchemy with exact types and our merge job.

In: dlt's settings of the destination. Out: a ``MariaDbMergeJob`` for each Parquet file of a table that merges or
replaces rows, and no staging dataset.
"""

from __future__ import annotations

from analytics_sync.load.clients.mariadb_connection import ExactMariaDbClient
from analytics_sync.load.clients.mariadb_merge_job import MariaDbMergeJob
from analytics_sync.load.clients.mariadb_types import TYPE_OF_COLUMN, TYPES
from analytics_sync.load.clients.sqlalchemy_client import DirectJobClient, StoredTypes


class MariaDbTypes(StoredTypes):
    """dlt's mapper with MariaDB's types."""

    types = TYPES


class MergingMariaDbClient(DirectJobClient):
    """dlt's client with our merge job."""

    connection = ExactMariaDbClient
    merge_job = MariaDbMergeJob
    types = TYPES
    columns_query = f"""
SELECT column_name, {TYPE_OF_COLUMN}, is_nullable = 'NO' FROM information_schema.columns
WHERE table_name = %s AND table_schema = %s AND extra NOT LIKE '%%INVISIBLE%%' ORDER BY ordinal_position
"""
