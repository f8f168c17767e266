"""``dagster asset materialize``, from the start of its process to its end.

In: the option ``module``, a code location, and ``select``, its assets. ``days`` is the number of
daily partitions; with ``partitioned`` the run covers all of them. With ``as_it_comes`` Dagster's
instance has its own default settings. Out: a load that returns figures: the numbers of
materializations and checks. The sandbox and the instance start before the clock.
"""

from __future__ import annotations

import atexit
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from analytics_sync.demo import Home, sandbox
from benchmarks.workload.job import Job

HAS_CHILD_PROCESS = True


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """Start the sandbox and create the instance; return the load."""
    options = job.options
    home = Home(Path(job.folder))
    home.prepare(remove_existing=False)
    if options.get("as_it_comes"):
        (home.dagster / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    today = datetime.now(UTC).date()
    home.start = today - timedelta(days=options["days"] - 1)
    stack = ExitStack()
    atexit.register(stack.close)
    settings = stack.enter_context(sandbox(home, "--days", str(options["days"])))
    arguments = ["--select", options["select"], "-m", options["module"]]
    if options.get("partitioned"):
        arguments += ["--partition-range", f"{home.start}...{today}"]

    def run_load() -> dict[str, float]:
        done = subprocess.run(
            [sys.executable, "-m", "dagster", "asset", "materialize", *arguments],
            env=home.environment(settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:]
        return {
            "materializations": done.stdout.count(" - ASSET_MATERIALIZATION - "),
            "checks": done.stdout.count(" - ASSET_CHECK_EVALUATION - "),
        }

    return run_load
