"""The slots of a rate limit in a small file, which all processes of this user on this machine share.

In: the name of an account. Out: slots. The file is a ring of 8-byte integers in native byte order::

    next | pause_until | t0 | t1 | ... | tN-1

``next % N`` is the place of the oldest time, which the next slot replaces. ``pause_until`` and the
times are nanoseconds of the monotonic clock. A slot costs one locked read and write of the file.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from analytics_sync.extract.coordination.address import Check
from analytics_sync.extract.rest_client.rate_limits.rate_limit_file import open_rate_limit_file
from analytics_sync.extract.rest_client.rate_limits.slots import Slot, plausible

_NUMBER = struct.Struct("q")
# byte offsets in the file
_NEXT, _PAUSE_UNTIL, _TIMES = 0, _NUMBER.size, 2 * _NUMBER.size
# a lock is held for some microseconds, unless its process is stopped
_MAX_LOCK_SECONDS = 60.0
_MIN_POLL_SECONDS, _MAX_POLL_SECONDS = 0.0002, 0.02


class FileSlots:
    """The slots of one account in a file. Threads may share it.

    Args:
        name: The name of the file.
        requests: The number of slots in a span.
        span_ns: The span.
    """

    def __init__(self, name: str, requests: int, span_ns: int) -> None:
        self._name = name
        self._requests = requests
        self._span_ns = span_ns
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path = Path()

    def take(self, check: Check) -> Slot:
        """Take the next slot.

        Raises:
            TimeoutError: Another process holds the file for too long.
        """
        with self._locked(check) as file:
            now = time.monotonic_ns()
            number = _read(file, _NEXT) % self._requests
            offset = _TIMES + number * _NUMBER.size
            # the slot that was taken N slots ago must be a whole span in the past
            starts_at = max(now, self._plausible(_read(file, offset), now) + self._span_ns)
            starts_at = max(starts_at, self._plausible(_read(file, _PAUSE_UNTIL), now))
            wait = (starts_at - now) / 1e9
            check(wait, "the wait for the rate limit")
            _write(file, offset, starts_at)
            _write(file, _NEXT, number + 1)
        return Slot(wait, offset, starts_at, starts_at)

    def move(self, slot: Slot, delay_ns: int, check: Check) -> None:
        """Let a slot begin later, if its place was not given to another one.

        Raises:
            TimeoutError: Another process holds the file for too long.
        """
        with self._locked(check) as file:
            if _read(file, slot.place) == slot.starts_at:
                _write(file, slot.place, slot.starts_at + delay_ns)

    def pause(self, seconds: float, check: Check) -> None:
        """Let no slot begin for a number of seconds from now on.

        Raises:
            TimeoutError: Another process holds the file for too long.
        """
        with self._locked(check) as file:
            until = time.monotonic_ns() + int(seconds * 1e9)
            known = self._plausible(_read(file, _PAUSE_UNTIL), until)
            _write(file, _PAUSE_UNTIL, max(until, known))

    def close(self) -> None:
        """Close the file; other processes may still use it."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _plausible(self, time_ns: int, now: int) -> int:
        return plausible(time_ns, now, self._span_ns, 10**9)

    @contextmanager
    def _locked(self, check: Check) -> Iterator[int]:
        """Hold the file inside the block, against all threads and processes.

        Raises:
            TimeoutError: Another process holds the file for too long.
        """
        waited = 0.0
        pause = _MIN_POLL_SECONDS
        while not self._lock.acquire(timeout=_MAX_POLL_SECONDS):
            check(0.0, "the wait for a lock")
        try:
            file = self._open()
            while not _try_lock(file):
                check(pause, f"the wait for the lock of {self._path}")
                if waited > _MAX_LOCK_SECONDS:
                    raise TimeoutError(
                        f"another process, which may be stopped, has locked the file of the rate limit, "
                        f"{self._path}, for {_MAX_LOCK_SECONDS:.0f} s"
                    )
                time.sleep(pause)
                waited += pause
                pause = min(2 * pause, _MAX_POLL_SECONDS)
            try:
                yield file
            finally:
                fcntl.flock(file, fcntl.LOCK_UN)
        finally:
            self._lock.release()

    def _open(self) -> int:
        if self._file is None:
            self._path, self._file = open_rate_limit_file(self._name)
        return self._file


def _try_lock(file: int) -> bool:
    """Lock the file, unless another process has locked it."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int, offset: int) -> int:
    raw = os.pread(file, _NUMBER.size, offset)
    return int(_NUMBER.unpack(raw)[0]) if len(raw) == _NUMBER.size else 0


def _write(file: int, offset: int, number: int) -> None:
    os.pwrite(file, _NUMBER.pack(number), offset)
