"""Meltano's SDK for Singer running a small tap; its messages become the table."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.messages import consume
from benchmarks.workload.job import Job

PIPELINE = True


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""
    return consume(job, "benchmarks.contenders.singer_tap", ("record",))
