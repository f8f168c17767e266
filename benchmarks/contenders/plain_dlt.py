"""Plain dlt: its ``rest_api`` source, loaded through Parquet files.

In: a job. Its option ``format`` is the format of the files; without it, Parquet, dlt's fastest simple setting
for DuckDB. Out: a load that runs a dlt pipeline.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.rest_api import new_pipeline, rest_source
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], None]:
    """Return the load."""

    def run_load() -> None:
        new_pipeline(job).run(
            rest_source(job), loader_file_format=job.options.get("format", "parquet")
        )

    return run_load
