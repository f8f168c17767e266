"""A file of NDJSON becomes the table, at once and without a look at what is there.

In: the file and the job. Out: ``bench.customers`` with the declared types. The file holds one
record a line.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from benchmarks.workload.job import DATASET, TABLE, Job

_TYPES = {
    "bigint": "BIGINT",
    "timestamp": "TIMESTAMPTZ",
    "text": "VARCHAR",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "json": "JSON",
}


def insert(job: Job, file: Path) -> None:
    """Create the table from the file."""
    kinds = ", ".join(f"{name}: '{_TYPES[kind]}'" for name, kind in job.kind.fields.items())
    select = ["*"]
    for path in job.kind.columns:
        if "." in path:
            column, _, key = path.partition(".")
            select.append(f"{column} ->> '$.{key}' AS {column}__{key}")
    with duckdb.connect(str(job.database)) as connection:
        connection.execute(f"CREATE SCHEMA {DATASET}")
        connection.execute(
            f"CREATE TABLE {DATASET}.{TABLE} AS SELECT {', '.join(select)} FROM "
            f"read_json('{file}', format='newline_delimited', columns={{{kinds}}})"
        )
