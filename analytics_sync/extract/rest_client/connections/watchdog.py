"""The watchdog: ends the connection of a request that takes too long or must stop, whatever it does.

In: for each request its deadline, and the line of the connection that it uses. Out: a connection that is
shut down in both directions, so that every wait for it ends. The timeout of a socket cannot do this: it
limits one call, and a server that sends a byte a second keeps it.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from types import TracebackType

import urllib3

from analytics_sync.extract.rest_client.connections.deadline import Deadline

_TICK_SECONDS = 0.1
_THREAD_NAME = "watchdog"


class Line:
    """A second descriptor of a connection's socket. Shutting it down ends the connection.

    The socket itself may be replaced by one for TLS, or be closed while a response still reads from it.
    The descriptor is closed when its last user has released it. The first user is the connection.

    Args:
        sock: The socket, connected.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock.dup()
        self._users = 1

    def hold(self) -> None:
        """Add a user."""
        self._users += 1

    def release(self) -> None:
        """Remove a user."""
        self._users -= 1
        if not self._users:
            self._sock.close()

    def cut(self) -> None:
        """End the connection."""
        with suppress(OSError):  # the server may have ended it already
            self._sock.shutdown(socket.SHUT_RDWR)


class Watch:
    """The watch over one request and its response. Use it as a context manager, in one thread.

    Args:
        watchdog: Ends the connection.
        deadline: When the read must have ended.
        seconds: How long the response's headers, and then each further part of its data, may take.
        max_bytes: How many bytes the server may send in all.

    Attributes:
        is_expired: Whether the watchdog has ended the connection.
    """

    __slots__ = (
        "_line",
        "_max_bytes",
        "_received",
        "_seconds",
        "_watchdog",
        "deadline",
        "is_expired",
        "until",
    )

    def __init__(
        self, watchdog: Watchdog, deadline: Deadline, seconds: float, max_bytes: int
    ) -> None:
        self._watchdog = watchdog
        self._seconds = seconds
        self._max_bytes = max_bytes
        self._received = 0
        self._line: Line | None = None
        self.deadline = deadline
        self.until = deadline.at
        self.is_expired = False

    def __enter__(self) -> Watch:
        _current.watch = self
        self._watchdog.add(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop to watch.

        Raises:
            TimeoutError: The request failed because its connection was ended.
        """
        _current.watch = None
        self._watchdog.remove(self)
        if self._line is not None:
            self._line.release()
            self._line = None
        if self.is_expired and isinstance(error, urllib3.exceptions.HTTPError | OSError):
            raise self.timeout() from error

    def attach(self, line: Line) -> None:
        """Note the connection that the request uses; the time of the headers begins now."""
        if self._line is not line:
            line.hold()
            self._line = line
        self.renew()

    def renew(self) -> None:
        """Grant the next part of the response its time."""
        self.until = min(self.deadline.at, time.monotonic() + self._seconds)

    def count(self, received: int) -> None:
        """Count bytes from the server.

        Raises:
            TooMuchSent: The server has sent more than ``max_bytes``.
        """
        self._received += received
        if self._received > self._max_bytes:
            raise TooMuchSent(f"sends more than {self._max_bytes:,} bytes")

    def expire(self) -> None:
        """End the connection; the watchdog calls it."""
        self.is_expired = True
        if self._line is not None:
            self._line.cut()

    def timeout(self) -> TimeoutError:
        """The error of a request whose connection was ended."""
        return TimeoutError(
            f"the server took more than {self._seconds:g} s for the next part of its response. "
            "client.read_timeout is the limit"
        )


class TooMuchSent(Exception):
    """A server sends more bytes than one response may have, headers and packing included."""


class Watchdog:
    """Watches all requests of a session, in one thread, which starts with the first request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._watches: set[Watch] = set()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, watch: Watch) -> None:
        """Watch a request."""
        with self._lock:
            self._watches.add(watch)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=_THREAD_NAME, daemon=True)
                self._thread.start()

    def remove(self, watch: Watch) -> None:
        """Stop to watch a request: its connection may serve the next one."""
        with self._lock:
            self._watches.discard(watch)

    def close(self) -> None:
        """End the thread."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(_TICK_SECONDS):
            now = time.monotonic()
            with self._lock:
                for watch in self._watches:
                    if now >= watch.until or watch.deadline.stop.is_set():
                        watch.expire()


_current = threading.local()


def current_watch() -> Watch:
    """The watch over the request of this thread."""
    watch: Watch = _current.watch
    return watch
