"""Airbyte's CDK running a declarative manifest; its messages become the table."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.job import Job
from benchmarks.ways.messages import consume

PIPELINE = True


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""
    return consume(job, "benchmarks.ways.airbyte_source", ("record", "data"))
