"""Receivers of alerts on loopback: a web server, and a mail server that speaks as much SMTP as a client needs,
also with TLS and logins.

In: how they answer. Out: what they have received.
"""

from __future__ import annotations

import base64
import contextlib
import json
import socketserver
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from email.policy import default
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class WebReceiver:
    """A web server that takes posts.

    Attributes:
        url: Its address.
        status: The status of its answers.
        location: The address of a redirect; "" for none.
        seen: The path and the JSON document of each post.
    """

    url: str = ""
    status: int = 200
    location: str = ""
    seen: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @property
    def documents(self) -> list[dict[str, Any]]:
        """The documents of all posts."""
        return [document for _, document in self.seen]

    @property
    def titles(self) -> list[str]:
        """The titles of all messages of a webhook."""
        return [document["title"] for document in self.documents]


class _Post(BaseHTTPRequestHandler):
    def __init__(self, *args: Any, receiver: WebReceiver) -> None:
        self.receiver = receiver
        super().__init__(*args)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.receiver.seen.append((self.path, json.loads(body)))
        self.send_response(self.receiver.status)
        if self.receiver.location:
            self.send_header("Location", self.receiver.location)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *args: Any) -> None:
        pass


@contextlib.contextmanager
def web_receiver() -> Iterator[WebReceiver]:
    """A web server on loopback."""
    receiver = WebReceiver()
    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Post, receiver=receiver))) as port:
        receiver.url = f"http://127.0.0.1:{port}"
        yield receiver


@dataclass
class MailReceiver:
    """A mail server.

    Attributes:
        port: Its port.
        tls: What it encrypts with, once a client asks for it by STARTTLS; None if it cannot.
        is_tls_first: Whether each connection is encrypted from its first byte.
        login: The user and the password that it wants; None if it wants none.
        refuses: Whether it refuses each mail for now.
        commands: What clients have sent, each with whether it was encrypted.
        logins: The logins that it was sent.
        mails: The mails that it has taken.
        recipients: The recipients of each of them.
    """

    port: int = 0
    tls: ssl.SSLContext | None = None
    is_tls_first: bool = False
    login: tuple[str, str] | None = None
    refuses: bool = False
    commands: list[tuple[str, bool]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    mails: list[Message] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)


class _Smtp(socketserver.StreamRequestHandler):
    receiver: MailReceiver

    def handle(self) -> None:
        with contextlib.suppress(OSError):  # a client that does not trust the certificate hangs up
            self._encrypted = False
            if self.receiver.is_tls_first:
                self._encrypt()
            self._serve()

    def _serve(self) -> None:
        recipients: list[str] = []
        self._say("220 loopback ESMTP")
        while line := self.rfile.readline():
            command, text = line[:4].upper(), line.decode().strip()
            self.receiver.commands.append((command.decode(), self._encrypted))
            if command == b"EHLO":
                self._say("".join(f"250-{feature}\r\n" for feature in self._features()) + "250 OK")
            elif command == b"STAR" and self.receiver.tls and not self._encrypted:
                self._say("220 go on")
                self._encrypt()
            elif command == b"AUTH":
                self._say("235 welcome" if self._log_in(text) else "535 wrong password")
            elif command == b"RCPT":
                recipients.append(text.partition("<")[2].partition(">")[0])
                self._say("250 yes")
            elif command == b"MAIL" and self.receiver.refuses:
                self._say("451 try again later")
            elif command == b"DATA":
                self._say("354 go on")
                self.receiver.mails.append(message_from_bytes(self._data(), policy=default))
                self.receiver.recipients.append(recipients)
                self._say("250 taken")
            elif command == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 loopback" if command != b"STAR" else "454 no TLS")

    def _features(self) -> Iterator[str]:
        yield "loopback"
        if self.receiver.tls and not self._encrypted:
            yield "STARTTLS"
        if self.receiver.login:
            yield "AUTH PLAIN"

    def _encrypt(self) -> None:
        assert self.receiver.tls is not None
        self.request = self.receiver.tls.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self._encrypted = True

    def _log_in(self, text: str) -> bool:
        _, user, password = base64.b64decode(text.split()[2]).decode().split("\0")
        self.receiver.logins.append((user, password))
        return (user, password) == self.receiver.login

    def _data(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line[1:] if line.startswith(b"..") else line for line in lines)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@contextlib.contextmanager
def mail_receiver(tls: ssl.SSLContext | None = None) -> Iterator[MailReceiver]:
    """A mail server on loopback."""
    found = MailReceiver(tls=tls)
    handler = type("_Handler", (_Smtp,), {"receiver": found})
    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)) as found.port:
        yield found


@contextlib.contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    thread = threading.Thread(target=partial(server.serve_forever, 0.02), daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
