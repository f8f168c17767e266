"""The HTTP server of the sandbox, on 127.0.0.1.

In: sources and options.
Out: a running server, and one ledger for each source.
Each source has the base URL ``http://127.0.0.1:PORT/<source>``. ``/_sandbox`` is the control API.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import partial
from http.server import ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode

from analytics_sync.catalog import Source
from analytics_sync.sandbox import control
from analytics_sync.sandbox.api.api import Api
from analytics_sync.sandbox.api.sent_values import with_sent_values
from analytics_sync.sandbox.connection import Connection, Respond
from analytics_sync.sandbox.data.ledger import Ledger
from analytics_sync.sandbox.data.response_shape import check_paths
from analytics_sync.sandbox.manners import Manners
from analytics_sync.sandbox.messages import Fault, Faults, Refused, Request, ServedResponse
from analytics_sync.sandbox.options import Options
from analytics_sync.sandbox.settings import OAUTH2_PATH, settings
from analytics_sync.sandbox.trouble import Troubles

HOST = "127.0.0.1"


class Sandbox:
    """A server for declared APIs; use it as a context manager, or call ``start`` and ``close``.

    Args:
        sources: The sources to serve, as a mapping by name or as a plain collection.
        options: Sizes, seed and behaviour; None takes the defaults.
        port: Port of the server; 0 takes any free one.
        faults: Function that returns the fault of a request to an API, or None for no fault.
        manners: Manners in which the server answers otherwise than declared: ``NAME`` for every
            resource that it fits, or ``NAME=source/resource``.

    Raises:
        ValueError: A manner or its resource is unknown, or they do not fit.

    Attributes:
        counts: Number of requests so far by ``source/resource``, or by ``source/?`` if the path
            names no resource.
        faults: The argument of this name; a test may replace it while the server runs.
        troubles: What a person has switched on; the control API changes it.
        manners: The manners in use; ``use_manners`` replaces them while the server runs.
    """

    def __init__(
        self,
        sources: Mapping[str, Source] | Iterable[Source],
        options: Options | None = None,
        *,
        port: int = 0,
        faults: Faults | None = None,
        manners: Iterable[str] = (),
    ) -> None:
        collection = sources.values() if isinstance(sources, Mapping) else sources
        self.sources: Mapping[str, Source] = {source.name: source for source in collection}
        for source in self.sources.values():
            check_paths(source)
        self.options = options or Options()
        self.faults = faults
        self.troubles = Troubles(self.sources)
        self.use_manners(manners)
        self.counts: Counter[str] = Counter()
        self._apis: dict[str, Api] = {}
        self._ledgers: dict[str, Ledger] = {}
        self._ledger_lock = threading.Lock()
        self._count_lock = threading.Lock()
        self._server = _Server(self._respond, port)
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """The server's URL, without a slash at the end."""
        return f"http://{HOST}:{self._server.server_address[1]}"

    @property
    def requests(self) -> int:
        """Number of requests to the APIs so far."""
        return self.counts.total()

    def base_url(self, source: str) -> str:
        """The value for a source's setting ``base_url``."""
        return f"{self.url}/{self.sources[source].name}"

    def settings(self) -> dict[str, str]:
        """The environment variables that point every source at this sandbox."""
        return settings(self.sources.values(), self.url, self.options)

    def ledger(self, source: str) -> Ledger:
        """The ledger of a source; the first call generates its records.

        Raises:
            KeyError: The sandbox does not serve this source.
        """
        with self._ledger_lock:
            if source not in self._ledgers:
                self._ledgers[source] = Ledger(self.sources[source], self.options)
            return self._ledgers[source]

    def use_manners(self, names: Iterable[str]) -> None:
        """Answer in other manners from now on.

        Args:
            names: As the argument ``manners`` of the class.

        Raises:
            ValueError: A manner or its resource is unknown, or they do not fit.
        """
        self.manners = Manners(self.sources, self.options, names)

    def advance(self, steps: int = 1) -> None:
        """Make the next revision of every source, ``steps`` times."""
        for source in self.sources:
            self.ledger(source).advance(steps)

    def start(self) -> Sandbox:
        """Serve in a background thread."""
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        )
        self._thread.start()
        return self

    def close(self) -> None:
        """Stop serving and close every connection."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._thread = None
        self._server.server_close()
        self._server.close_connections()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _respond(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[ServedResponse, Fault]:
        path, _, query = target.partition("?")
        try:
            if path.split("/")[1:2] == ["_sandbox"]:
                return control.respond(self, method, path, parse_qs(query)), Fault()
            return self._respond_as_api(method, path, query, headers, body)
        except Refused as e:
            return e.response(), Fault()
        except Exception as e:
            traceback.print_exc()
            return Refused(500, f"the sandbox itself failed: {e!r}").response(), Fault()

    def _respond_as_api(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> tuple[ServedResponse, Fault]:
        source, slash, rest = path[1:].partition("/")
        api_path = slash + rest
        api = self._api(source)
        if api is not None:
            if api_path == OAUTH2_PATH:
                return api.token(method, body), Fault()
            api_path = api_path.removeprefix(api.path_of_address)
        resource, values = (api and api.routes.match(api_path)) or (None, {})
        params = parse_qs(query, keep_blank_values=True)
        root = f"http://{headers['host']}" if "host" in headers else self.url

        def link(changes: Mapping[str, str]) -> str:
            changed = params | {name: [value] for name, value in changes.items()}
            return f"{root}{path}?{urlencode(changed, doseq=True)}"

        name = resource.name if resource is not None else None
        with self._count_lock:
            self.counts[f"{source}/{name or '?'}"] += 1
            number = self.counts.total()
        request = Request(source, name, api_path, params, headers, number, link, method, body)
        fault = (self.faults and self.faults(request)) or self.troubles.fault(request) or Fault()
        if delay := fault.delay + self.options.latency_ms / 1000:
            time.sleep(delay)
        if fault.response is not None:
            return fault.response, fault
        if api is None:
            raise Refused(
                404, f"no source {source!r}; this sandbox serves {', '.join(self.sources)}"
            )
        if resource is None and method != "GET":
            raise Refused(405, "only GET is declared")
        if resource is not None:
            request = with_sent_values(request, resource, values)
        manners = self.manners
        asked = manners.ask(request)
        if isinstance(asked, Request):
            asked = api.respond(asked, resource, values)
        response = manners.reply(request, resource, asked)
        return (fault.change(response) if fault.change else response), fault

    def _api(self, source: str) -> Api | None:
        if source not in self.sources:
            return None
        if source not in self._apis:
            self._apis[source] = Api(self.sources[source], self.ledger(source), self.options)
        return self._apis[source]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, respond: Respond, port: int) -> None:
        self._open: set[socket.socket] = set()
        super().__init__((HOST, port), partial(Connection, respond=respond))

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # Ignore the error: the client caused it. An error of the sandbox is a response with 500.
        pass

    def close_connections(self) -> None:
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
