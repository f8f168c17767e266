"""The tutorial and the page for users of other tools are true: their commands run, in their order."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.documents import commands, run_script, script_of, write_commands
from analytics_sync_tests.support.world import ROOT

pytestmark = pytest.mark.slow


def run_document(name: str, folder: Path) -> str:
    """Run all commands of a document in a folder that has the examples; return what they print."""
    todo = [c for c in commands((ROOT / "docs" / name).read_text()) if "activate" not in c]
    shutil.copytree(ROOT / "examples", folder / "examples")
    write_commands(folder / "bin")
    environment = {
        **{n: v for n, v in os.environ.items() if "__" not in n},
        "HOME": str(folder / "home"),
        "DO_NOT_TRACK": "1",
        "DAGSTER_DISABLE_TELEMETRY": "yes",
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "ignore",
    }
    status, output = run_script(script_of(todo), environment, folder)
    assert status == 0, output[-5000:]
    assert output.count("== ") >= len(todo) > 0
    return output


def test_the_tutorial(tmp_path: Path) -> None:
    output = run_document("tutorial.md", tmp_path)
    assert "incremental, proven" in output
    assert "1 resource: 1 ok, 0 failed, 0 not proven" in output
    loads = re.findall(r"1 of 1 assets loaded, (\d+) rows, 8 of 8 checks passed", output)
    assert len(loads) == 2
    ((rows, keys),) = duckdb_file.query(
        tmp_path / "tutorial.duckdb", "SELECT count(*), count(DISTINCT id) FROM app.actions"
    )
    assert loads == [str(rows), str(keys)]


def test_coming_from_another_tool(tmp_path: Path) -> None:
    assert "source: helpdesk" in run_document("coming-from.md", tmp_path)
