"""What a server may make us take: bytes, layers and time, each with an end and a clear word."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from analytics_sync.common.errors import ExtractError, InvalidResponse, LimitExceeded
from analytics_sync_tests.support.scripted_api import Api, item, other_api, read, shop, shop_api

api = shop_api
fast = other_api


def zipped(body: Any) -> tuple[int, dict[str, str], bytes]:
    return 200, {"Content-Encoding": "gzip"}, gzip.compress(json.dumps(body).encode())


def test_an_answer_that_unpacks_to_far_more_than_it_was(api: Api) -> None:
    api.on("/items", zipped([{"id": 1, "x": "0" * 8_000_000}]))
    error = read(shop(item())).failures["items"]
    assert isinstance(error, LimitExceeded)
    assert "unpacks to more than 500 times its size" in str(error)
    assert "max_expansion" in str(error)
    assert read(shop(item(), max_expansion=5000)).ids() == [1]


def test_an_ordinary_answer_may_unpack_to_much_more(api: Api) -> None:
    """A listing of records that are nearly alike; and small ones whatever they are."""
    api.on("/items", zipped([{"id": n, "note": f"number {n} of many"} for n in range(40_000)]))
    assert len(read(shop(item())).ids()) == 40_000
    api.on("/items", zipped([{"id": 1, "x": "0" * 900_000}]))
    assert read(shop(item())).ids() == [1]


@pytest.mark.parametrize(("nested", "fits"), [(17, True), (18, False), (900, False)])
def test_nesting_has_a_limit_that_can_be_lowered(api: Api, nested: int, fits: bool) -> None:
    """The list of records and the record are two layers themselves."""
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


def test_a_reading_has_an_end_in_time(api: Api) -> None:
    """Pages that come for ever, each with a new cursor."""

    def page(path: str, query: Any, headers: Any) -> Any:
        time.sleep(0.02)
        number = int(query.get("after", 0))
        return {"data": [{"id": number}], "next": number + 1}

    api.on("/items", page)
    paginator = {"type": "cursor", "cursor_param": "after", "cursor_path": "next"}
    endpoint = {"data_selector": "data", "paginator": paginator}
    error = read(shop(item(endpoint), max_seconds=0.3)).failures["items"]
    assert isinstance(error, LimitExceeded)
    assert "longer than" in str(error)
    assert "max_seconds" in str(error)
    assert 2 < len(api.seen) < 20


def test_no_wait_is_begun_that_would_last_too_long(api: Api) -> None:
    api.on("/items", (503, {"Retry-After": "900"}, {}))
    outcome = read(shop(item(), max_seconds=60))
    assert isinstance(outcome.failures["items"], LimitExceeded)
    assert outcome.sleeps == []
    assert len(api.seen) == 1


@pytest.fixture
def trickle() -> Iterator[Callable[[bytes], str]]:
    """A server that sends a head and then a byte now and then, each in time for a timeout."""
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


def test_a_body_that_trickles_in_is_given_up(
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
def test_a_query_value_that_means_something_else_is_not_sent(api: Api, value: str) -> None:
    """An empty filter is often no filter: everything would count as this parent's."""
    api.on("/items", [{"id": value}])
    api.on("/lines", [{"id": 1}])
    source = shop(item(columns={"id": "text"}), item(CHILD, name="lines"))
    outcome = read(source)
    assert isinstance(outcome.failures["lines"], ExtractError)
    assert "cannot be the parameter 'item'" in outcome.error("lines")
    assert "/lines" not in api.paths()


@pytest.mark.parametrize("value", ["a b&c=d", "../x", "%2F", "ä+?#", ".", "a;b"])
def test_other_query_values_arrive_as_they_are(api: Api, value: str) -> None:
    api.on("/items", [{"id": value}])
    api.on("/lines", [{"id": 1}])
    read(shop(item(columns={"id": "text"}), item(CHILD, name="lines")))
    assert api.queries("/lines") == [{"item": value}]


@pytest.mark.parametrize("status", [200, 403, 500])
def test_what_a_server_says_cannot_move_a_terminal(api: Api, status: int) -> None:
    """Escape sequences, a reversed reading direction, line breaks."""
    api.on("/items", (status, {}, {"error": "\x1b[2Jgone \x9b31m \u202e\u2028 a\nb\r\x07"}))
    message = read(shop(item({"error_handler": {"max_retries": 0}}))).error()
    assert "gone" in message
    assert message.isprintable()
