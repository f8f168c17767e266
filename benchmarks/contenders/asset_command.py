"""``dagster asset materialize``, from the start of the process to its end.

In: options ``select`` and ``module``; ``days``, how many partitions there are; ``partitioned``,
whether the run is about all of them; ``as_it_comes``, whether Dagster's instance is its own default.
Out: figures: materializations and checks of the run. Sandbox and instance are there before the clock
runs.
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

PIPELINE = True


def prepare(job: Job) -> Callable[[], dict[str, float]]:
    """See the package."""
    options = job.options
    home = Home(Path(job.folder))
    home.prepare(ignore_journal=False)
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

    def go() -> dict[str, float]:
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

    return go
