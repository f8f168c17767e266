"""Tests of the whole command line: each command has a function, and help is cheap."""

from __future__ import annotations

import argparse
import inspect
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module

import pytest

from analytics_sync.cli import main
from analytics_sync.commands.parsers.command_line import command_line
from analytics_sync_tests.support.world import ROOT


def commands(
    parser: argparse.ArgumentParser, name: str = ""
) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command that runs a function, by the words that call it, and its parser."""
    lists = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    if not lists:
        yield name, parser
    for word, command in lists[0].choices.items() if lists else ():
        yield from commands(command, f"{name} {word}".strip())


COMMANDS = dict(commands(command_line()))


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_names_a_function_that_takes_its_arguments(name: str) -> None:
    module, _, function = COMMANDS[name].get_default("run").partition(":")
    found = getattr(import_module(module), function)
    assert len(inspect.signature(found).parameters) == 1


@pytest.mark.parametrize("arguments", [["--help"], ["schema", "--help"], ["nonsense"], ["run"]])
def test_help_and_wrong_usage_import_the_standard_library_only(arguments: list[str]) -> None:
    script = (
        "import sys; before = set(sys.modules); from analytics_sync.cli import main\n"
        f"try: main({arguments!r})\n"
        "except SystemExit: pass\n"
        "names = {m.partition('.')[0] for m in set(sys.modules) - before}\n"
        "print(sorted(names - set(sys.stdlib_module_names)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "['analytics_sync']"


def test_an_unknown_command_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["nonsense"])
    assert stopped.value.code == 2
    assert "invalid choice: 'nonsense'" in capsys.readouterr().err
