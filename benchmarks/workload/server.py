"""A server of ready-made answers, in a process of its own.

In: a function that makes the routes, and a latency. Out: a URL, and the number of requests. A route
takes a path and a query, and returns a body or a ``Refusal``. It serves its own path and all paths
below. The server does little more per request than look up the answer, so that a benchmark
measures the client.
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
    """A response with an error status.

    Attributes:
        status: Status code and reason phrase.
        retry_after: Seconds to wait before the next request.
    """

    status: str
    retry_after: int


Route = Callable[[str, Mapping[str, str]], bytes | Refusal]
Routes = Mapping[str, Route]

# Fork, because routes may be closures. A suite starts the server before it starts any thread.
_FORK = multiprocessing.get_context("fork")


def stored_pages(bodies: Sequence[bytes]) -> Route:
    """Route of a table: ``?page=N`` from 0 on, and an empty page after the last one."""

    def route(_: str, query: Mapping[str, str]) -> bytes:
        page = int(query.get("page", 0))
        return bodies[page] if page < len(bodies) else EMPTY

    return route


class Server:
    """Server on 127.0.0.1 that runs inside its ``with`` block.

    Args:
        make_routes: Returns the routes by path. It runs in the server's process, because a child
            process counts its parent's memory as its own peak: the parent must stay small.
        latency: Seconds before each answer; may be set at any time.
    """

    def __init__(self, make_routes: Callable[[], Routes], latency: float = 0.0) -> None:
        self._make_routes = make_routes
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
        """Number of requests so far."""
        return int(self._requests.value)

    @property
    def latency(self) -> float:
        """Seconds before each answer."""
        return float(self._latency.value)

    @latency.setter
    def latency(self, seconds: float) -> None:
        self._latency.value = seconds

    def _serve(self, listening: socket.socket, ready: threading.Event) -> None:
        threading.Thread(target=_exit_with_parent, daemon=True).start()
        routes = self._make_routes()
        ready.set()
        while True:
            connection, _ = listening.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(
                target=self._answer_requests, args=(connection, routes), daemon=True
            ).start()

    def _answer_requests(self, connection: socket.socket, routes: Routes) -> None:
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
                    connection.sendall(_response(routes, target, close))
                    if close:
                        return
            except OSError:
                return  # The client closed the connection.


def _response(routes: Routes, target: str, close: bool) -> bytes:
    path, _, query = target.partition("?")
    route = _find_route(routes, path)
    status, headers, body = b"404 Not Found", b"", b'{"error":"no such path"}'
    if route is not None:
        answer = route(path, dict(parse_qsl(query)))
        if isinstance(answer, Refusal):
            status, body = answer.status.encode(), b'{"error":"refused"}'
            headers = b"\r\nRetry-After: " + str(answer.retry_after).encode()
        else:
            status, body = b"200 OK", answer
    return b"".join(
        (
            b"HTTP/1.1 ",
            status,
            headers,
            b"\r\nContent-Type: application/json\r\nContent-Length: ",
            str(len(body)).encode(),
            b"\r\nConnection: close\r\n\r\n" if close else b"\r\n\r\n",
            body,
        )
    )


def _find_route(routes: Routes, path: str) -> Route | None:
    """Return the route of the path, or of the nearest path above it."""
    while path:
        if path in routes:
            return routes[path]
        path = path.rpartition("/")[0]
    return None


def _exit_with_parent() -> None:
    """End the server when its parent process ends: a killed parent cannot stop it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(0)
