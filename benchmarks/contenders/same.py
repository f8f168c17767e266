"""Comparison of two warehouses: both must hold the same rows, whenever they were read.

In: ``first.duckdb`` beside the job's database, and the option ``tables``. Out: a load that raises
``AssertionError`` if a row is in one of the two only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.workload.job import DATASET, FIRST_SYNC_COPY, Job

_COLUMNS_OF_A_LOAD = ("_read_at", "_dlt_load_id")


def prepare(job: Job) -> Callable[[], None]:
    """Return the comparison."""

    def compare() -> None:
        first_copy = Path(job.folder) / FIRST_SYNC_COPY
        excluded = ", ".join(_COLUMNS_OF_A_LOAD)
        with duckdb.connect(str(job.database), read_only=True) as connection:
            connection.execute(f"ATTACH '{first_copy}' AS earlier (READ_ONLY)")
            for table in job.options["tables"]:
                now = f"SELECT * EXCLUDE ({excluded}) FROM {DATASET}.{table}"
                earlier = f"SELECT * EXCLUDE ({excluded}) FROM earlier.{DATASET}.{table}"
                for left, right in ((now, earlier), (earlier, now)):
                    sql = f"SELECT count(*) FROM ({left} EXCEPT ALL {right})"
                    rows = connection.execute(sql).fetchall()[0][0]
                    assert rows == 0, f"{table}: {rows} rows differ after the second sync"

    return compare
