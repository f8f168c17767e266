"""What dlt imports while it runs; imported here, it is not part of what is timed.

For ``ours`` and plain dlt alike.
"""

# ruff: noqa: F401

import dlt._workspace.cli
import dlt.destinations.impl.duckdb.duck
import dlt.sources.helpers
import pluggy
import pyarrow.compute
import pyarrow.dataset
import pyarrow.parquet
import sqlalchemy
