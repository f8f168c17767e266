"""One writer at a time for a warehouse that is a single file.

In: the destination. Out: a context manager that waits its turn without using the processor. The
operating system drops the lock when its holder dies, so a killed run leaves nothing to clean up.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock

from analytics_sync.load.destination import DEFAULT, destination_name, duckdb_file

_POLL_SECONDS = 0.1


@contextmanager
def warehouse_lock() -> Iterator[None]:
    """Hold the warehouse; does nothing for destinations that take several writers."""
    if destination_name() != DEFAULT:
        yield
        return
    file = duckdb_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock").acquire(poll_interval=_POLL_SECONDS):
        yield
