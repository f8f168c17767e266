"""The command lines of all processes, which every user of a machine can read.

In: a block of code. Out: every command line that was there while the block ran.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_SECONDS = 0.2


@contextmanager
def command_lines() -> Iterator[set[str]]:
    """Collect command lines until the block ends."""
    found: set[str] = set()
    over = threading.Event()

    def collect() -> None:
        while not over.wait(_SECONDS):
            for path in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # the process has ended
                    found.add(path.read_bytes().decode("latin-1").replace("\0", " "))

    thread = threading.Thread(target=collect)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
