"""This package: it reads and loads a declaration as an asset does, without Dagster around it.

In: a job. Its option ``source`` is a declaration without a base URL; without it, the declaration is
that of the usual table. The option ``window`` holds two instants, and ``only`` the names of
resources. Out: a load. With ``source`` it returns the figure ``read``, the number of records read.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from analytics_sync.catalog import load_text
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from benchmarks.contenders import imports  # noqa: F401
from benchmarks.contenders.warehouse import choose_warehouse
from benchmarks.workload import declared
from benchmarks.workload.job import DATASET, Job


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Build the source; return the load."""
    choose_warehouse(job)
    options = job.options
    declaration = options.get("source") or declared.customers(job)
    text = declared.catalog_text(declaration, DATASET, job.url)
    source = load_text(text, name=DATASET, file="bench.yaml")
    window = (
        Window(*map(datetime.fromisoformat, options["window"])) if "window" in options else None
    )

    def run_load() -> dict[str, float]:
        with ReadRun(source, window, options.get("only")) as run:
            load(run, "bench")
            assert not run.failures(), run.failures()
            read = sum(run.result(r.name).records for r in run.resources)
            return {"read": read} if "source" in options else {}

    return run_load
