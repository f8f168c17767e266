"""The stop of a run: one flag, and everything that waits looks at it.

In: a signal to the process. Out: ``Stopped`` in every thread of the run, at its next wait or page, and an
interrupt of every statement that runs in the warehouse.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress

_SECONDS_BETWEEN_INTERRUPTS = 0.2


class Stopped(BaseException):
    """The run is being stopped. No ``except Exception`` may turn this into an error of a resource."""


class Stop:
    """The flag of one run. Threads may share it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._interrupts: list[Callable[[], object]] = []

    def is_set(self) -> bool:
        """Whether the run is being stopped."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise if the run is being stopped.

        Raises:
            Stopped: It is.
        """
        if self._event.is_set():
            raise Stopped

    def wait(self, seconds: float) -> None:
        """Wait for a number of seconds.

        Raises:
            Stopped: The run is being stopped; at once, also in the middle of the wait.
        """
        if self._event.wait(seconds):
            raise Stopped

    def add(self, interrupt: Callable[[], object]) -> None:
        """Call a function when the run is stopped: it ends what a thread cannot leave by itself."""
        with self._lock:
            self._interrupts.append(interrupt)

    def remove(self, interrupt: Callable[[], object]) -> None:
        """Do not call this function any more."""
        with self._lock, suppress(ValueError):
            self._interrupts.remove(interrupt)

    def set(self) -> None:
        """Stop the run, and interrupt what runs now. Call it again for what has begun since."""
        self._event.set()
        with self._lock:
            interrupts = list(self._interrupts)
        for interrupt in interrupts:
            with suppress(Exception):  # its connection may be closed by now
                interrupt()

    def end(self, thread: threading.Thread) -> None:
        """Stop the run, and wait for the end of its thread."""
        while thread.is_alive():
            self.set()
            thread.join(_SECONDS_BETWEEN_INTERRUPTS)
