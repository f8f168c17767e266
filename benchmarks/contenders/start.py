"""Start of processes that import their modules first and then wait for their release.

In: a module and its arguments. Out: the process, once it has reported that it is ready. So imports
are not timed, and several processes can begin at the same moment.
"""

from __future__ import annotations

import subprocess
import sys

_READY = "ready"


def start_process(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start the module in a process, and wait until the process is ready.

    Raises:
        SystemExit: The process ended before it was ready.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    if process.stdout.readline().strip() != _READY.encode():
        # The last line of the process's traceback is the reason.
        raise SystemExit(process.wait() or 1)
    return process


def release(process: subprocess.Popen[bytes]) -> None:
    """Let a waiting process begin."""
    assert process.stdin is not None
    process.stdin.write(b"go\n")
    process.stdin.close()


def wait_for_release() -> None:
    """Report that this process is ready, and wait until its parent releases it."""
    print(_READY, flush=True)
    sys.stdin.readline()
