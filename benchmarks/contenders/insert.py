"""Insertion of an NDJSON file into a new table, in one statement and without a look at keys.

In: the job, and a file with one record a line. Out: ``bench.customers`` with the declared types.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.workload.job import DATASET, TABLE, Job

_DUCKDB_TYPES = {
    "bigint": "BIGINT",
    "timestamp": "TIMESTAMPTZ",
    "text": "VARCHAR",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "json": "JSON",
}


def insert_file(job: Job, file: Path) -> None:
    """Create the table from the file."""
    shape = job.record_shape
    types = ", ".join(f"{name}: '{_DUCKDB_TYPES[type_]}'" for name, type_ in shape.fields.items())
    select = ["*"]
    for path in shape.columns:
        if "." in path:
            column, _, key = path.partition(".")
            select.append(f"{column} ->> '$.{key}' AS {column}__{key}")
    with duckdb.connect(str(job.database)) as connection:
        connection.execute(f"CREATE SCHEMA {DATASET}")
        connection.execute(
            f"CREATE TABLE {DATASET}.{TABLE} AS SELECT {', '.join(select)} FROM "
            f"read_json('{file}', format='newline_delimited', columns={{{types}}})"
        )
