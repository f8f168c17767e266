"""Reset times: every spelling of a delay or an instant, alone and in the headers of a response."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from typing import Any

import pytest

from analytics_sync.extract.rest_client.rate_limits import backoff
from analytics_sync.extract.rest_client.rate_limits.reset_time import bounded, seconds_until
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

NOW = datetime(2025, 3, 4, 5, 6, 7, tzinfo=UTC)
EPOCH = int(NOW.timestamp())
SOON = NOW + timedelta(seconds=90)

SPELLINGS: dict[str, float] = {
    "90": 90,
    " 90.5 ": 90.5,
    '"90"': 90,
    str(EPOCH + 90): 90,
    f"{EPOCH + 90}.25": 90.25,
    str((EPOCH + 90) * 1000): 90,
    str((EPOCH + 90) * 10**6): 90,
    str((EPOCH + 90) * 10**9): 90,
    "1m30s": 90,
    "1h0m2.5s": 3602.5,
    "250ms": 0.25,
    "6m0s": 360,
    "500µs": 0.0005,
    "90 seconds": 90,
    "1 minute": 60,
    "2 mins": 120,
    "PT1M30S": 90,
    "pt0.5s": 0.5,
    SOON.isoformat(): 90,
    SOON.strftime("%Y-%m-%dT%H:%M:%S.500Z"): 90.5,
    SOON.strftime("%Y-%m-%d %H:%M:%S UTC"): 90,
    (SOON + timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S+02:00"): 90,
    SOON.strftime("%Y-%m-%d %H:%M:%S"): 90,
    format_datetime(SOON, usegmt=True): 90,
    SOON.strftime("%A, %d-%b-%y %H:%M:%S GMT"): 90,
    SOON.strftime("%a %b %d %H:%M:%S %Y"): 90,
}
NO_WAITS = [
    "", " ", "-1", "-90", "nan", "NaN", "inf", "-inf", "1e9", "1_0", "0x10", "soon", "s", "1x", "1m 30", "P",
    "PT", "true", "null", "9" * 31, "9" * 500, "1" * 25, "7201", str(EPOCH - 1), str(EPOCH + 7201),
    str((EPOCH + 7201) * 1000), "3h", "2d", "Thu, 01 Jan 1970 00:00:00 GMT", "1970-01-01T00:00:30Z",
    "2025-13-99T99:99:99Z", "Mon, 99 May 2024 07:08:39 GMT", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59", "Fri, 31 Dec 9999 23:59:59 GMT", "٣٠",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_a_spelling_of_a_reset_time(text: str) -> None:
    assert seconds_until(text, EPOCH) == pytest.approx(SPELLINGS[text])


@pytest.mark.parametrize("text", NO_WAITS)
def test_a_text_that_is_no_wait(text: str) -> None:
    assert bounded(seconds_until(text, EPOCH)) is None


# headers and body of a 429 -> expected delay in seconds; the backoff is 2 s
RESPONSES: dict[str, tuple[dict[str, Any], Any, float]] = {
    "retry-after-ms": ({"Retry-After-Ms": 1500}, {}, 1.5),
    "the finer unit first": ({"Retry-After": 2, "retry-after-ms": 1200}, {}, 1.2),
    "milliseconds of Azure": ({"x-ms-retry-after-ms": "700"}, {}, 0.7),
    "an instant in Retry-After": ({"Retry-After": EPOCH + 30}, {}, 30),
    "ISO 8601 in Retry-After": ({"Retry-After": SOON.isoformat()}, {}, 90),
    "a duration": ({"x-ratelimit-reset-requests": "1m30s"}, {}, 90),
    "x-rate-limit-reset": ({"x-rate-limit-reset": EPOCH + 45}, {}, 45),
    "milliseconds since 1970": ({"X-RateLimit-Reset": (EPOCH + 45) * 1000}, {}, 45),
    "milliseconds until the reset": ({"X-RateLimit-Reset": 30_000}, {}, 30),
    "reset-after": ({"X-RateLimit-Reset-After": "3.25"}, {}, 3.25),
    "RateLimit, structured": ({"RateLimit": '"default";r=0;t=30'}, {}, 30),
    "RateLimit, the limit that is used up": ({"RateLimit": '"burst";r=9;t=5, "hour";r=0;t=70'}, {}, 70),
    "RateLimit, an earlier draft": ({"RateLimit": "limit=100, remaining=0, reset=30"}, {}, 30),
    "parameters after the number": ({"RateLimit-Reset": "30;w=60"}, {}, 30),
    "the later one of two limits": ({"X-RateLimit-Reset-Second": 1, "X-RateLimit-Reset-Minute": 40}, {}, 40),
    "the limit that is used up": (
        {
            "x-ratelimit-remaining-tokens": 900, "x-ratelimit-reset-tokens": "6m0s",
            "x-ratelimit-remaining-requests": 0, "x-ratelimit-reset-requests": "1s",
        }, {}, 1,
    ),
    "one absurd, one sound": ({"Retry-After": -1, "X-RateLimit-Reset": 12}, {}, 12),
    "by the server's clock": (
        {
            "Date": format_datetime(NOW + timedelta(minutes=50), usegmt=True),
            "X-RateLimit-Reset": EPOCH + 3000 + 20,
        }, {}, 20,
    ),
    "a date that is absurd": ({"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "Retry-After": EPOCH + 9}, {}, 9),
    "retry_after in the body": ({}, {"error": {"retry_after": 2.5}}, 2.5),
    "retryDelay in the body": ({}, {"error": {"details": [{"retryDelay": "17s"}]}}, 17),
    "an absurd wait in the body": ({}, {"wait": -3}, 2),
    "negative": ({"X-RateLimit-Reset": -30}, {}, 2),
    "not a number": ({"X-RateLimit-Reset": "NaN"}, {}, 2),
    "1970": ({"X-RateLimit-Reset": "1970-01-01T00:00:00Z"}, {}, 2),
    "zero, for unknown": ({"X-RateLimit-Reset": 0}, {}, 2),
    "the year 5138": ({"X-RateLimit-Reset": 99_999_999_999}, {}, 2),
    "five hours away": ({"X-RateLimit-Reset": EPOCH + 18_000}, {}, 2),
    "tomorrow": ({"Retry-After": format_datetime(NOW + timedelta(days=1), usegmt=True)}, {}, 2),
    "a moment ago": ({"X-RateLimit-Reset": EPOCH - 1}, {}, 2),
}  # fmt: skip


@pytest.mark.parametrize("name", RESPONSES)
def test_the_delay_before_a_retry(api: Api, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backoff, "time", SimpleNamespace(time=NOW.timestamp))
    headers, body, seconds = RESPONSES[name]
    api.on("/items", (429, headers, body), [{"id": 1}])
    outcome = read(shop(item()))
    assert outcome.ids() == [1]
    assert outcome.sleeps == [pytest.approx(seconds)]
