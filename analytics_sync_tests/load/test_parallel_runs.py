"""Parallel runs into one DuckDB file: each load waits for the lock, and no row is lost."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from analytics_sync_tests.support.oracle import assert_same
from analytics_sync_tests.support.world import ROOT, World

CODE = """
import sys
from datetime import UTC, datetime
from analytics_sync.extract.run import ReadRun
from analytics_sync.common.window import Window
from analytics_sync.load.pipeline import load
from analytics_sync.catalog import load_catalog

run_id, source, first, last, *names = sys.argv[1:]
window = Window(*(datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (first, last)))
with ReadRun(load_catalog()[source], window, names) as run:
    load(run, run_id)
    assert not run.failures(), run.failures()
"""


@pytest.mark.slow
def test_parallel_runs_lose_nothing(world: World, tmp_path: Path) -> None:
    whole = (str(world.start), str(world.end))
    first_day = (str(world.days[0]), str(world.days[1]))
    work = [
        ("observability", whole, ["incidents", "logs", "users"]),
        ("observability", whole, ["incidents", "logs", "users"]),
        ("observability", first_day, ["incidents", "audit_logs"]),
        ("observability", whole, ["audit_logs", "monitors"]),
        ("delivery", whole, ["builds", "audit", "agents"]),
        ("customer_data", whole, ["users", "usage_mtu_daily"]),
    ]
    running = [
        subprocess.Popen(
            [sys.executable, "-c", CODE, f"run{number}", source, *window, *names],
            env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=tmp_path, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for number, (source, window, names) in enumerate(work)
    ]  # fmt: skip
    for process in running:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output[-3000:]
    for source, _, names in work:
        for name in names:
            resource = world.sources[source].resources[name]
            expected = world.expected(str(resource), world.start, world.end)
            assert assert_same(resource, world.table(str(resource)), expected)
    schemas = {name for (name,) in world.query("SELECT schema_name FROM duckdb_schemas()")}
    assert not {name for name in schemas if "staging" in name}
