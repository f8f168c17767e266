"""The connection of one client: HTTP requests in, HTTP responses out.

In: requests from a socket.
Out: responses, each written in one piece, so that a client waits for one packet and not for two.
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

from analytics_sync.same_origin import refusal
from analytics_sync.sandbox.messages import Fault, ServedResponse

# (method, path and query, headers by lower-case name, body) -> (response, fault of its transfer)
Respond = Callable[[str, str, Mapping[str, str], bytes], tuple[ServedResponse, Fault]]
SERVER = "analytics-sync-sandbox (not a real API)"
_MIN_BYTES_TO_COMPRESS = 1000
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Connection(BaseHTTPRequestHandler):
    """Serves one connection until the client closes it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def __init__(self, *args: Any, respond: Respond) -> None:
        self._respond = respond
        super().__init__(*args)

    def do_GET(self) -> None:
        """Answer one request."""
        # Read the body: the server would parse an unread body as the next request.
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if problem := refusal(self.headers.items()):
            self._send(ServedResponse(403, orjson.dumps({"errors": [f"refused: {problem}"]})))
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        response, fault = self._respond(self.command, self.path, headers, body)
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
        is_encoded = "Content-Encoding" in response.headers
        accepts_gzip = "gzip" in (self.headers.get("Accept-Encoding") or "")
        if len(body) > _MIN_BYTES_TO_COMPRESS and accepts_gzip and not is_encoded:
            body = gzip.compress(body, 1, mtime=0)
            head.append("Content-Encoding: gzip")
        head.append(f"Content-Length: {len(body) + fault.length}")
        if fault.cut is not None or fault.length:
            self.close_connection = True
            body = body[: fault.cut]
        if self.close_connection:
            head.append("Connection: close")
        message = "\r\n".join((*head, "", "")).encode("latin-1") + body
        if fault.stall:
            middle = len(message) - len(body) // 2
            self.wfile.write(message[:middle])
            time.sleep(fault.stall)
            message = message[middle:]
        if fault.cut != 0:
            self.wfile.write(message)
        if fault.reset:
            # With a linger time of 0 seconds, close() sends a reset instead of an orderly end.
            no_linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
            self.close_connection = True
            self.connection.close()

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a malformed request with a JSON body, like every other error."""
        self.close_connection = True
        if not hasattr(self, "headers"):
            self.headers = self.MessageClass()
        self._send(
            ServedResponse(code, orjson.dumps({"errors": [message or explain or str(code)]}))
        )

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the server counts requests instead."""
