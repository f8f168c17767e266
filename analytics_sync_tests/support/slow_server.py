"""A server on 127.0.0.1 that is slow in one way: at one place of a response it never gets on.

In: for each connection a ``Slow`` response, or the bytes of a whole one. Out: the address, and whether
the server was still sending when the client had enough.
"""

from __future__ import annotations

import gzip
import itertools
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_MAX_SECONDS = 30.0  # a client that waits longer has no limit


@dataclass(frozen=True)
class Slow:
    """A response that does not end.

    Attributes:
        start: Sent at once.
        piece: Sent again and again; nothing more is sent if it is empty.
        pause: Seconds between two pieces; zero for a flood.
    """

    start: bytes = b""
    piece: bytes = b""
    pause: float = 0.03


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def flood(start: bytes, piece: bytes) -> Slow:
    """A response that sends the piece as fast as the client reads it."""
    return Slow(start, piece * (1 + 60_000 // len(piece)), pause=0)


_PAGE = b'[{"id": 1}]'
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_SIZED = _OK + b"Content-Length: 1000000\r\n\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_GZIP = _OK + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
_DEFLATE = _GZIP.replace(b"gzip", b"deflate")
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_GZIP_HEADER = b"\x1f\x8b\x08\x00\0\0\0\0\0\xff"
_GZIP_HEADER_WITH_NAME = b"\x1f\x8b\x08\x08\0\0\0\0\0\xff"
_EMPTY_BLOCK = b"\x00\x00\x00\xff\xff"  # of deflate
_EMPTY_MEMBER = gzip.compress(b"")  # of gzip
_TLS_START = b"\x16\x03\x03\x3f\xff\x02\x00\x3f\xfb\x03\x03"  # of a record of 16,383 bytes

WHOLE_RESPONSE = _OK + b"Content-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)
FORMS: dict[str, Slow] = {
    "silence": Slow(),
    "status line": Slow(b"HTTP/1.1 200 ", b"O"),
    "header": Slow(b"HTTP/1.1 200 OK\r\nX: ", b"x"),
    "header lines": Slow(b"HTTP/1.1 200 OK\r\n", b"X: x\r\n"),
    "100 Continue": Slow(b"", _CONTINUE),
    "flood of 100 Continue": flood(b"", _CONTINUE),
    "flood of 100 Continue with headers": flood(b"", _CONTINUE[:-2] + b"a: b\r\n" * 90 + b"\r\n"),
    "body with a length": Slow(_SIZED + b"[", b" "),
    "body until the end": Slow(_OK + b"Connection: close\r\n\r\n[", b" "),
    "end of a whole body": Slow(_OK + b"Connection: close\r\n\r\n" + _PAGE),
    "body of HTTP 1.0": Slow(_OK.replace(b"1.1", b"1.0") + b"\r\n[", b" "),
    "chunk line": Slow(_CHUNKED, b"0"),
    "chunk extension": Slow(_CHUNKED + b"5;", b"x"),
    "chunk": Slow(_CHUNKED + b"fffff\r\n[", b" "),
    "small chunks": Slow(_CHUNKED + chunk(b"["), chunk(b" ")),
    "end of a chunk": Slow(_CHUNKED + b"b\r\n" + _PAGE),
    "trailers": Slow(_CHUNKED + chunk(_PAGE) + b"0\r\n", b"T: t\r\n"),
    "trailer": Slow(_CHUNKED + chunk(_PAGE) + b"0\r\nT: ", b"t"),
    "flood of trailers": flood(_CHUNKED + chunk(_PAGE) + b"0\r\n", b"T: t\r\n"),
    "gzip header": Slow(_GZIP + chunk(_GZIP_HEADER_WITH_NAME), chunk(b"n")),
    "flood of a gzip header": flood(_GZIP + chunk(_GZIP_HEADER_WITH_NAME), chunk(b"n" * 8000)),
    "empty deflate blocks in gzip": Slow(_GZIP + chunk(_GZIP_HEADER), chunk(_EMPTY_BLOCK)),
    "flood of empty deflate blocks": flood(_DEFLATE + chunk(b"\x78\x9c"), chunk(_EMPTY_BLOCK * 999)),
    "empty deflate blocks, bare": Slow(_DEFLATE, chunk(_EMPTY_BLOCK)),
    "empty gzip members": Slow(_GZIP, chunk(_EMPTY_MEMBER)),
    "flood of empty gzip members": flood(_GZIP, chunk(_EMPTY_MEMBER * 400)),
    "body of an error": Slow(b"HTTP/1.1 500 No\r\nContent-Length: 100000\r\n\r\n[", b" "),
    "body of a redirect": Slow(b"HTTP/1.1 302 No\r\nLocation: /x\r\nContent-Length: 99999\r\n\r\n", b" "),
}  # fmt: skip
TLS_FORMS: dict[str, Slow] = {
    "handshake, silence": Slow(),
    "handshake, byte by byte": Slow(_TLS_START, b"x"),
}


@dataclass
class SlowServer:
    """A running server.

    Attributes:
        port: The port on 127.0.0.1.
        requests: How many connections sent something.
        has_given_up: Whether the server ended a slow response itself, because the client did not.
    """

    port: int
    requests: int = 0
    has_given_up: bool = False

    def url(self, scheme: str = "http") -> str:
        """The address of the server."""
        return f"{scheme}://127.0.0.1:{self.port}"


@contextmanager
def serve_slowly(
    *responses: Slow | bytes, tls: ssl.SSLContext | None = None
) -> Iterator[SlowServer]:
    """A server whose connections get these responses in their order, the last one again and again.

    Args:
        responses: Slow responses, or the bytes of whole ones.
        tls: The context of a server with TLS.
    """
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()
    server = SlowServer(listening.getsockname()[1])
    script = itertools.chain(responses[:-1], itertools.repeat(responses[-1]))

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True)
            while connection.recv(65536):
                server.requests += 1
                _send(connection, next(script), over, server)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield server
    finally:
        over.set()
        listening.close()


def _send(
    connection: socket.socket, response: Slow | bytes, over: threading.Event, server: SlowServer
) -> None:
    if isinstance(response, bytes):
        connection.sendall(response)
        return
    connection.sendall(response.start)
    give_up_at = time.monotonic() + _MAX_SECONDS
    while not over.wait(response.pause if response.piece else _MAX_SECONDS):
        if time.monotonic() > give_up_at or not response.piece:
            server.has_given_up = True
            connection.close()
            return
        connection.sendall(response.piece)


def tls_context(
    folder: Path, names: Sequence[str] = ("IP:127.0.0.1", "DNS:localhost")
) -> ssl.SSLContext:
    """A server's context with a new certificate, which is in ``certificate.pem`` of the folder."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-days", "2", "-subj", "/CN=test", "-keyout", str(key)]
    command += ["-out", str(certificate), "-addext", f"subjectAltName={','.join(names)}"]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context
