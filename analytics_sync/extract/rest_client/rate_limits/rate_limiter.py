"""The rate limiter of one API account, shared by all processes of this user on this machine.

In: the ``rate_limit`` of a source. Out: slots, spaced so that no ``seconds`` hold more than
``requests``. Threads and processes share the times of the last N = ``requests`` slots in a small
file, a ring of 8-byte integers in native byte order::

    next | pause_until | t0 | t1 | ... | tN-1

``next % N`` is the place of the oldest time, which the next slot replaces. ``pause_until`` and the
times are nanoseconds of the monotonic clock. A slot costs one locked read and write of the file. A
request that took longer than others may have arrived late, so its time is moved to its likely
arrival. When the API asks for a pause, all processes wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from analytics_sync.catalog.config.client import RateLimit
from analytics_sync.extract.rest_client.rate_limits.rate_limit_file import open_rate_limit_file

_NUMBER = struct.Struct("q")
# byte offsets in the file
_NEXT, _PAUSE_UNTIL, _TIMES = 0, _NUMBER.size, 2 * _NUMBER.size
# requests do not arrive as evenly as they leave, so the span is a little longer than declared
_SLACK_SHARE = 0.03
_MAX_SLACK_SECONDS = 0.5
_LONGEST_PAUSE_NS = 86_400 * 10**9
# a lock is held for some microseconds, unless its process is stopped
_MAX_LOCK_SECONDS = 60.0
_MIN_POLL_SECONDS, _MAX_POLL_SECONDS = 0.0002, 0.02
_MIN_DELAY_NS = 2_000_000  # a request that took less than this beyond the fastest is on time


Check = Callable[[float, str], None]
"""Takes the seconds of a wait, and what the wait is for; raises if the wait ends too late."""


def _no_check(seconds: float, doing: str) -> None:
    pass


@dataclass(frozen=True)
class Slot:
    """The permission to send one request.

    Attributes:
        waited_seconds: The wait for the slot.
        file_offset: The byte offset of the slot's time in the file.
        starts_at_ns: When the slot begins, in nanoseconds of the monotonic clock.
    """

    waited_seconds: float = 0.0
    file_offset: int = 0
    starts_at_ns: int = 0


class RateLimiter:
    """Hands out slots for one API account. Threads may share it.

    Args:
        limit: The declared limit; None for no limit.
        account: Identifies the API and the account; a secret.
    """

    def __init__(self, limit: RateLimit | None, account: str) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._file: int | None = None
        self._path = Path()
        self._fastest_ns = 1 << 62
        if limit is None:
            return
        slack = min(_SLACK_SHARE * limit.seconds, _MAX_SLACK_SECONDS)
        self._span_ns = int((limit.seconds + slack) * 1e9)
        identity = f"{account} {limit.requests} {limit.seconds}".encode()
        # scrypt is slow on purpose: a fast hash in the file name would let a key be guessed
        digest = hashlib.scrypt(identity, salt=b"pace", n=2**14, r=8, p=1, dklen=16)
        self._name = digest.hex()

    def acquire(self, sleep: Callable[[float], None], check: Check = _no_check) -> Slot:
        """Wait for the next free slot and take it.

        Args:
            sleep: Waits for a number of seconds.
            check: Called before each wait; it raises if the wait ends too late. No slot is taken then.

        Raises:
            TimeoutError: Another process holds the file for too long.
        """
        if self._limit is None:
            return Slot()
        with self._locked(check) as file:
            now = time.monotonic_ns()
            number = _read(file, _NEXT) % self._limit.requests
            offset = _TIMES + number * _NUMBER.size
            # the slot that was taken N slots ago must be a whole span in the past
            starts_at = max(now, self._plausible(_read(file, offset), now) + self._span_ns)
            starts_at = max(starts_at, self._plausible(_read(file, _PAUSE_UNTIL), now))
            wait = (starts_at - now) / 1e9
            check(wait, "the wait for the rate limit")
            _write(file, offset, starts_at)
            _write(file, _NEXT, number + 1)
        if wait > 0:
            sleep(wait)
        return Slot(wait, offset, starts_at)

    def record_response(self, slot: Slot, check: Check = _no_check) -> None:
        """Move the slot's time to the likely arrival of its request.

        Call this at the first byte of the response. The time that the request was on its way is
        unknown. The time beyond that of the fastest request counts as delay: a request delayed by
        a busy process or a new connection must not let the next request in too soon.

        Args:
            slot: The slot of the request.
            check: As for ``acquire``.
        """
        if self._limit is None:
            return
        took = time.monotonic_ns() - slot.starts_at_ns
        self._fastest_ns = min(self._fastest_ns, took)
        delay = took - self._fastest_ns
        if delay < _MIN_DELAY_NS:
            return
        with self._locked(check) as file:
            if _read(file, slot.file_offset) == slot.starts_at_ns:
                _write(file, slot.file_offset, slot.starts_at_ns + delay)

    def pause(self, seconds: float, check: Check = _no_check) -> None:
        """Hand out no slot of this account for a number of seconds, in any process.

        Args:
            seconds: From now on.
            check: As for ``acquire``.
        """
        if self._limit is None:
            return
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
        """A time from the file, or a harmless one if it cannot be right.

        The monotonic clock starts again when the machine does, so times in an older file may lie
        far in the future. A damaged file may hold any number.
        """
        longest_queue_ns = 100 * self._span_ns + _LONGEST_PAUSE_NS
        return time_ns if 0 < time_ns <= now + longest_queue_ns else now - self._span_ns

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
