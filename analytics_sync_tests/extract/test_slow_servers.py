"""Servers that never get on: each read ends at its deadline, while the server still sends.

No test measures a time. A server gives up long after the deadline, and then the test fails.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.common.errors import ConnectionFailed, LimitExceeded
from analytics_sync.extract.newest import newest_cursor
from analytics_sync.extract.rest_client.rate_limits import file_slots
from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    first_line,
    item,
    read,
    shop,
    shop_api,
)
from analytics_sync_tests.support.slow_server import (
    FORMS,
    TLS_FORMS,
    WHOLE_RESPONSE,
    Slow,
    SlowServer,
    flood,
    serve_slowly,
    tls_context,
)

api = shop_api
needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="without openssl")
SECONDS = 0.5
HANDSHAKE_SECONDS = 2  # the certificates are read before the first byte is sent
REDIRECT = b"HTTP/1.1 302 No\r\nLocation: /items\r\nContent-Length: 0\r\n\r\n"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


def read_from(url: str, monkeypatch: pytest.MonkeyPatch, **client: Any) -> Outcome:
    """Read one page from a server, with a short deadline."""
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", url)
    retries = {"error_handler": {"max_retries": 1, "backoff_factor": 0}}
    return read(shop(item(retries), **{"max_seconds": SECONDS, **client}))


def check_ended(outcome: Outcome, server: SlowServer) -> None:
    """The deadline ended the read, and the error names the limit and its key."""
    error = outcome.failures["items"]
    assert isinstance(error, LimitExceeded), error
    assert "shop/items: reading would take longer than" in first_line(error)
    assert "client.max_seconds" in first_line(error)
    assert server.requests
    assert not server.has_given_up


@pytest.mark.parametrize("form", FORMS)
def test_a_slow_server_is_left_at_the_deadline(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_slowly(FORMS[form]) as server:
        check_ended(read_from(server.url(), monkeypatch), server)


@pytest.mark.parametrize(
    "form", ["silence", "header", "100 Continue", "trailers", "gzip header", "chunk line"]
)
def test_a_connection_that_served_before_is_left_too(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered = {"paginator": {"type": "page_number"}, "data_selector": "$"}
    with serve_slowly(WHOLE_RESPONSE, FORMS[form]) as server:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", server.url())
        outcome = read(shop(item(numbered), max_seconds=SECONDS, max_connections=1))
        check_ended(outcome, server)
        assert server.requests == 2


@pytest.mark.parametrize("form", TLS_FORMS)
def test_a_slow_handshake_ends_at_the_deadline(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_slowly(TLS_FORMS[form]) as server:
        outcome = read_from(server.url("https"), monkeypatch, max_seconds=HANDSHAKE_SECONDS)
        check_ended(outcome, server)


@needs_openssl
@pytest.mark.parametrize(
    "form", ["status line", "flood of 100 Continue", "body until the end", "trailers"]
)
def test_a_slow_server_with_tls_is_left_at_the_deadline(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_slowly(FORMS[form], tls=tls_context(tmp_path)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        check_ended(read_from(server.url("https"), monkeypatch), server)


PROXY_FORMS: dict[str, Slow] = {
    "silence": Slow(),
    "status line": Slow(b"HTTP/1.1 200 ", b"O"),
    "headers": Slow(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "flood of headers": flood(b"HTTP/1.1 200 OK\r\n", b"a: b\r\n"),
    "handshake of the API": Slow(b"HTTP/1.1 200 OK\r\n\r\n"),
}


@pytest.mark.parametrize("form", PROXY_FORMS)
def test_a_slow_proxy_is_left_at_the_deadline(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_slowly(PROXY_FORMS[form]) as server:
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("https_proxy", server.url())
        check_ended(read_from("https://api.shop.invalid", monkeypatch), server)


@needs_openssl
def test_a_slow_handshake_through_a_proxy_with_tls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve_slowly(PROXY_FORMS["handshake of the API"], tls=tls_context(tmp_path)) as server:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setenv("https_proxy", server.url("https"))
        check_ended(read_from("https://localhost:4433", monkeypatch), server)


def test_slow_redirects_have_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each redirect comes in time, and the last response never."""
    with serve_slowly(REDIRECT, REDIRECT, REDIRECT, Slow()) as server:
        check_ended(read_from(server.url(), monkeypatch), server)
        assert server.requests == 4


TIMEOUT_FORMS = ["silence", "header", "100 Continue", "chunk line", "trailers", "gzip header"]


@pytest.mark.parametrize("form", TIMEOUT_FORMS)
def test_a_part_of_a_response_that_does_not_come_is_requested_again(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """``read_timeout`` limits the headers as a whole, and each wait for further data."""
    with serve_slowly(FORMS[form], WHOLE_RESPONSE) as server:
        outcome = read_from(server.url(), monkeypatch, max_seconds=600, read_timeout=SECONDS)
        assert outcome.ids() == [1]
        assert server.requests == 2
        assert not server.has_given_up


@pytest.mark.parametrize("form", TIMEOUT_FORMS)
def test_a_timeout_names_its_key(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve_slowly(FORMS[form]) as server:
        outcome = read_from(server.url(), monkeypatch, max_seconds=600, read_timeout=SECONDS)
        assert isinstance(outcome.failures["items"], ConnectionFailed)
        assert "failed 2 times" in outcome.error()
        assert "client.read_timeout is the limit" in first_line(outcome.error())
        assert not server.has_given_up


def test_a_slow_body_with_data_in_time_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole body takes longer than ``read_timeout``, and no wait for data does."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    with serve_slowly(b"") as server, socket.create_server(("127.0.0.1", 0)) as listening:
        server.port = listening.getsockname()[1]

        def talk() -> None:
            connection, _ = listening.accept()
            connection.recv(65536)
            connection.sendall(head)
            pause = threading.Event()
            for piece in (b'[{"id"', *[b" "] * 8, b": 1}]"):
                connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
                pause.wait(0.1)
            connection.sendall(b"0\r\n\r\n")

        threading.Thread(target=talk, daemon=True).start()
        outcome = read_from(server.url(), monkeypatch, max_seconds=600, read_timeout=0.7)
    assert outcome.ids() == [1]


def test_more_bytes_than_a_response_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    """Headers and trailers count too: they have no other limit."""
    for form in ("flood of 100 Continue", "flood of trailers", "flood of empty deflate blocks"):
        with serve_slowly(FORMS[form]) as server:
            outcome = read_from(server.url(), monkeypatch, max_seconds=600, max_response_bytes=1000)
            assert isinstance(outcome.failures["items"], LimitExceeded)
            assert "sends more than 1,050,576 bytes" in first_line(outcome.error())
            assert "client.max_response_bytes" in first_line(outcome.error())
            assert not server.has_given_up


def test_the_lookup_of_a_name_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30) and [])
    outcome = read_from("https://api.shop.invalid", monkeypatch)
    assert not over.is_set()
    over.set()
    assert isinstance(outcome.failures["items"], LimitExceeded)


def test_many_addresses_that_do_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue of connections answers no further one; ``connect_timeout`` is for one address."""
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        address = full.getsockname()
        waiting = [socket.socket() for _ in range(3)]
        for one in waiting:
            one.setblocking(False)
            one.connect_ex(address)
        found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 1000
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
        outcome = read_from(f"http://localhost:{address[1]}", monkeypatch, connect_timeout=0.1)
        for one in waiting:
            one.close()
    assert isinstance(outcome.failures["items"], LimitExceeded)


LIMITED = {"rate_limit": {"requests": 1, "seconds": 1000}}


def test_no_slot_of_the_rate_limit_is_taken_beyond_the_deadline(api: Api) -> None:
    api.on("/items", [{"id": 1}])
    assert read(shop(item(), **LIMITED)).ids() == [1]
    for _ in range(3):
        outcome = read(shop(item(), max_seconds=60, **LIMITED))
        assert isinstance(outcome.failures["items"], LimitExceeded)
        assert "with the wait for the rate limit" in first_line(outcome.error())
        assert outcome.sleeps == []
    outcome = read(shop(item(), **LIMITED))
    assert len(outcome.sleeps) == 1
    assert outcome.sleeps[0] < 1100  # the three reads before have taken no slot


@pytest.mark.parametrize("has_deadline", [True, False])
def test_the_file_of_the_rate_limit_stays_locked(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, has_deadline: bool
) -> None:
    """Another process that was stopped holds it."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(file_slots, "_MAX_LOCK_SECONDS", 60.0 if has_deadline else 0.1)
    api.on("/items", [{"id": 1}])
    limited: dict[str, Any] = {"rate_limit": {"requests": 9, "seconds": 0.001}}
    assert read(shop(item(), **limited)).ids() == [1]
    files = list(tmp_path.glob("analytics-sync-pace-*/*"))
    assert files
    held = [os.open(path, os.O_RDWR) for path in files]
    for file in held:
        fcntl.flock(file, fcntl.LOCK_EX)
    outcome = read(shop(item(), **limited, **({"max_seconds": SECONDS} if has_deadline else {})))
    for file in held:
        os.close(file)
    if has_deadline:
        assert isinstance(outcome.failures["items"], LimitExceeded)
        assert "with the wait for the lock of" in first_line(outcome.error())
    else:
        line = first_line(outcome.error())
        assert line.startswith("shop/items: another process, which may be stopped, has locked")
        assert "disk" not in line
    assert read(shop(item(), **limited)).ids() == [1]


def test_a_sensor_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    windowed = item(
        {"incremental": {"cursor_path": "at", "row_order": "desc"}},
        columns={"id": "bigint", "at": "timestamp"},
    )
    source = shop(windowed, max_seconds=SECONDS)
    with serve_slowly(FORMS["trailers"]) as server:
        monkeypatch.setenv("SOURCES__SHOP__BASE_URL", server.url())
        with pytest.raises(LimitExceeded, match="longer than"):
            newest_cursor(source, source.resources["items"])
        assert not server.has_given_up
