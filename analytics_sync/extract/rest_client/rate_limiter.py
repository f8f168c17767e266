"""A declared rate limit, kept by everybody who asks the same API from this machine.

In: ``rate_limit`` of a source. Out: waits, so that no ``seconds`` hold more than ``requests``. The
times of the last requests stand in a small file that all threads and processes of this user share; a
turn costs one locked read and write of it. A request that took longer than others may have arrived
late, and counts from then. Where the API asks for patience, all of them wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import struct
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from analytics_sync.catalog.client import RateLimit
from analytics_sync.common.private_folder import ensure_private

_NUMBER = struct.Struct("q")
_NEXT, _PAUSE, _TIMES = 0, _NUMBER.size, 2 * _NUMBER.size  # where they stand in the file
# requests do not arrive as evenly as they leave: of each span so much, and at most so many seconds
_SLACK, _MOST_SLACK = 0.03, 0.5
_FORGOTTEN = 86_400.0
_ON_TIME = 2_000_000  # nanoseconds


@dataclass(frozen=True)
class Slot:
    """A request's turn.

    Attributes:
        waited: Seconds.
        place: Where its time stands in the file.
        at: When it comes, in nanoseconds of the monotonic clock.
    """

    waited: float = 0.0
    place: int = 0
    at: int = 0


class RateLimiter:
    """Turns at one API. Threads may share it.

    Args:
        limit: The declared limit; None is none.
        api: What tells the API and the account from others; it is not shown anywhere.
    """

    def __init__(self, limit: RateLimit | None, api: str) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._file: int | None = None
        self._fastest = 1 << 62
        if limit is None:
            return
        slack = min(_SLACK * limit.seconds, _MOST_SLACK)
        self._span = int((limit.seconds + slack) * 1e9)
        folder = Path(tempfile.gettempdir()) / f"analytics-sync-pace-{os.getuid()}"
        ensure_private(folder)
        _remove_old(folder)
        identity = f"{api} {limit.requests} {limit.seconds}".encode()
        # slowly: a key could be found by trying if its mark were quick to make
        mark = hashlib.scrypt(identity, salt=b"pace", n=2**14, r=8, p=1, dklen=16)
        self._path = folder / mark.hex()

    def turn(self, sleep: Callable[[float], None]) -> Slot:
        """Wait for this request's turn."""
        if self._limit is None:
            return Slot()
        with self._lock, _Locked(self._open()) as file:
            now = time.monotonic_ns()
            place = _read(file, _NEXT) % self._limit.requests
            at = _TIMES + place * _NUMBER.size
            # the request before the last ``requests`` must be a whole span ago
            earliest = max(now, self._past(_read(file, at), now) + self._span)
            earliest = max(earliest, self._past(_read(file, _PAUSE), now))
            _write(file, at, earliest)
            _write(file, _NEXT, place + 1)
        wait = (earliest - now) / 1e9
        if wait > 0:
            sleep(wait)
        return Slot(wait, at, earliest)

    def record_response(self, turn: Slot) -> None:
        """The first byte of the answer is here.

        How long the request was on its way is not known. What it took beyond the fastest is counted
        as that: a process that was busy, or a new connection, must not let the next one in too soon.
        """
        if self._limit is None:
            return
        took = time.monotonic_ns() - turn.at
        self._fastest = min(self._fastest, took)
        late = took - self._fastest
        if late < _ON_TIME:
            return
        with self._lock, _Locked(self._open()) as file:
            if _read(file, turn.place) == turn.at:
                _write(file, turn.place, turn.at + late)

    def pause(self, seconds: float) -> None:
        """Let nobody begin a request for so long."""
        if self._limit is None:
            return
        with self._lock, _Locked(self._open()) as file:
            until = time.monotonic_ns() + int(seconds * 1e9)
            _write(file, _PAUSE, max(until, self._past(_read(file, _PAUSE), until)))

    def close(self) -> None:
        """Leave the file to the others."""
        with self._lock:
            if self._file is not None:
                os.close(self._file)
                self._file = None

    def _past(self, value: int, now: int) -> int:
        """A time of the file; a clock that began anew with the machine makes older ones wrong."""
        queue = 100 * self._span + int(_FORGOTTEN * 1e9)
        return value if 0 < value <= now + queue else now - self._span

    def _open(self) -> int:
        if self._file is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            self._file = os.open(self._path, flags, 0o600)
        return self._file


class _Locked:
    """The file, while nobody else uses it."""

    def __init__(self, file: int) -> None:
        self._file = file

    def __enter__(self) -> int:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        return self._file

    def __exit__(self, *_: object) -> None:
        fcntl.flock(self._file, fcntl.LOCK_UN)


def _read(file: int, at: int) -> int:
    raw = os.pread(file, _NUMBER.size, at)
    return int(_NUMBER.unpack(raw)[0]) if len(raw) == _NUMBER.size else 0


def _write(file: int, at: int, value: int) -> None:
    os.pwrite(file, _NUMBER.pack(value), at)


def _remove_old(folder: Path) -> None:
    for path in folder.iterdir():
        with suppress(OSError):
            if time.time() - path.stat().st_mtime > _FORGOTTEN:
                path.unlink()
