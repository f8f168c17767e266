"""A Python command, from the start of its process to its end.

In: the option ``arguments``. Out: a load that runs the command and returns no figures.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.workload.job import Job

HAS_CHILD_PROCESS = True


def prepare(job: Job) -> Callable[[], None]:
    """Return the load."""

    def run_load() -> None:
        subprocess.run([sys.executable, *job.options["arguments"]], check=True)

    return run_load
