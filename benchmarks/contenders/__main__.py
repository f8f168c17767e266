"""Run one contender in this process: ``python -m benchmarks.contenders <module> <job>``.

In: the contender's module and its job as JSON. Out: the last line of standard output, as JSON:
seconds, rows, the contender's own figures, and the peak memory in MB. A module with
``HAS_CHILD_PROCESS`` adds the peak of its one child process to the peak of this process. With the
job's option ``wait``, the contender prepares and then waits for its release.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from benchmarks.contenders.check import check_tables
from benchmarks.contenders.start import wait_for_release
from benchmarks.workload.job import Job

_MAXRSS_PER_MB = 1024 * 1024 if sys.platform == "darwin" else 1024


def main(module: str, text: str) -> None:
    """Prepare the contender, time its load, check the tables and print the figures."""
    job = Job.from_json(text)
    contender = importlib.import_module(f"benchmarks.contenders.{module}")
    run_load = contender.prepare(job)
    if job.options.get("wait"):
        wait_for_release()
    start = time.perf_counter()
    figures = run_load() or {}
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if getattr(contender, "HAS_CHILD_PROCESS", False):
        peak += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    rows = check_tables(job)
    measured = {
        "seconds": seconds,
        "rows": rows,
        "peak_mb": peak / _MAXRSS_PER_MB,
        "figures": figures,
    }
    print("\n" + json.dumps(measured))


if __name__ == "__main__":
    main(*sys.argv[1:3])
