"""Connections that the watchdog can end at any time, and that connect within the deadline.

In: the watch over the request of this thread. Out: urllib3's connections, with hooks at three places:
where a socket is made, where a request begins, and where bytes of a response arrive.
"""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.util.connection import create_connection

from analytics_sync.extract.rest_client.connections.deadline import Deadline
from analytics_sync.extract.rest_client.connections.watchdog import Line, Watch, current_watch
from analytics_sync.extract.rest_client.urls import is_loopback_address

_SECONDS_BETWEEN_LOOKS = 0.1  # at whether the run must stop


class _WatchedFile(io.RawIOBase):
    """The bytes of a response, as they arrive. After the watchdog's cut they end with an error.

    An end without an error would be the end of a response that has no length.
    """

    def __init__(self, raw: Any, watch: Watch) -> None:
        self._raw = raw
        self._watch = watch

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def readinto(self, buffer: Any) -> int:
        watch = self._watch
        if watch.is_expired:
            raise watch.timeout()
        count = int(self._raw.readinto(buffer) or 0)
        if not count and watch.is_expired:
            raise watch.timeout()
        watch.count(count)
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _WatchedSocket:
    """The side of a socket that a response knows."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        """A buffered file of the bytes that arrive."""
        return io.BufferedReader(
            _WatchedFile(self._sock.makefile(mode, buffering=0), current_watch())
        )


class _WatchedResponse(http.client.HTTPResponse):
    """A response that reads from a watched file; also the response of a proxy to CONNECT."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        watched: Any = _WatchedSocket(sock)
        super().__init__(watched, *args, **kwargs)


class _WatchedConnection(HTTPConnection):
    """A connection with a line for the watchdog."""

    response_class = _WatchedResponse
    _line: Line | None = None

    def _new_conn(self) -> socket.socket:
        watch = current_watch()
        try:
            sock = _within(watch.deadline, self._dial)
        except TimeoutError as e:
            raise urllib3.exceptions.ConnectTimeoutError(
                self, f"looking up {self.host} and connecting took too long"
            ) from e
        self._line = Line(sock)
        watch.attach(self._line)
        return sock

    def _dial(self) -> socket.socket:
        return super()._new_conn()

    def request(self, *args: Any, **kwargs: Any) -> None:
        if self._line is not None:
            current_watch().attach(self._line)
        super().request(*args, **kwargs)

    def close(self) -> None:
        super().close()
        if self._line is not None:
            self._line.release()
            self._line = None


class _WatchedTlsConnection(_WatchedConnection, HTTPSConnection):
    """The same with TLS."""


class _LoopbackConnection(_WatchedConnection):
    """A connection that is made to this machine only, whatever the name resolves to this time."""

    def _dial(self) -> socket.socket:
        try:
            found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except socket.gaierror as e:
            raise urllib3.exceptions.NameResolutionError(self.host, self, e) from e
        addresses = list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))
        problem: Exception | str = (
            f"{self.host} is the address {', '.join(addresses)}, which is not this machine, and plain "
            "http is for this machine only: nothing was sent"
        )
        for address in filter(is_loopback_address, addresses):
            try:
                # the checked address, and no second lookup
                return create_connection(
                    (address, self.port),
                    self.timeout,
                    source_address=self.source_address,
                    socket_options=self.socket_options,
                )
            except OSError as e:
                problem = e
        if isinstance(problem, TimeoutError):
            raise urllib3.exceptions.ConnectTimeoutError(
                self, f"connecting to {self.host} timed out"
            )
        raise urllib3.exceptions.NewConnectionError(
            self, f"Failed to establish a new connection: {problem}"
        )


class HttpPool(urllib3.HTTPConnectionPool):
    """Watched connections without TLS."""

    ConnectionCls = _WatchedConnection


class LoopbackPool(urllib3.HTTPConnectionPool):
    """Watched connections without TLS that do not leave this machine."""

    ConnectionCls = _LoopbackConnection


class HttpsPool(urllib3.HTTPSConnectionPool):
    """Watched connections with TLS."""

    ConnectionCls = _WatchedTlsConnection


def _within(deadline: Deadline, connect: Callable[[], socket.socket]) -> socket.socket:
    """Connect in a thread of its own: nothing else can end the lookup of a name.

    Args:
        deadline: When to wait for the connection no longer.
        connect: Makes it. If it comes too late, it is closed.

    Raises:
        TimeoutError: There is no connection at the deadline.
        Stopped: The run is being stopped.
    """
    connected: Future[socket.socket] = Future()

    def run() -> None:
        try:
            connected.set_result(connect())
        except BaseException as e:
            connected.set_exception(e)

    threading.Thread(target=run, name="connect", daemon=True).start()
    while not wait([connected], min(deadline.remaining(), _SECONDS_BETWEEN_LOOKS)).done:
        if deadline.is_past() or deadline.stop.is_set():
            connected.add_done_callback(_close)
            deadline.stop.check()
            raise TimeoutError
    return connected.result()


def _close(connected: Future[socket.socket]) -> None:
    if connected.exception() is None:
        connected.result().close()
