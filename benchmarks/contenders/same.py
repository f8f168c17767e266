"""Do two warehouses hold the same rows, whenever they were read?

In: ``first.duckdb`` beside the job's own file, and the option ``tables``. Out: an
``AssertionError`` if a row is in one of them only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import duckdb

from benchmarks.workload.job import DATASET, FIRST, Job

_OF_A_LOAD = ("_read_at", "_dlt_load_id")


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""

    def go() -> None:
        with duckdb.connect(str(job.database), read_only=True) as connection:
            connection.execute(f"ATTACH '{Path(job.folder) / FIRST}' AS earlier (READ_ONLY)")
            for table in job.options["tables"]:
                now = f"SELECT * EXCLUDE ({', '.join(_OF_A_LOAD)}) FROM {{}}{DATASET}.{table}"
                here, there = now.format(""), now.format("earlier.")
                for one, other in ((here, there), (there, here)):
                    sql = f"SELECT count(*) FROM ({one} EXCEPT ALL {other})"
                    rows = connection.execute(sql).fetchall()[0][0]
                    assert rows == 0, f"{table}: {rows} rows differ after the second sync"

    return go
