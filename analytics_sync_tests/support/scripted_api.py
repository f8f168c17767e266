"""A scripted HTTP server on 127.0.0.1, and reads of a declared API from it.

In: for each path, responses in order or functions of the request. Out: real HTTP responses, broken
ones where a test scripts them, and a record of every request. A test module takes a fixture by
``api = shop_api``.
"""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from analytics_sync.catalog import Source, load_text
from analytics_sync.common.window import Window
from analytics_sync.extract.resource_reader import ReadResult
from analytics_sync.extract.run import ReadRun

Query = dict[str, Any]  # one value of a parameter is a text, several values are a list
Handler = Callable[[str, Query, Mapping[str, str]], Any]


@dataclass(frozen=True)
class Seen:
    """One request as the server received it. Header names are in lower case."""

    path: str
    target: str
    query: Query
    headers: Mapping[str, str]
    method: str = "GET"
    body: bytes = b""

    @property
    def json(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)


@dataclass(frozen=True)
class Raw:
    """Bytes to send in place of a response, before the connection ends.

    Attributes:
        sent: The bytes.
        reset: Whether the connection ends by a reset.
    """

    sent: bytes = b""
    reset: bool = False


@dataclass(frozen=True)
class Silence:
    """No response until the test is over."""


@dataclass
class Api:
    """The script of a server, and the requests that it received.

    Attributes:
        url: The address of the server.
        seen: All requests, in order.
        over: Set when the test is over.
    """

    url: str = ""
    seen: list[Seen] = field(default_factory=list, repr=False)
    over: threading.Event = field(default_factory=threading.Event)
    _scripts: dict[str, list[Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def on(self, path: str, *answers: Any) -> None:
        """Script a path: send ``answers`` in order, then repeat the last one.

        Args:
            path: The path; it may hold ``*``.
            answers: Each is ``(status, headers, body)``, ``Raw``, ``Silence``, or a function of
                path, query and headers that returns one of these. Any other value is sent as JSON
                with status 200.
        """
        self._scripts[path] = list(answers)

    def queries(self, path: str = "/items") -> list[Query]:
        """The queries of all requests to a path, in order."""
        return [s.query for s in self.seen if fnmatchcase(s.path, path)]

    def paths(self) -> list[str]:
        """The paths of all requests, in order."""
        return [s.path for s in self.seen]

    def answer(self, request: Seen) -> Any:
        """Record a request and return the scripted answer; status 404 without a script."""
        with self._lock:
            self.seen.append(request)
            script = next((s for p, s in self._scripts.items() if fnmatchcase(request.path, p)), [])
            found = script.pop(0) if len(script) > 1 else script[0] if script else (404, {}, {})
        return found(request.path, request.query, request.headers) if callable(found) else found


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, *args: Any, api: Api) -> None:
        self.api = api
        super().__init__(*args)

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        values = parse_qs(query, keep_blank_values=True)
        request = Seen(
            path,
            self.path,
            {n: v[0] if len(v) == 1 else v for n, v in values.items()},
            {n.lower(): v for n, v in self.headers.items()},
            self.command,
            self.rfile.read(int(self.headers.get("content-length") or 0)),
        )
        found = self.api.answer(request)
        if isinstance(found, Silence):
            self.api.over.wait()
            self.close_connection = True
        elif isinstance(found, Raw):
            self._send(found.sent)
            if found.reset:
                # With a linger time of zero, the kernel closes the connection by a reset.
                self.connection.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                )
                self.connection.close()
            self.close_connection = True
        else:
            status, headers, body = found if isinstance(found, tuple) else (200, {}, found)
            self._send(http_response(status, headers, body))

    do_POST = do_GET

    def _send(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.wfile.write(data)
            self.wfile.flush()

    def log_message(self, format: str, *args: Any) -> None:
        pass


def http_response(
    status: int, headers: Mapping[str, Any] | Sequence[tuple[str, str]], body: Any
) -> bytes:
    """The bytes of a whole response; a body that is not bytes is sent as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    given = {name.lower() for name, _ in pairs}
    if "content-type" not in given:
        pairs.append(("Content-Type", "application/json"))
    if "content-length" not in given:
        pairs.append(("Content-Length", str(len(raw))))
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{n}: {v}" for n, v in pairs)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + raw


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a script may make the client hang up in the middle of a response


@contextlib.contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Api]:
    """A running server.

    Args:
        tls: For https; None for http.
    """
    api = Api()
    server = _Server(("127.0.0.1", 0), partial(_Connection, api=api))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    api.url = f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    try:
        yield api
    finally:
        api.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def shop_api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """A server, and the settings that point the source ``shop`` at it."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    with serve() as served:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", served.url)
        yield served


@pytest.fixture
def other_api() -> Iterator[Api]:
    """A second server, to which the package must never send a request."""
    with serve() as served:
        yield served


def item(
    endpoint: Mapping[str, Any] | None = None, name: str = "items", **keys: Any
) -> dict[str, Any]:
    """The declaration of a resource at ``/<name>`` with a numeric key and a single page.

    Args:
        endpoint: Keys of the endpoint; they replace the path and the paginator.
        name: The name of the resource.
        keys: Keys of the resource; they replace the others.
    """
    declared = {"path": f"/{name}", "paginator": "single_page", **(endpoint or {})}
    return {
        "name": name,
        "primary_key": "id",
        "columns": {"id": "bigint"},
        "endpoint": declared,
        **keys,
    }


def shop(*resources: Mapping[str, Any], **client: Any) -> Source:
    """The source ``shop`` with these resources; its catalog file is JSON, which is YAML too."""
    text = json.dumps({"client": client, "resources": list(resources)})
    return load_text(text, name="shop", file="shop.yaml")


@dataclass
class Outcome:
    """The outcome of a run.

    Attributes:
        rows: Rows by resource, without the columns that are null.
        readings: Read results by resource.
        failures: Errors by resource.
        sleeps: The waits that the run asked for, in seconds.
    """

    rows: dict[str, list[dict[str, Any]]]
    readings: dict[str, ReadResult]
    failures: dict[str, Exception]
    sleeps: list[float]

    def ids(self, name: str = "items") -> list[Any]:
        """The keys of the rows of a resource, in order. Raises the error of a failed resource."""
        if name in self.failures:
            raise self.failures[name]
        return [row["id"] for row in self.rows[name]]

    def error(self, name: str = "items") -> str:
        """The error message of a resource; it starts with the resource's name."""
        message = str(self.failures[name])
        assert message.startswith(f"shop/{name}"), message
        return message


def read(
    source: Source, window: Window | None = None, only: Sequence[str] | None = None
) -> Outcome:
    """Read a source as a run does. Waits are recorded and take no time."""
    sleeps: list[float] = []
    with ReadRun(source, window, only, sleep=sleeps.append) as run:
        failures = run.failures()
        readings = {r.name: run.result(r.name) for r in run.resources if r.name not in failures}
        rows = {name: _rows_without_nulls(reading) for name, reading in readings.items()}
    return Outcome(rows, readings, failures, sleeps)


def rows_of(reading: ReadResult) -> list[dict[str, Any]]:
    """All rows of a read result, without ``_read_at``, which each row must have."""
    assert reading.buffer is not None
    rows = [row for table in reading.buffer.tables() for row in table.to_pylist()]
    assert len(rows) == reading.buffer.rows == reading.rows
    assert all(row.pop("_read_at") is not None for row in rows)
    return rows


def _rows_without_nulls(reading: ReadResult) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if value is not None}
        for row in rows_of(reading)
    ]


def first_line(error: BaseException | str) -> str:
    """The first line of a message."""
    return re.split(r"[\r\n]", str(error))[0]
