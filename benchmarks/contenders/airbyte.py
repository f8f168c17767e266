"""Airbyte's CDK running a declarative manifest; its messages become the table."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.messages import consume
from benchmarks.workload.job import Job

PIPELINE = True


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""
    return consume(job, "benchmarks.contenders.airbyte_source", ("record", "data"))
