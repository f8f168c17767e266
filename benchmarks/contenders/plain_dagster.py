"""dagster-dlt without settings: ``@dlt_assets`` over a ``rest_api`` source.

In: a job. Out: a load that materializes the assets in this process.
"""
# No ``from __future__ import annotations`` here: Dagster needs annotations that are classes.

from collections.abc import Callable, Iterator
from typing import Any

from dagster import AssetExecutionContext, materialize
from dagster_dlt import DagsterDltResource, dlt_assets

from benchmarks.contenders.rest_api import new_pipeline, rest_source
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], None]:
    """Build the assets; return the load."""

    @dlt_assets(dlt_source=rest_source(job), dlt_pipeline=new_pipeline(job))
    def assets(context: AssetExecutionContext, dlt: DagsterDltResource) -> Iterator[Any]:
        yield from dlt.run(context=context)

    def run_load() -> None:
        # Dagster uses an ephemeral instance, because none is passed.
        assert materialize([assets], resources={"dlt": DagsterDltResource()}).success

    return run_load
