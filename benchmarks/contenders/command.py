"""Python with arguments, from the start of the process to its end.

In: the option ``arguments``. Out: nothing but the time it took.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

from benchmarks.workload.job import Job

PIPELINE = True


def prepare(job: Job) -> Callable[[], None]:
    """See the package."""

    def go() -> None:
        subprocess.run([sys.executable, *job.options["arguments"]], check=True)

    return go
