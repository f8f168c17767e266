"""Signs of gaps: responses with a status of success that say that records are missing.

In: a scripted API whose pages hold records, and words about an error beside them. Out: findings, errors,
and the rows of tables of earlier runs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import CatalogError, Source
from analytics_sync.common.errors import InvalidResponse
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

RECORDS = [{"id": 1, "status": "failed"}, {"id": 2, "errors": ["x"], "ok": False}]


def paged(paginator: Any = "single_page", **keys: Any) -> Source:
    return shop(item({"paginator": paginator, "data_selector": "data", **keys}))


# what stands beside the records -> a part of the finding
SIGNS: dict[str, tuple[dict[str, Any], str]] = {
    "errors": ({"errors": [{"message": "shard 2 is down"}]}, "errors is [{"),
    "one error": ({"error": "upstream unavailable"}, 'error is "upstream unavailable"'),
    "an error object": ({"error": {"code": 7}}, 'error is {"code":7}'),
    "partial errors": ({"partial_errors": {"eu": "down"}}, "partial_errors is"),
    "partial": ({"partial": True}, "partial is true"),
    "partialResults": ({"responseHeader": {"partialResults": True}}, "responseHeader.partialResults"),
    "incomplete results": ({"incomplete_results": True}, "incomplete_results is true"),
    "timed out": ({"timed_out": True}, "timed_out is true"),
    "shards": ({"_shards": {"total": 5, "successful": 3, "failed": 2}}, "_shards.failed is 2"),
    "ok": ({"ok": False, "message": "internal"}, "ok is false"),
    "success": ({"meta": {"success": False}}, "meta.success is false"),
    "not complete": ({"complete": False}, "complete is false"),
    "status": ({"status": "partial_success"}, 'status is "partial_success"'),
    "status number": ({"status": 503}, "status is 503"),
    "code as text": ({"code": "429"}, 'code is "429"'),
    "a warning": ({"warnings": ["results are incomplete"]}, "warnings is"),
}  # fmt: skip


@pytest.mark.parametrize("name", SIGNS)
def test_words_about_a_gap_are_a_finding(api: Api, name: str) -> None:
    beside, said = SIGNS[name]
    api.on("/items", {"data": RECORDS, **beside})
    outcome = read(paged())
    assert outcome.ids() == [1, 2]
    (found,) = outcome.readings["items"].findings.of(COMPLETE)
    assert f"The API says that a page is not complete: {said}" in found
    assert not outcome.readings["items"].complete


@pytest.mark.parametrize("name", SIGNS)
def test_an_error_without_records_is_not_an_empty_page(api: Api, name: str) -> None:
    beside, said = SIGNS[name]
    api.on("/items", {"data": [], **beside})
    outcome = read(paged())
    assert isinstance(outcome.failures["items"], InvalidResponse)
    assert f"answered status 200 without records, and says that there was an error: {said}" in (
        outcome.error()
    )


REFUSALS: dict[str, tuple[dict[str, str], dict[str, Any], str]] = {
    "a limit": ({}, {"status": "OVER_QUERY_LIMIT"}, 'status is "OVER_QUERY_LIMIT"'),
    "a refused key": ({}, {"status": "REQUEST_DENIED"}, "REQUEST_DENIED"),
    "a code": ({}, {"meta": {"code": "rate-limit.exceeded"}}, "meta.code is"),
    "not ready": ({}, {"status": "processing"}, "processing"),
    "a wait": ({"Retry-After": "30"}, {}, "the header Retry-After is 30"),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_with_status_200_is_not_an_empty_page(api: Api, name: str) -> None:
    headers, beside, said = REFUSALS[name]
    api.on("/items", (200, headers, {"data": [], **beside}))
    assert said in read(paged()).error()
    api.on("/items", (200, headers, {"data": [{"id": 1}], **beside}))
    assert read(paged()).readings["items"].complete, (
        "the status of records says nothing about others"
    )


@pytest.mark.parametrize(
    ("headers", "beside"),
    [
        ({}, {"status": "ZERO_RESULTS"}),
        ({}, {"status": "OK", "code": "NO_ERROR"}),
        ({}, {"status": "limit of 10 rows was not reached"}),
        ({"Retry-After": "0"}, {}),
        ({"Retry-After": "9"}, {"message": "No results found"}),
    ],
)
def test_an_empty_page_without_a_refusal(
    api: Api, headers: dict[str, str], beside: dict[str, Any]
) -> None:
    api.on("/items", (200, headers, {"data": [], **beside}))
    assert read(paged()).readings["items"].complete


def test_a_later_page_counts_too(api: Api) -> None:
    cursor = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
    bad, good = {"data": RECORDS, "next": "b", "timed_out": True}, {"data": [{"id": 3}]}
    api.on("/items", bad, good)
    assert len(read(paged(cursor)).readings["items"].findings.of(COMPLETE)) == 1
    numbers = {"type": "page_number", "page_param": "page", "base_page": 1}
    api.on("/items", {"data": RECORDS}, {"data": [], "success": False, "message": "internal"})
    assert "success is false" in read(paged(numbers)).error()


PARTIAL: dict[str, tuple[int, dict[str, str], bool]] = {
    "partial content": (206, {}, True),
    "multi-status": (207, {}, True),
    "a range": (206, {"Content-Range": "items 0-1/2"}, False),
    "created": (201, {}, False),
}


@pytest.mark.parametrize("name", PARTIAL)
def test_statuses_of_a_part(api: Api, name: str) -> None:
    status, headers, is_sign = PARTIAL[name]
    api.on("/items", (status, headers, {"data": RECORDS}))
    outcome = read(paged())
    assert outcome.ids() == [1, 2]
    found = outcome.readings["items"].findings.of(COMPLETE)
    assert (f"the status is {status}" in "".join(found)) == is_sign
    accept = [{"status_code": status, "action": "accept"}]
    assert read(paged(response_actions=accept)).readings["items"].findings.by_check() == {}


QUIET: dict[str, dict[str, Any]] = {
    "no errors": {"errors": [], "error": None, "warnings": [], "failures": {}},
    "harmless texts": {"error": "", "errors": "none", "status": "ok", "error_message": "Success"},
    "harmless values": {"error": False, "error_code": 0, "code": 200, "status": 1, "errors": 0},
    "flags": {"ok": True, "partial": False, "timed_out": False, "complete": True, "success": 1},
    "shards": {"_shards": {"total": 5, "successful": 5, "skipped": 1, "failed": 0}},
    "numbers of a report": {"failed": 3, "errors": 4, "failures": 1, "incomplete": 2},
    "other warnings": {"warnings": ["version 1 will be removed"]},
    "an entity around the records": {"id": "r1", "status": "failed", "complete": False},
    "another object": {"run": {"status": "failed", "ok": False}},
}  # fmt: skip


@pytest.mark.parametrize("name", QUIET)
@pytest.mark.parametrize("records", [RECORDS, []], ids=["records", "empty"])
def test_other_words_say_nothing(api: Api, name: str, records: Any) -> None:
    api.on("/items", {"data": records, **QUIET[name]})
    outcome = read(paged())
    assert outcome.ids() == [record["id"] for record in records]
    assert outcome.readings["items"].findings.by_check() == {}


@pytest.mark.parametrize(
    "message", ["No records found", "page 7 is out of range", "Nothing to show", "no more pages"]
)
def test_a_text_that_says_that_there_is_nothing(api: Api, message: str) -> None:
    api.on("/items", {"data": [], "status": "error", "success": False, "message": message})
    assert read(paged()).ids() == []


@pytest.mark.parametrize(
    ("selector", "body"),
    [
        ("$", {"id": 1, "status": "failed", "errors": ["x"], "ok": False}),
        ("$", [{"id": 1, "status": "failed", "error": "x"}]),
        ("data", {"data": {"id": 1, "status": "failed", "error": "x"}}),
        ("data.*", {"data": {"error": {"id": 1, "status": "error"}, "b": {"id": 2, "ok": False}}}),
        ("run.jobs", {"run": {"status": "failed", "jobs": [{"id": 1}]}}),
        ("*.jobs", {"a": {"status": "failed", "jobs": [{"id": 1}]}}),
    ],
)
def test_records_are_no_envelope(api: Api, selector: str, body: Any) -> None:
    api.on("/items", body)
    outcome = read(shop(item({"data_selector": selector})))
    assert outcome.ids()
    assert outcome.readings["items"].findings.by_check() == {}


def test_what_the_file_declares_rules(api: Api) -> None:
    body = {"data": RECORDS, "errors": ["old field"]}
    api.on("/items", body)
    accept = [{"content": "old field", "action": "accept"}]
    assert read(paged(response_actions=accept)).readings["items"].complete
    other = [{"content": "new field", "action": "accept"}]
    assert not read(paged(response_actions=other)).readings["items"].complete
    api.on("/items", {**body, "data": []})
    assert read(paged(response_actions=accept)).ids() == []
    ignore = [{"content": "old field", "action": "ignore"}]
    assert read(paged(response_actions=ignore)).ids() == []
    retry = [{"content": "old field", "action": "retry"}]
    api.on("/items", {**body, "data": []}, {"data": RECORDS})
    assert read(paged(response_actions=retry)).ids() == [1, 2]


def test_only_a_success_can_be_accepted() -> None:
    with pytest.raises(CatalogError, match="accept takes a response for a page"):
        paged(response_actions=[{"status_code": 404, "action": "accept"}])


def test_an_error_status_is_not_accepted_by_its_text(api: Api) -> None:
    api.on("/items", (500, {}, {"data": RECORDS, "errors": ["x"]}))
    accept = [{"content": "errors", "action": "accept"}]
    assert "answered 500" in read(paged(response_actions=accept)).error()


def test_no_secret_is_shown(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCES__SHOP__TOKEN", "s3cret-token-of-shop")
    auth = {"type": "bearer", "token": 'dlt.secrets["token"]'}
    source = shop(item({"data_selector": "data"}), auth=auth)
    api.on("/items", {"data": RECORDS, "error": "for s3cret-token-of-shop"})
    assert "s3cret" not in str(read(source).readings["items"].findings.of(COMPLETE))
    api.on("/items", {"data": [], "error": "for s3cret-token-of-shop"})
    assert "s3cret" not in read(source).error()


@pytest.mark.parametrize("disposition", ["merge", "replace"])
@pytest.mark.parametrize("name", ["errors", "timed out", "partial"])
def test_a_partial_page_takes_no_row_away(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, disposition: str
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    source = shop(item({"data_selector": "data"}, write_disposition=disposition))
    pages = [{"data": [{"id": n} for n in range(9)]}, {"data": [{"id": 1}], **SIGNS[name][0]}]
    for page in pages:
        api.on("/items", page)
        with ReadRun(source) as run:
            load(run, "run")
            failed = run.failures()
    assert bool(failed) == (disposition == "replace")
    rows = duckdb_file.table(file, "shop/items")
    assert len([row for row in rows if row.get("_deleted_at") is None]) == 9
