"""dlt's ``rest_api`` source, loaded through parquet files: its fastest simple setting."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.rest_api import pipeline, rest_source
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""

    def go() -> None:
        pipeline(job).run(rest_source(job), loader_file_format="parquet")

    return go
