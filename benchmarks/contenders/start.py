"""Processes that import what they need first and begin when they are let go.

In: a module and its arguments. Out: the process, once it has said that it is ready. So imports are
not timed, and several can begin at the same moment.
"""

from __future__ import annotations

import subprocess
import sys

READY = "ready"


def start(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start it, and wait until it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY.encode():
        raise SystemExit(process.wait() or 1)  # the last line of its traceback is the reason
    return process


def let_go(process: subprocess.Popen[bytes]) -> None:
    """Let it begin."""
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.close()


def wait_for_start() -> None:
    """The side of the process that was started."""
    print(READY, flush=True)
    sys.stdin.readline()
