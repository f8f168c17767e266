"""A server of ready-made answers, in a process of its own.

In: a function that makes the routes, a latency. Out: a URL, and how many requests came. A route
takes a path and the query and returns a body, or a ``Refusal``; it serves the path it is registered
for and everything below. Little is done per request but to look the answer up, so that what is
measured is the client.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from urllib.parse import parse_qsl

from benchmarks.workload.records import EMPTY


@dataclass(frozen=True)
class Refusal:
    """An answer that is no page.

    Attributes:
        status: Code and reason.
        retry_after: Seconds to wait before the next request.
    """

    status: str
    retry_after: int


Route = Callable[[str, Mapping[str, str]], bytes | Refusal]
Routes = Mapping[str, Route]

# forked, so that routes may be closures, and before anything starts threads
_FORK = multiprocessing.get_context("fork")


def paged(bodies: Sequence[bytes]) -> Route:
    """The route of a table: ``?page=N``, from 0 on; after the last page comes an empty one."""

    def route(_: str, query: Mapping[str, str]) -> bytes:
        page = int(query.get("page", 0))
        return bodies[page] if page < len(bodies) else EMPTY

    return route


class Server:
    """Serves on 127.0.0.1 while the context lasts.

    Args:
        make: Path -> route; called in the server's process. The caller must stay small: a process
            it starts counts the caller's memory as its own peak.
        latency: Seconds before each answer; may be set at any time.
    """

    def __init__(self, make: Callable[[], Routes], latency: float = 0.0) -> None:
        self._make = make
        self._latency = _FORK.Value("d", latency)
        self._requests = _FORK.Value("L", 0)

    def __enter__(self) -> Server:
        listening = socket.create_server(("127.0.0.1", 0), backlog=128)
        ready = _FORK.Event()
        self._process = _FORK.Process(target=self._serve, args=(listening, ready), daemon=True)
        self._process.start()
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        listening.close()
        while not ready.wait(0.2):
            if not self._process.is_alive():
                raise RuntimeError("the server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    @property
    def requests(self) -> int:
        """How many requests have come so far."""
        return int(self._requests.value)

    @property
    def latency(self) -> float:
        """Seconds before each answer."""
        return float(self._latency.value)

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._latency.value = seconds

    def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        threading.Thread(target=_end_with_parent, daemon=True).start()
        routes = self._make()
        ready.set()
        while True:
            connection, _ = listening.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._talk, args=(connection, routes), daemon=True).start()

    def _talk(self, connection: socket.socket, routes: Routes) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                while request := lines.readline():
                    headers = {}
                    while (line := lines.readline()) not in (b"\r\n", b""):
                        name, _, value = line.partition(b":")
                        headers[name.strip().lower()] = value.strip().lower()
                    lines.read(int(headers.get(b"content-length", 0)))
                    with self._requests.get_lock():
                        self._requests.value += 1
                    if pause := self._latency.value:
                        time.sleep(pause)
                    _, target, version = request.decode("latin-1").split()
                    close = headers.get(b"connection") == b"close" or version.upper() == "HTTP/1.0"
                    connection.sendall(_answer(routes, target, close))
                    if close:
                        return
            except OSError:
                return  # the client went away


def _answer(routes: Routes, target: str, close: bool) -> bytes:
    path, _, query = target.partition("?")
    route = _find(routes, path)
    status, more, body = b"404 Not Found", b"", b'{"error":"no such path"}'
    if route is not None:
        found = route(path, dict(parse_qsl(query)))
        if isinstance(found, Refusal):
            status, body = found.status.encode(), b'{"error":"refused"}'
            more = b"\r\nRetry-After: " + str(found.retry_after).encode()
        else:
            status, body = b"200 OK", found
    return b"".join(
        (
            b"HTTP/1.1 ",
            status,
            more,
            b"\r\nContent-Type: application/json\r\nContent-Length: ",
            str(len(body)).encode(),
            b"\r\nConnection: close\r\n\r\n" if close else b"\r\n\r\n",
            body,
        )
    )


def _find(routes: Routes, path: str) -> Route | None:
    """The route of the path or of the nearest one above it."""
    while path:
        if path in routes:
            return routes[path]
        path = path.rpartition("/")[0]
    return None


def _end_with_parent() -> None:
    """A killed parent cannot kill the server."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
