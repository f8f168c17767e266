"""Modules that dlt imports while it runs.

Both this package and plain dlt import them here, before the clock starts.
"""

# ruff: noqa: F401

import dlt._workspace.cli
import dlt.destinations.impl.duckdb.duck
import dlt.sources.helpers
import dlt.sources.helpers.requests
import pluggy
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
import sqlalchemy
