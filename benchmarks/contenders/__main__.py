"""Run one way in this process: ``python -m benchmarks.contenders <module> <job>``.

Out: on the last line, as JSON, seconds, rows, figures of the way's own, and peak memory in MB: of
this process, plus that of its one child when the way is a pipeline of two. With the option ``wait``
the way is prepared, and begins when it is let go.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import time

from benchmarks.contenders.check import check
from benchmarks.contenders.start import wait_for_start
from benchmarks.workload.job import Job

_UNIT = 1024 * 1024 if sys.platform == "darwin" else 1024


def main(module: str, text: str) -> None:
    """Prepare, time, check, tell."""
    job = Job.from_json(text)
    way = importlib.import_module(f"benchmarks.contenders.{module}")
    go = way.prepare(job)
    if job.options.get("wait"):
        wait_for_start()
    start = time.perf_counter()
    figures = go() or {}
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if getattr(way, "PIPELINE", False):
        peak += resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    rows = check(job)
    done = {"seconds": seconds, "rows": rows, "peak_mb": peak / _UNIT, "figures": figures}
    print("\n" + json.dumps(done))


if __name__ == "__main__":
    main(*sys.argv[1:3])
