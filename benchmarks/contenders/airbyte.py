"""Airbyte's CDK, which runs a declarative manifest.

In: a job. Out: a load that writes the records of the CDK's messages to the table.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.contenders.messages import consume_messages
from benchmarks.workload.job import Job

HAS_CHILD_PROCESS = True


def prepare(job: Job) -> Callable[[], None]:
    """Start the connector; return the load."""
    return consume_messages(job, "benchmarks.contenders.airbyte_source", ("record", "data"))
