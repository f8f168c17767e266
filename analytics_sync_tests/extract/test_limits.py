"""Limits on bytes, nesting and time, and values of a server or record that could do harm."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_sync.common.errors import ExtractError, InvalidResponse, LimitExceeded
from analytics_sync.extract.rest_client.connections import deadline
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


def gzipped(body: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(body).encode())


def test_a_body_that_expands_more_than_max_expansion_is_an_error(api: Api) -> None:
    api.on("/items", gzipped([{"id": 1, "x": "0" * 8_000_000}]))
    error = read(shop(item())).failures["items"]
    assert isinstance(error, LimitExceeded)
    assert "unpacks to more than 500 times its size" in str(error)
    assert "max_expansion" in str(error)
    assert read(shop(item(), max_expansion=5000)).ids() == [1]


def test_each_layer_of_packing_may_expand_only_so_much(api: Api) -> None:
    """A body may be packed several times. This one unpacks to 2 GB in between, and then to nothing."""
    empty = b"\x00\x00\x00\xff\xff" * 20_000  # blocks of deflate
    inner = gzip.compress(b"\x1f\x8b\x08\x00\0\0\0\0\0\xff" + empty) + gzip.compress(empty) * 20_000
    api.on("/items", (200, {"Content-Encoding": "gzip, x-gzip"}, gzip.compress(inner)))
    error = read(shop(item())).failures["items"]
    assert isinstance(error, LimitExceeded)
    assert "unpacks to more than 500 times its size" in str(error)


@pytest.mark.parametrize(
    "coding", ["gzip, gzip", "deflate, gzip", "gzip, deflate", "identity, gzip", "GZIP"]
)
@pytest.mark.parametrize("is_bare", [False, True])
def test_a_body_may_be_packed_in_layers(api: Api, coding: str, is_bare: bool) -> None:
    body = json.dumps([{"id": n} for n in range(50_000)]).encode()
    for name in coding.lower().split(", "):
        if name == "gzip":  # in two members, as some servers send it
            body = gzip.compress(body[:1000]) + gzip.compress(body[1000:])
        elif name == "deflate":
            packer = zlib.compressobj(wbits=-15 if is_bare else 15)
            body = packer.compress(body) + packer.flush()
    api.on("/items", (200, {"Content-Encoding": coding}, body))
    assert len(read(shop(item())).ids()) == 50_000


def test_ordinary_bodies_may_expand(api: Api) -> None:
    """Similar records compress well, and a body below 1 MiB is never checked."""
    api.on("/items", gzipped([{"id": n, "note": f"number {n} of many"} for n in range(40_000)]))
    assert len(read(shop(item())).ids()) == 40_000
    api.on("/items", gzipped([{"id": 1, "x": "0" * 900_000}]))
    assert read(shop(item())).ids() == [1]


@pytest.mark.parametrize(("nested", "fits"), [(17, True), (18, False), (900, False)])
def test_max_nesting_can_be_lowered(api: Api, nested: int, fits: bool) -> None:
    """The list of records and each record count as one level each."""
    value: Any = 1
    for n in range(nested):
        value = [value] if n % 2 else {"a": value}
    api.on("/items", [{"id": 1, "x": value}])
    outcome = read(shop(item(), max_nesting=19))
    assert bool(outcome.failures) is not fits
    if not fits:
        assert isinstance(outcome.failures["items"], InvalidResponse)
        assert "more than 19" in outcome.error()
    assert read(shop(item())).ids() == [1]


def test_endless_pages_end_at_max_seconds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each page has a new cursor, and moves the clock of the deadline by 1,000 seconds."""

    def page(path: str, query: Any, headers: Any) -> Any:
        number = int(query.get("after", 0))
        return {"data": [{"id": number}], "next": number + 1}

    api.on("/items", page)
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000 * len(api.seen))
    monkeypatch.setattr(deadline, "time", clock)
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    endpoint = {"data_selector": "data", "paginator": paginator}
    error = read(shop(item(endpoint), max_seconds=9500)).failures["items"]
    assert isinstance(error, LimitExceeded)
    assert "longer than" in str(error)
    assert "max_seconds" in str(error)
    assert len(api.seen) == 10


def test_the_conversion_of_a_page_has_the_same_deadline(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock moves it by ten seconds: there is one for each thousand records."""
    api.on("/items", [{"id": n} for n in range(50_000)])
    looks = count()
    clock = SimpleNamespace(monotonic=lambda: time.monotonic() + 10 * next(looks))
    monkeypatch.setattr(deadline, "time", clock)
    outcome = read(shop(item(), max_seconds=400))
    assert isinstance(outcome.failures["items"], LimitExceeded)
    assert len(api.seen) == 1


def test_a_delay_beyond_max_seconds_is_not_begun(api: Api) -> None:
    api.on("/items", (503, {"Retry-After": "900"}, {}))
    outcome = read(shop(item(), max_seconds=60))
    assert isinstance(outcome.failures["items"], LimitExceeded)
    assert outcome.sleeps == []
    assert len(api.seen) == 1


@pytest.fixture
def trickle() -> Iterator[Callable[[bytes], str]]:
    """A server that sends a head, then one byte every 0.05 s: no read ever times out."""
    listening = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def talk(head: bytes) -> None:
        connection, _ = listening.accept()
        connection.recv(65536)
        try:
            connection.sendall(head)
            while not over.wait(0.05):
                connection.sendall(b" ")
        except OSError:
            pass
        connection.close()

    def start(head: bytes) -> str:
        threading.Thread(target=talk, args=(head,), daemon=True).start()
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    over.set()
    listening.close()


def test_a_body_that_trickles_in_ends_at_max_seconds(
    trickle: Callable[[bytes], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n[")
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", address)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    outcome = read(shop(item(), max_seconds=0.5, read_timeout=5))
    assert isinstance(outcome.failures["items"], LimitExceeded)


CHILD = {
    "path": "/lines",
    "params": {"item": {"type": "resolve", "resource": "items", "field": "id"}},
}


@pytest.mark.parametrize("value", ["", "a\nb", "a\x01b", "\x7f"])
def test_an_empty_or_control_character_query_value_is_not_sent(api: Api, value: str) -> None:
    """Many APIs ignore an empty filter: every record would count as a child of this parent."""
    api.on("/items", [{"id": 1, "code": value}])
    api.on("/lines", [{"id": 1}])
    params = {"item": {"type": "resolve", "resource": "items", "field": "code"}}
    items = item(columns={"id": "bigint", "code": "text"})
    outcome = read(shop(items, item({**CHILD, "params": params}, name="lines")))
    assert isinstance(outcome.failures["lines"], ExtractError)
    assert "cannot be the parameter 'item'" in outcome.error("lines")
    assert "/lines" not in api.paths()


@pytest.mark.parametrize("value", ["a b&c=d", "../x", "%2F", "ä+?#", ".", "a;b"])
def test_other_query_values_arrive_unchanged(api: Api, value: str) -> None:
    api.on("/items", [{"id": value}])
    api.on("/lines", [{"id": 1}])
    read(shop(item(columns={"id": "text"}), item(CHILD, name="lines")))
    assert api.queries("/lines") == [{"item": value}]


@pytest.mark.parametrize("status", [200, 403, 500])
def test_an_error_body_cannot_control_the_terminal(api: Api, status: int) -> None:
    """Escape sequences, reversed reading direction, line breaks."""
    api.on("/items", (status, {}, {"error": "\x1b[2Jgone \x9b31m \u202e\u2028 a\nb\r\x07"}))
    message = read(shop(item({"error_handler": {"max_retries": 0}}))).error()
    assert "gone" in message
    assert message.isprintable()


LONG = "x" * 30_000  # a server that keeps its place in a cursor sends long ones


def test_long_cursors_do_not_add_up_in_memory(api: Api) -> None:
    used: dict[int, int] = {}

    def page(path: str, query: Any, headers: Any) -> Any:
        api.seen.clear()  # it holds the cursors too
        number = int(query["after"].removeprefix(LONG)) if "after" in query else 0
        used[number] = tracemalloc.get_traced_memory()[0]
        return {"data": [{"id": number}], "next": f"{LONG}{number + 1}" if number < 300 else None}

    api.on("/items", page)
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    tracemalloc.start()
    try:
        outcome = read(shop(item({"data_selector": "data", "paginator": paginator})))
    finally:
        tracemalloc.stop()
    assert outcome.ids() == list(range(301))
    assert used[300] - used[100] < 100 * len(LONG)


def test_a_long_cursor_that_comes_again_is_an_error(api: Api) -> None:
    api.on("/items", *[{"data": [{"id": n}], "next": f"{LONG}{n % 3}"} for n in range(9)])
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    outcome = read(shop(item({"data_selector": "data", "paginator": paginator})))
    assert "the same cursor or link again" in outcome.error()
    assert len(outcome.error()) < 1000
    assert len(api.seen) == 4


KEY = "s3cret-Key-0123456789"
AUTH = {"type": "api_key", "name": "X-Key", "api_key": 'dlt.secrets["api_key"]'}
FILL = "x" * 60_000
# Responses that are no page -> a part of the message. Each holds more text than a message may.
LENGTHY: dict[str, tuple[int, dict[str, str], Any, str]] = {
    "an error in JSON": (400, {}, {"error": f"no {KEY}", "trace": [FILL] * 40}, "no ***"),
    "an error in text": (400, {}, f"no {KEY} {FILL}".encode() * 40, "no ***"),
    "a limit in JSON": (403, {}, {"error": "rate limit exceeded", "trace": [FILL] * 40}, "rate limit"),
    "HTML": (200, {"Content-Type": f"text/html; k={KEY}; {FILL}"}, b"<html>" * 9000, "text/html; k=***"),
    "a charset": (200, {"Content-Type": f"application/json; charset={KEY}{FILL}"}, b"[]", "charset"),
    "a redirect": (302, {"Location": f"/items?k={KEY}&x={FILL}"}, b"", "5 redirects"),
    "a redirect elsewhere": (302, {"Location": f"http://other.invalid/{FILL}"}, b"", "other.invalid"),
    "a delay": (429, {"Retry-After": f"{KEY}{FILL}"}, {}, "answered 429"),
}  # fmt: skip


@pytest.mark.parametrize("name", LENGTHY)
def test_messages_are_short_whatever_a_response_holds(
    api: Api, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__API_KEY", KEY)
    status, headers, body, part = LENGTHY[name]
    api.on("*", (status, headers, body))
    once = {"error_handler": {"max_retries": 0}}
    message = read(shop(item(once), auth=AUTH)).error()
    assert part in message
    assert KEY not in message
    assert len(message) < 1000


def test_a_message_with_a_long_cursor_is_short(api: Api) -> None:
    api.on("/items", {"data": [{"id": 1}], "next": LONG}, (400, {}, {}))
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    message = read(shop(item({"data_selector": "data", "paginator": paginator}))).error()
    assert "?after=xxx" in message
    assert len(message) < 1000
