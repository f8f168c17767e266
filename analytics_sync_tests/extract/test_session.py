"""The HTTP session: retries, delays, broken responses, responses without data, and messages."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_sync.common.errors import (
    ConnectionFailed,
    ExtractError,
    HttpStatusError,
    InvalidResponse,
)
from analytics_sync.extract.rest_client.rate_limits import backoff
from analytics_sync_tests.support.scripted_api import (
    Api,
    Raw,
    Silence,
    first_line,
    http_response,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api

DATA = [{"id": 1}]
NOW = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the clock from which the backoff counts."""
    monkeypatch.setattr(backoff, "time", SimpleNamespace(time=NOW.timestamp))


@pytest.mark.parametrize("declared", [[], [429], [418]], ids=str)
@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_transient_statuses_are_retried_three_times(
    api: Api, status: int, declared: list[int]
) -> None:
    api.on("/items", (status, {}, {"error": "busy"}))
    outcome = read(shop(item({"error_handler": {"retry_on_status_codes": declared}})))
    assert f"answered {status} 4 times" in outcome.error()
    assert outcome.sleeps == [2, 4, 8]
    assert len(api.seen) == 4


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 501])
def test_other_statuses_are_not_retried(api: Api, status: int) -> None:
    api.on("/items", (status, {}, {"error": "no, because of x"}))
    outcome = read(shop(item({"error_handler": {"retry_on_status_codes": [429]}})))
    assert isinstance(outcome.failures["items"], HttpStatusError)
    assert outcome.failures["items"].status == status
    assert "no, because of x" in outcome.error()
    assert len(api.seen) == 1


def test_a_retry_that_succeeds(api: Api) -> None:
    api.on("/items", (429, {}, {}), (503, {}, {}), DATA)
    outcome = read(shop(item()))
    assert outcome.ids() == [1]
    counters = outcome.readings["items"].counters
    assert (counters.requests, counters.retries, counters.waited) == (3, 2, 6)


@pytest.mark.parametrize(
    ("policy", "waits"),
    [({"max_retries": 0}, []), ({"max_retries": 1}, [2]), ({"max_retries": 2, "backoff_factor": 3}, [3, 9])],
)  # fmt: skip
def test_the_declared_retry_policy_applies(
    api: Api, policy: dict[str, Any], waits: list[int]
) -> None:
    api.on("/items", (500, {}, {}))
    outcome = read(shop(item({"error_handler": policy})))
    assert outcome.sleeps == waits
    assert len(api.seen) == len(waits) + 1


EPOCH = int(NOW.timestamp())
# status, headers, body -> expected delay in seconds
DELAYS: dict[str, tuple[int, dict[str, Any], Any, float]] = {
    "no delay named": (429, {}, {}, 2),
    "seconds": (429, {"Retry-After": 7}, {}, 7),
    "fraction of a second": (429, {"retry-after": "0.5"}, {}, 0.5),
    "zero": (429, {"Retry-After": 0}, {}, 2),
    "zero milliseconds": (429, {"Retry-After-Ms": 0}, {}, 2),
    "zero in the body": (429, {}, {"retry_after": 0}, 2),
    "now, as a date": (429, {"Retry-After": format_datetime(NOW, usegmt=True)}, {}, 2),
    "date": (429, {"Retry-After": format_datetime(NOW + timedelta(seconds=30), usegmt=True)}, {}, 30),
    "date in the past": (429, {"Retry-After": "Fri, 01 Jan 2021 00:00:00 GMT"}, {}, 2),
    "nonsense": (429, {"Retry-After": "soon"}, {}, 2),
    "empty": (429, {"Retry-After": ""}, {}, 2),
    "negative": (429, {"Retry-After": -5}, {}, 2),
    "not a number": (429, {"Retry-After": "nan"}, {}, 2),
    "with 503": (503, {"Retry-After": 11}, {}, 11),
    "with 500": (500, {"Retry-After": 11}, {}, 11),
    "a rate limit header without a rate limit status": (500, {"X-RateLimit-Reset": 11}, {}, 2),
    "X-Retry-After": (429, {"X-Retry-After": 5}, {}, 5),
    "X-Ratelimit-Wait": (429, {"X-Ratelimit-Wait": 6}, {"wait": 9}, 6),
    "X-RateLimit-Reset in seconds": (429, {"X-RateLimit-Reset": 12}, {}, 12),
    "X-RateLimit-Reset as a date": (
        429, {"X-RateLimit-Reset": format_datetime(NOW + timedelta(minutes=1))}, {}, 60,
    ),
    "X-RateLimit-Reset as seconds since 1970": (429, {"X-RateLimit-Reset": EPOCH + 40}, {}, 40),
    "Retry-After takes precedence": (429, {"X-RateLimit-Reset": 50, "Retry-After": 3}, {}, 3),
    "wait in the body": (429, {}, {"wait": 8}, 8),
    "milliseconds in the body": (429, {}, {"errors": [{"data": {"msBeforeNext": 1500}}]}, 1.5),
    "a body that is not JSON": (503, {}, b"<html>busy</html>", 2),
    "X-RateLimit-Reset with another retried status": (500, {"X-RateLimit-Reset": 50}, {}, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", DELAYS)
def test_the_delay_before_a_retry(api: Api, name: str) -> None:
    status, headers, body, seconds = DELAYS[name]
    api.on("/items", (status, headers, body), DATA)
    outcome = read(shop(item()))
    assert outcome.ids() == [1]
    assert outcome.sleeps == [seconds]


@pytest.mark.parametrize(
    ("named", "waits"),
    [("0", [2, 4, 8]), ("1", [1, 2, 4]), ("3", [3, 3, 4]), ("20", [20, 20, 20]), ("-1", [2, 4, 8])],
)
def test_a_delay_that_the_server_does_not_keep_grows(
    api: Api, named: str, waits: list[float]
) -> None:
    api.on("/items", *[(429, {"Retry-After": named}, {})] * 3, DATA)
    outcome = read(shop(item()))
    assert outcome.ids() == [1]
    assert outcome.sleeps == waits


def test_a_delay_of_more_than_an_hour_is_named_in_the_error(api: Api) -> None:
    api.on("/items", (429, {"Retry-After": 7200}, {}))
    outcome = read(shop(item()))
    assert "answered 429 4 times, with retry-after: 7200" in outcome.error()
    assert outcome.sleeps == [2, 4, 8]


PACKED = gzip.compress(json.dumps(DATA * 500).encode())
WHOLE = http_response(200, {}, DATA * 50)
BROKEN: dict[str, Any] = {
    "hung up at once": Raw(),
    "reset at once": Raw(reset=True),
    "reset in mid-body": Raw(WHOLE[:-20], reset=True),
    "hung up in mid-body": Raw(WHOLE[:-20]),
    "content-length too large": Raw(http_response(200, {"Content-Length": 900}, DATA)),
    "content-length too small": Raw(http_response(200, {"Content-Length": 5}, DATA)),
    "not HTTP": Raw(b"SSH-2.0-Whatever\r\n"),
    "truncated JSON": (200, {}, b'[{"id": 1}, {"id"'),
    "truncated gzip": (200, {"Content-Encoding": "gzip"}, PACKED[:-12]),
    "gzip that is none": (200, {"Content-Encoding": "gzip"}, b"[]"),
    "chunks that break off": Raw(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[{\"i\r\n"
    ),
    "no answer in time": Silence(),
}  # fmt: skip


def client_options(name: str) -> dict[str, float]:
    """A short timeout for the case without a response."""
    return {"read_timeout": 0.2} if isinstance(BROKEN[name], Silence) else {}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_response_is_requested_again(api: Api, name: str) -> None:
    api.on("/items", BROKEN[name], DATA)
    outcome = read(shop(item(), **client_options(name)))
    assert outcome.ids() == [1]
    # bytes left over on the connection may break the second response too
    assert outcome.sleeps in ([2], [2, 4])


@pytest.mark.parametrize("name", BROKEN)
def test_a_response_that_stays_broken_is_an_error(api: Api, name: str) -> None:
    source = shop(item({"error_handler": {"max_retries": 1}}), **client_options(name))
    api.on("/items", BROKEN[name])
    outcome = read(source)
    assert isinstance(outcome.failures["items"], ConnectionFailed)
    message = first_line(outcome.error())
    assert "/items failed 2 times, last with: " in message
    assert "run again" in message
    assert "object at 0x" not in message


def test_a_refused_connection_is_an_error(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__BASE_URL", "http://127.0.0.1:9")
    outcome = read(shop(item()))
    assert isinstance(outcome.failures["items"], ConnectionFailed)
    assert "http://127.0.0.1:9/items failed 4 times" in first_line(outcome.error())
    assert "refused" in first_line(outcome.error())


# status, headers, body -> expected part of the message
NOT_DATA: dict[str, tuple[int, dict[str, str], bytes, str]] = {
    "HTML": (200, {"Content-Type": "text/html"}, b"<html>Please log in</html>", "Please log in"),
    "text": (200, {"Content-Type": "text/plain"}, b"all is well", "all is well"),
    "empty body": (200, {}, b"", "instead of JSON"),
    "no content": (204, {}, b"", "answered status 204"),
    "CSV that starts like JSON": (200, {"Content-Type": "text/html"}, b"[x]", "text/html"),
}


@pytest.mark.parametrize("name", NOT_DATA)
def test_a_body_that_is_not_json_is_an_error_without_a_retry(api: Api, name: str) -> None:
    status, headers, body, found = NOT_DATA[name]
    api.on("/items", (status, headers, body))
    outcome = read(shop(item()))
    assert isinstance(outcome.failures["items"], InvalidResponse)
    assert found in first_line(outcome.error())
    assert "base_url" in outcome.error()
    assert len(api.seen) == 1


def test_a_body_larger_than_max_response_bytes_is_an_error(api: Api) -> None:
    api.on("/items", [{"id": i} for i in range(1000)])
    outcome = read(shop(item(), max_response_bytes=1000))
    assert "larger than 1,000 bytes" in outcome.error()
    assert "max_response_bytes" in outcome.error()
    assert len(api.seen) == 1


def test_max_response_bytes_limits_the_unpacked_body(api: Api) -> None:
    api.on(
        "/items", (200, {"Content-Encoding": "gzip"}, gzip.compress(b"[" + b" " * 100_000 + b"]"))
    )
    assert "larger than 1,000 bytes" in read(shop(item(), max_response_bytes=1000)).error()


def test_the_byte_counter_counts_unpacked_bytes(api: Api) -> None:
    api.on("/items", (200, {"Content-Encoding": "gzip"}, gzip.compress(b'[{"id": 1}]')))
    outcome = read(shop(item()))
    assert outcome.ids() == [1]
    assert outcome.readings["items"].counters.bytes == len(b'[{"id": 1}]')


def test_requests_wait_for_the_rate_limit(api: Api) -> None:
    api.on("/items", {"data": DATA, "next": "a"}, {"data": DATA, "next": None})
    source = shop(
        item({"paginator": {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}, "data_selector": "data"}),
        rate_limit={"requests": 1, "seconds": 1000},
    )  # fmt: skip
    outcome = read(source)
    assert outcome.ids() == [1]
    assert len(outcome.sleeps) == 1
    # the first request was sent a moment ago, and up to 0.5 s are added for slack
    assert 500 < outcome.sleeps[0] <= 1000.5
    assert outcome.readings["items"].counters.waited == outcome.sleeps[0]


def test_the_first_line_of_each_error_is_complete(api: Api) -> None:
    for status in (401, 403, 404, 429, 500):
        api.on("/items", (status, {}, {"error": "one\ntwo"}))
        error = read(shop(item())).failures["items"]
        assert isinstance(error, ExtractError)
        assert error.advice
        assert str(error).endswith(error.advice)
        assert first_line(error) == str(error)
        assert str(error).startswith("shop/items: ")
