"""Statuses by declaration: ignored, retried and failed responses, and rate limits under any status."""

from __future__ import annotations

import json
from typing import Any

import pytest

from analytics_sync.catalog import CatalogError, load_text
from analytics_sync.common.errors import HttpStatusError, InvalidResponse
from analytics_sync_tests.support.response_actions import (
    CURSOR,
    PAGES,
    actions,
    ignore,
    kids,
    page,
)
from analytics_sync_tests.support.scripted_api import Api, Raw, item, read, shop, shop_api

api = shop_api

DATA = [{"id": 1}]

# --- ignored -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 205, 202, 304, 303, 302, 400, 404, 409, 418, 500, 599])
def test_any_status_can_be_ignored(api: Api, status: int) -> None:
    head = f"HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    api.on("/items", Raw(head.encode()))
    outcome = read(shop(item(actions(ignore(status)))))
    assert outcome.ids() == []
    reading = outcome.readings["items"]
    assert reading.stop_reasons == {f"status {status}, ignored"}
    assert not reading.complete


def test_a_redirect_that_is_ignored_is_not_followed(api: Api) -> None:
    api.on("/items", (302, {"Location": "/login"}, b""))
    assert read(shop(item(actions(ignore(302))))).ids() == []
    assert api.paths() == ["/items"]


@pytest.mark.parametrize("status", [200, 201, 204, 205, 206])
def test_an_empty_body_that_is_not_declared_is_an_error(api: Api, status: int) -> None:
    api.on("/items", (status, {}, b""))
    outcome = read(shop(item(actions(ignore(404)))))
    assert isinstance(outcome.failures["items"], InvalidResponse)
    assert f"response_actions: [{{status_code: {status}, action: ignore}}]" in outcome.error()


@pytest.mark.parametrize("status", [300, 302, 307])
def test_a_redirect_to_nowhere_is_no_page(api: Api, status: int) -> None:
    api.on("/items", (status, {}, []))
    assert f"answered {status}" in read(shop(item())).error()


def test_several_statuses_are_ignored_in_any_order(api: Api) -> None:
    api.on("/items", (422, {}, {}))
    api.on("/others", (404, {}, {}))
    declared = actions(ignore(404), ignore(422))
    outcome = read(shop(item(declared), item(declared, name="others")))
    assert (outcome.ids(), outcome.ids("others")) == ([], [])


def test_the_actions_of_resource_defaults_apply_to_all_resources(api: Api) -> None:
    api.on("/items", (204, {}, b""))
    source = {
        "client": {},
        "resource_defaults": {"primary_key": "id", "endpoint": actions(ignore(204))},
        "resources": ["items"],
    }
    assert read(load_text(json.dumps(source), name="shop", file="shop.yaml")).ids() == []


def test_a_transient_status_is_ignored_after_all_retries(api: Api) -> None:
    api.on("/items", (503, {}, {}), DATA)
    assert read(shop(item(actions(ignore(503))))).ids() == [1]
    api.on("/items", (503, {}, {}))
    outcome = read(shop(item(actions(ignore(503)))))
    assert (outcome.ids(), outcome.sleeps) == ([], [2, 4, 8])


CONTENTS: dict[str, tuple[dict[str, Any], int, Any, bool]] = {
    "text": (ignore(content="No reports"), 400, b"No reports yet", True),
    "another text": (ignore(content="No reports"), 400, b"Bad range", False),
    "text of a success": (ignore(content='"error"'), 200, {"error": "none"}, True),
    "status and text": (ignore(400, "No reports"), 400, b"No reports", True),
    "another status": (ignore(404, "No reports"), 400, b"No reports", False),
    "beyond ASCII": (ignore(content="keine Einträge"), 404, "keine Einträge".encode(), True),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_a_response_is_ignored_by_its_content(api: Api, name: str) -> None:
    declared, status, body, is_ignored = CONTENTS[name]
    api.on("/items", (status, {}, body))
    outcome = read(shop(item(actions(declared))))
    assert (outcome.failures == {}) is is_ignored


def test_the_first_action_that_matches_counts(api: Api) -> None:
    api.on("/items", (404, {}, {"error": "gone"}))
    fail = {"status_code": 404, "content": "gone", "action": "fail"}
    assert "answered 404" in read(shop(item(actions(fail, ignore(404))))).error()
    assert read(shop(item(actions(ignore(404), fail)))).ids() == []


@pytest.mark.parametrize(
    "declared",
    [
        {"action": "ignore"},
        {"status_code": 404},
        {"status_code": 404, "action": "skip"},
        {"status_code": 99, "action": "ignore"},
        {"status_code": "all", "action": "ignore"},
        {"content": "", "action": "ignore"},
        {"status_code": 404, "action": "ignore", "body": "x"},
    ],
    ids=str,
)
def test_an_action_that_cannot_be_meant_is_an_error_of_the_file(declared: dict[str, Any]) -> None:
    with pytest.raises(CatalogError, match="response_actions"):
        shop(item(actions(declared)))


def test_a_status_to_retry_that_is_none_is_an_error_of_the_file() -> None:
    with pytest.raises(CatalogError, match="retry_on_status_codes"):
        shop(item({"error_handler": {"retry_on_status_codes": [42]}}))


# --- retried and failed --------------------------------------------------------------------------


@pytest.mark.parametrize("body", [[], {}, b"", {"status": "running"}, DATA], ids=repr)
@pytest.mark.parametrize("status", [202, 203, 206, 204, 409, 425])
def test_a_declared_status_is_retried_whatever_its_body(api: Api, status: int, body: Any) -> None:
    api.on("/items", (status, {"Retry-After": 3}, body), (status, {}, body), [{"id": 7}])
    outcome = read(shop(item({"error_handler": {"retry_on_status_codes": [status]}})))
    assert outcome.ids() == [7]
    assert outcome.sleeps == [3, 4]


@pytest.mark.parametrize("body", [[], {}, b"", DATA], ids=repr)
def test_202_that_stays_is_an_error(api: Api, body: Any) -> None:
    api.on("/items", (202, {}, body))
    outcome = read(shop(item({"error_handler": {"retry_on_status_codes": [202]}})))
    assert "answered 202 4 times" in outcome.error()
    assert "max_retries" in outcome.error()


@pytest.mark.parametrize("body", [[], {}, b"", DATA], ids=repr)
def test_202_that_is_not_declared_is_no_page(api: Api, body: Any) -> None:
    api.on("/items", (202, {}, body))
    assert "declare 202 in retry_on_status_codes" in read(shop(item())).error()


def test_202_on_a_later_page_and_of_a_child(api: Api) -> None:
    retry = {"error_handler": {"retry_on_status_codes": [202]}}
    api.on("/items", DATA)
    api.on("/items/*", page(1, next="a"), (202, {}, page()), page(2))
    assert read(shop(item(), kids({**CURSOR, **retry}))).ids("kids") == [1, 2]


def test_a_response_is_retried_by_its_content(api: Api) -> None:
    api.on("/items", {"state": "still running"}, DATA)
    retry = {"status_code": 200, "content": "still running", "action": "retry"}
    outcome = read(shop(item(actions(retry))))
    assert (outcome.ids(), outcome.sleeps) == ([1], [2])
    api.on("/items", {"state": "still running"})
    assert "answered 200 4 times" in read(shop(item(actions(retry)))).error()


def test_a_transient_status_can_be_declared_as_a_failure(api: Api) -> None:
    api.on("/items", (500, {}, {"error": "bad range"}))
    fail = {"status_code": 500, "content": "bad range", "action": "fail"}
    assert "answered 500: " in read(shop(item(actions(fail)))).error()
    assert len(api.seen) == 1


def test_a_child_that_is_declared_as_a_failure_is_not_gone(api: Api) -> None:
    api.on("/items", [{"id": 1}, {"id": 2}])
    api.on("/items/1/kids", [{"id": 10}])
    api.on("/items/2/kids", (404, {}, {}))
    fail = {"status_code": 404, "action": "fail"}
    assert "answered 404" in read(shop(item(), kids(actions(fail)))).error("kids")
    assert len(read(shop(item(), kids())).readings["kids"].skipped) == 1


# --- rate limits under another status --------------------------------------------------------------

LIMITS: dict[str, tuple[dict[str, Any], Any]] = {
    "Retry-After": ({"Retry-After": 5}, {}),
    "Retry-After that says nothing": ({"Retry-After": "later"}, {}),
    "X-RateLimit-Remaining": ({"X-RateLimit-Remaining": 0}, {}),
    "RateLimit-Remaining": ({"RateLimit-Remaining": "0;w=60"}, {}),
    "X-Rate-Limit-Remaining": ({"X-Rate-Limit-Remaining": "0"}, {}),
    "one of several limits": ({"X-RateLimit-Remaining-Day": 0, "X-RateLimit-Remaining-Minute": 9}, {}),
    "a header sent twice": ({"X-RateLimit-Remaining": "7, 0"}, {}),
    "a name of its own": ({"X-Acme-RateLimit-Daily-Remaining": 0}, {}),
    "RateLimit, structured": ({"RateLimit": '"a";r=4;t=1, "b";r=0;t=9'}, {}),
    "RateLimit, an earlier draft": ({"RateLimit": "limit=5, remaining=0, reset=9"}, {}),
    "calls of a limit": ({"X-Shop-Api-Call-Limit": "40/40"}, {}),
    "a text": ({}, b"API rate limit exceeded for this address"),
    "a message": ({}, {"message": "You have exceeded a secondary rate limit."}),
    "a reason": ({}, {"error": {"errors": [{"reason": "rateLimitExceeded"}], "code": 403}}),
    "a reason of users": ({}, {"error": {"errors": [{"reason": "userRateLimitExceeded"}]}}),
    "a daily limit": ({}, {"errors": [{"reason": "dailyLimitExceeded"}]}),
    "a code": ({}, {"error": "RATE_LIMITED"}),
    "a number": ({}, {"error": {"code": 429, "message": "no"}}),
    "too many requests": ({}, {"detail": "Too Many Requests"}),
    "a quota": ({}, {"fault": {"faultstring": "Quota exceeded for this key"}}),
    "a quota in one word": ({}, {"code": "quota"}),
    "throttled": ({}, {"detail": "Request was throttled."}),
    "resources": ({}, {"error": {"status": "RESOURCE_EXHAUSTED"}}),
    "a wait": ({}, {"message": "Please try again in 30 seconds"}),
}  # fmt: skip


@pytest.mark.parametrize("status", [403, 404])
@pytest.mark.parametrize("name", LIMITS)
def test_a_rate_limit_is_never_a_child_that_is_gone(api: Api, name: str, status: int) -> None:
    headers, body = LIMITS[name]
    limited = (status, headers, body)
    api.on("/items", [{"id": 1}, {"id": 2}])
    api.on("/items/1/kids", [{"id": 10}])
    api.on("/items/2/kids", limited, limited, [{"id": 20}])
    outcome = read(shop(item(), kids(actions(ignore(status)))))
    assert outcome.ids("kids") == [10, 20]
    assert len(outcome.sleeps) == 2
    api.on("/items/2/kids", limited)
    for declared in ({}, actions(ignore(status))):
        failed = read(shop(item(), kids(declared)))
        assert isinstance(failed.failures["kids"], HttpStatusError)
        assert f"answered {status} 4 times" in failed.error("kids")
        assert "rate limit" in failed.error("kids")


def test_a_rate_limit_beyond_the_last_page_is_no_end(api: Api) -> None:
    api.on("/items", page(1, 2), (404, {"Retry-After": 9}, {}), page(3, 4), (404, {}, {}))
    outcome = read(shop(item({**PAGES, **actions(ignore(404))})))
    assert (outcome.ids(), outcome.sleeps) == ([1, 2, 3, 4], [9])


def test_a_rate_limit_pauses_until_its_reset(api: Api) -> None:
    headers = {"x-ratelimit-remaining": 0, "x-ratelimit-reset": 33}
    api.on("/items", (403, headers, {}), DATA)
    assert read(shop(item())).sleeps == [33]


NO_LIMITS: dict[str, tuple[int, dict[str, Any], Any]] = {
    "requests remain": (403, {"X-RateLimit-Remaining": 59, "X-RateLimit-Reset": 30}, {}),
    "no limit": (403, {"X-RateLimit-Remaining": -1}, {}),
    "requests remain, structured": (404, {"RateLimit": '"a";r=40;t=10'}, {}),
    "calls remain": (403, {"X-Shop-Api-Call-Limit": "1/40"}, {}),
    "a refusal": (403, {}, {"message": "The key lacks the scope items:read."}),
    "a link to the documentation": (404, {}, {"see": "https://docs.example.com/rate-limit#quota"}),
    "the path": (404, {}, {"detail": "no such path: /items/2/rate_limits"}),
    "another quota": (404, {}, {"detail": "This item has no quota."}),
    "a key": (403, {}, {"rate_limit_remaining": 12}),
}


@pytest.mark.parametrize("name", NO_LIMITS)
def test_a_child_that_is_gone_is_skipped(api: Api, name: str) -> None:
    api.on("/items", [{"id": 1}, {"id": 2}])
    api.on("/items/1/kids", [{"id": 10}])
    api.on("/items/2/kids", NO_LIMITS[name])
    outcome = read(shop(item(), kids()))
    assert (outcome.ids("kids"), outcome.sleeps) == ([10], [])
    assert len(outcome.readings["kids"].skipped) == 1


def test_an_action_that_quotes_the_body_overrules_the_search_for_a_limit(api: Api) -> None:
    api.on("/items", (403, {}, {"message": "Your plan has no quota reports."}))
    assert read(shop(item(actions(ignore(403, "no quota reports"))))).ids() == []
    assert "no limit, declare response_actions" in read(shop(item())).error()


@pytest.mark.parametrize("status", [408, 409, 501, 520, 529])
def test_any_error_that_names_a_time_is_requested_again(api: Api, status: int) -> None:
    api.on("/items", (status, {"Retry-After": 4}, {}), DATA)
    outcome = read(shop(item()))
    assert (outcome.ids(), outcome.sleeps) == ([1], [4])


def test_a_secret_in_a_header_of_a_rate_limit_is_masked(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "s3cret-token-of-shop")
    api.on("/items", (429, {"Retry-After": "s3cret-token-of-shop"}, {}))
    outcome = read(shop(item(), auth={"type": "bearer", "token": 'dlt.secrets["token"]'}))
    assert "4 times, with retry-after: ***" in outcome.error()
