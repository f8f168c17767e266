"""One client's connection: HTTP in, HTTP out.

In: requests as they come over a socket. Out: answers, each written in one piece, so that a client
waits for one packet and not for two.
"""

from __future__ import annotations

import gzip
import socket
import struct
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import Any

import orjson

from analytics_sync.sandbox.messages import Fault, ServedResponse

# (method, path and query, headers by lower-case name) -> (answer, what goes wrong on its way)
Respond = Callable[[str, str, Mapping[str, str]], tuple[ServedResponse, Fault]]
SERVER = "analytics-sync-sandbox (not a real API)"
_GZIP_FROM = 1000
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Connection(BaseHTTPRequestHandler):
    """Serves one connection until the client leaves it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, *args: Any, respond: Respond) -> None:
        self._respond = respond
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer one request."""
        # a body nobody reads would be taken for the next request
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        response, fault = self._respond(self.command, self.path, headers)
        self._send(response, fault)

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def _send(self, response: ServedResponse, fault: Fault | None = None) -> None:
        fault = fault or Fault()
        body = response.body
        head = [
            f"HTTP/1.1 {response.status} {_PHRASES.get(response.status, 'Unknown')}",
            f"Server: {SERVER}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {response.content_type}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        packed = "Content-Encoding" in response.headers
        accepted = "gzip" in (self.headers.get("Accept-Encoding") or "")
        if len(body) > _GZIP_FROM and accepted and not packed:
            body = gzip.compress(body, 1, mtime=0)
            head.append("Content-Encoding: gzip")
        head.append(f"Content-Length: {len(body) + fault.length}")
        if fault.cut is not None or fault.length:
            self.close_connection = True
            body = body[: fault.cut]
        if self.close_connection:
            head.append("Connection: close")
        sent = "\r\n".join((*head, "", "")).encode("latin-1") + body
        if fault.stall:
            middle = len(sent) - len(body) // 2
            self.wfile.write(sent[:middle])
            time.sleep(fault.stall)
            sent = sent[middle:]
        if fault.cut != 0:
            self.wfile.write(sent)
        if fault.reset:
            # no time to linger: the client gets a reset in place of an end
            no_linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            self.close_connection = True
            self.connection.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What the base class answers to broken requests, as JSON like all else."""
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.headers = self.MessageClass()
        self._send(
            ServedResponse(code, orjson.dumps({"errors": [message or explain or str(code)]}))
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""
