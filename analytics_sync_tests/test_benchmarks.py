"""The benchmarks run, and compare the same work; what they say of speed is not tested."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from analytics_sync_tests.world import ROOT


def test_the_merge_benchmark_loads_every_row_in_every_way() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks" / "merge.py"), "2500", "1"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    ways = re.findall(r"^(\S.*?) +[\d.]+ s +[\d.]+ x ours +peak +\d+ MB$", done.stdout, re.M)
    assert ways == ["ours", "plain dlt, parquet, no nesting", "plain dlt, parquet"]
