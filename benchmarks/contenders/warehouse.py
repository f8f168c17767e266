"""The warehouse of a contender: a DuckDB file, or a PostgreSQL database.

In: a job. Its option ``postgres`` is the address of a database; without it, the warehouse is the DuckDB file of
the job. Out: the settings of this package's destination; dlt's destination; the dataset, which is empty.
"""

from __future__ import annotations

import os
from typing import Any

from benchmarks.workload.job import DATASET, Job


def choose_warehouse(job: Job) -> None:
    """Set the destination of this package, and empty the dataset."""
    if address := job.options.get("postgres"):
        _empty(address)
        os.environ["ANALYTICS_SYNC__DESTINATION"] = "postgres"
        os.environ["DESTINATION__POSTGRES__CREDENTIALS"] = address
    else:
        os.environ["DESTINATION__DUCKDB__CREDENTIALS"] = str(job.database)


def dlt_destination(job: Job) -> Any:
    """The destination of plain dlt, whose dataset is empty."""
    import dlt  # peers do without

    if address := job.options.get("postgres"):
        _empty(address)
        return dlt.destinations.postgres(address)
    return dlt.destinations.duckdb(str(job.database))


def rows_and_ids(address: str, table: str) -> tuple[int, int]:
    """The number of rows of a PostgreSQL table, and the number of its keys."""
    import psycopg2

    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute(f"SELECT count(*), count(DISTINCT id) FROM {DATASET}.{table}")
        rows, ids = cursor.fetchall()[0]
    return rows, ids


def _empty(address: str) -> None:
    """Drop what an earlier contender has left."""
    import psycopg2

    with psycopg2.connect(address) as server, server.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {DATASET} CASCADE")
