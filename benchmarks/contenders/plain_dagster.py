"""dagster-dlt as it comes: ``@dlt_assets`` over a ``rest_api`` source, materialized in-process.

Dagster reads annotations as objects: they are not put off here.
"""

from collections.abc import Callable, Iterator
from typing import Any

from dagster import AssetExecutionContext, materialize
from dagster_dlt import DagsterDltResource, dlt_assets

from benchmarks.contenders.rest_api import pipeline, rest_source
from benchmarks.workload.job import Job


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""

    @dlt_assets(dlt_source=rest_source(job), dlt_pipeline=pipeline(job))
    def assets(context: AssetExecutionContext, dlt: DagsterDltResource) -> Iterator[Any]:
        yield from dlt.run(context=context)

    def go() -> None:
        # without an instance given, it is an ephemeral one
        assert materialize([assets], resources={"dlt": DagsterDltResource()}).success

    return go
