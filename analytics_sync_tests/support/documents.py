"""The commands of a document, run as a reader types them.

In: the text of a document. Out: its blocks and commands, and what a shell prints that runs them.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_WAIT_FOR_SANDBOX = """for i in $(seq 300); do
  python -c "import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/_sandbox')" 2>/dev/null && break
done"""


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", document, re.DOTALL | re.MULTILINE)


def commands(document: str) -> list[str]:
    """Every command of every shell block, in order, without comments."""
    lines = [
        line.split(" #")[0].strip()
        for block in blocks(document, "sh")
        for line in block.splitlines()
    ]
    return [line for line in lines if line and not line.startswith("#")]


def write_commands(folder: Path) -> None:
    """Write a script for each command of the package, so that it needs no activated environment."""
    folder.mkdir()
    modules = {"dagster": "-m dagster", "analytics-sync": "-m analytics_sync.cli", "python": ""}
    for name, module in modules.items():
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module} "$@"\n')
        script.chmod(0o755)


def script_of(todo: list[str]) -> str:
    """A shell script that names and runs each command, and waits for a sandbox to answer."""
    lines = ["set -e"]
    for command in todo:
        lines += [f"echo '== {command.replace(chr(39), '')}'", command]
        if command.endswith("&") and (port := re.search(r"--port (\d+)", command)):
            lines.append(_WAIT_FOR_SANDBOX.format(port=port[1]))
    return "\n".join(lines)


def run_script(script: str, environment: Mapping[str, str], folder: Path) -> tuple[int, str]:
    """The exit status and the output of a shell script. No process that it starts outlives it."""
    # A pipe would stay open as long as a server that the script has started.
    said = folder / "said.txt"
    with (
        said.open("w") as output,
        subprocess.Popen(
            ["bash", "-c", script],
            env=environment, cwd=folder, start_new_session=True,
            stdout=output, stderr=subprocess.STDOUT,
        ) as process,
    ):  # fmt: skip
        try:
            process.wait(timeout=300)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, said.read_text()
