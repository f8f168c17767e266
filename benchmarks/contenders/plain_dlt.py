"""Plain dlt: its ``rest_api`` source, loaded through Parquet files.

In: a job. Out: a load that runs a dlt pipeline. Parquet is dlt's fastest simple setting.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.rest_api import new_pipeline, rest_source
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], None]:
    """Return the load."""

    def run_load() -> None:
        new_pipeline(job).run(rest_source(job), loader_file_format="parquet")

    return run_load
