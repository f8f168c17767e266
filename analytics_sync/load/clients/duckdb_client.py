"""The DuckDB job client: dlt's own, except that Parquet files merge straight into their tables.

In: dlt's settings of the destination. Out: a ``DuckDbMergeJob`` for each Parquet file of a table
that merges or replaces rows, and no staging dataset.
"""

from __future__ import annotations

from dlt.destinations.impl.duckdb.duck import DuckDbClient

from analytics_sync.load.clients.duckdb_connection import PinnedDuckDbClient
from analytics_sync.load.clients.duckdb_merge_job import DuckDbMergeJob
from analytics_sync.load.clients.merging_client import MergingClient


class MergingDuckDbClient(MergingClient, DuckDbClient):
    """dlt's client with our merge job."""

    connection = PinnedDuckDbClient
    merge_job = DuckDbMergeJob
