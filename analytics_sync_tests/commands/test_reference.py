"""``docs/commands.md``: it is what the parser says."""

from __future__ import annotations

import subprocess
import sys

import pytest

from analytics_sync.commands.parsers.command_line import command_line
from analytics_sync.commands.reference import reference
from analytics_sync_tests.project.test_command_line import commands
from analytics_sync_tests.support.world import ROOT

MAKE = "python -m analytics_sync.commands.reference > docs/commands.md"


def test_the_page_is_made_from_the_parser() -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert page == reference(), f"run: {MAKE}"
    assert MAKE in page


def test_the_module_prints_the_page() -> None:
    command = [sys.executable, "-m", "analytics_sync.commands.reference"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == reference()


@pytest.mark.parametrize("name", dict(commands(command_line())))
def test_each_command_says_what_its_exit_status_means(name: str) -> None:
    parser = dict(commands(command_line()))[name]
    if name not in ("demo", "dev"):  # they end with the status of the program that they run
        assert str(parser.epilog).startswith("Exit status: 0")
