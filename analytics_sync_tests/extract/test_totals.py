"""Totals are claims: what ends a numbered listing, and what it costs to ask once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

OFFSET = {"type": "offset", "limit": 4, "total_path": "count", "cursor_path": None}
PAGES = {"type": "page_number", "base_page": 1, "page_param": "page"}


def listed(paginator: Any, **endpoint: Any) -> Any:
    return shop(item({"paginator": paginator, "data_selector": "data", **endpoint}))


def listing(
    count: int, size: int, beside: Callable[[int, int], dict[str, Any]], *, base: int = 0
) -> Any:
    """Pages by offset or number; ``beside`` gives the rest of the body for start and length."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = (
            int(query["offset"]) - base if "offset" in query else (int(query["page"]) - 1) * size
        )
        rows = [{"id": n} for n in range(count)[start : start + size]]
        return {"data": rows, **beside(start, len(rows))}

    return respond


@pytest.mark.parametrize("count", [3, 4, 8, 9, 10])
def test_a_total_of_the_length_of_the_page_loses_no_row(api: Api, count: int) -> None:
    api.on("/items", listing(count, 4, lambda start, length: {"count": length}))
    assert read(listed(OFFSET)).ids() == [*range(count)]


@pytest.mark.parametrize("said", [1, 4, 8])
def test_a_total_that_is_too_small_loses_no_row(api: Api, said: int) -> None:
    api.on("/items", listing(11, 4, lambda start, length: {"count": said}))
    outcome = read(listed(OFFSET))
    assert outcome.ids() == [*range(11)]
    assert outcome.readings["items"].complete


@pytest.mark.parametrize("said", [1, 2])
def test_a_number_of_pages_that_is_too_small_loses_no_row(api: Api, said: int) -> None:
    api.on("/items", listing(11, 4, lambda start, length: {"pages": said}))
    assert read(listed({**PAGES, "total_path": "pages"})).ids() == [*range(11)]


def test_a_short_last_page_that_reaches_the_total_costs_no_request(api: Api) -> None:
    api.on("/items", listing(10, 4, lambda start, length: {"count": 10}))
    assert read(listed(OFFSET)).readings["items"].complete
    assert len(api.queries()) == 3


@pytest.mark.parametrize("count", [1, 4, 8])
def test_at_most_one_more_request(api: Api, count: int) -> None:
    api.on("/items", listing(count, 4, lambda start, length: {"count": count}))
    assert read(listed(OFFSET)).readings["items"].complete
    assert len(api.queries()) == -(-count // 4) + 1


@pytest.mark.parametrize("status", [400, 404, 416, 422])
def test_a_refused_page_beyond_the_total_is_the_end(api: Api, status: int) -> None:
    serve = listing(8, 4, lambda start, length: {"count": 8})
    api.on("/items", lambda *r: (status, {}, {}) if r[1]["offset"] == "8" else serve(*r))
    reading = read(listed(OFFSET)).readings["items"]
    assert reading.records == 8
    assert reading.complete


def test_a_refused_page_within_the_total_is_an_error(api: Api) -> None:
    serve = listing(12, 4, lambda start, length: {"count": 12})
    api.on("/items", lambda *r: (404, {}, {}) if r[1]["offset"] == "8" else serve(*r))
    assert "404" in read(listed(OFFSET)).error()


@pytest.mark.parametrize("relation", [{}, {"relation": "gte"}])
def test_a_capped_total_is_read_past(api: Api, relation: dict[str, str]) -> None:
    def beside(start: int, length: int) -> dict[str, Any]:
        return {"hits": {"total": {"value": 1000, **relation}}}

    api.on("/items", listing(1250, 300, beside))
    source = listed({**OFFSET, "limit": 300, "total_path": "hits.total.value"})
    reading = read(source).readings["items"]
    assert reading.records == 1250
    assert reading.complete


@pytest.mark.parametrize("beside", [{"relation": "gte"}, {}])
def test_a_capped_total_and_no_further_page_is_not_complete(
    api: Api, beside: dict[str, str]
) -> None:
    serve = listing(1000, 300, lambda start, length: {"total": 1000, **beside})
    api.on("/items", lambda *r: (400, {}, {}) if int(r[1]["offset"]) >= 1000 else serve(*r))
    reading = read(listed({**OFFSET, "limit": 300, "total_path": "total"})).readings["items"]
    assert reading.records == 1000
    assert not reading.complete
    assert "1,000" in reading.findings.of(COMPLETE)[0]


def test_a_lower_bound_that_an_empty_page_ends_is_not_complete(api: Api) -> None:
    beside = {"count": 8, "relation": "gte"}
    api.on("/items", listing(8, 4, lambda start, length: beside))
    reading = read(listed(OFFSET)).readings["items"]
    assert reading.records == 8
    assert "at least 8" in reading.findings.of(COMPLETE)[0]


def test_fewer_pages_than_the_total_of_pages(api: Api) -> None:
    api.on("/items", listing(8, 4, lambda start, length: {"pages": 3}))
    reading = read(listed({**PAGES, "total_path": "pages"})).readings["items"]
    assert "3 pages" in reading.findings.of(COMPLETE)[0]
    assert not reading.complete


@pytest.mark.parametrize("count", [1, 4, 7, 8])
def test_an_offset_that_counts_from_one(api: Api, count: int) -> None:
    api.on("/items", listing(count, 4, lambda start, length: {"count": count}, base=1))
    outcome = read(listed({**OFFSET, "offset": 1}))
    assert outcome.ids() == [*range(count)]
    assert outcome.readings["items"].complete
    assert api.queries()[0]["offset"] == "1"


def clamped(rows: int, size: int, **beside: Any) -> Any:
    """A server that sends its last page for every number beyond it."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        last = -(-rows // size)
        page = (
            min(int(query["page"]), last) if "page" in query else int(query["offset"]) // size + 1
        )
        start = (min(page, last) - 1) * size
        return {"data": [{"id": n} for n in range(rows)[start : start + size]], **beside}

    return respond


@pytest.mark.parametrize("count", [5, 6, 8])
@pytest.mark.parametrize("said", ["total", "pages", "count_path", "flag"])
def test_the_last_page_again_is_an_end_when_all_was_read(api: Api, count: int, said: str) -> None:
    beside = {
        "total": {"total": count},
        "pages": {"meta": {"total_pages": -(-count // 4)}},
        "count_path": {"n": count},
        "flag": {"has_more": False},
    }[said]
    api.on("/items", clamped(count, 4, **beside))
    more = {"count_path": "n"} if said == "count_path" else {}
    outcome = read(listed(PAGES, **more))
    assert outcome.ids() == [*range(count)]
    assert outcome.readings["items"].complete


@pytest.mark.parametrize("count", [5, 8])
def test_the_last_offset_again_is_an_end_when_all_was_read(api: Api, count: int) -> None:
    api.on("/items", clamped(count, 4, count=count))
    assert read(listed(OFFSET)).ids() == [*range(count)]


@pytest.mark.parametrize("beside", [{}, {"total": 9}, {"has_more": True}])
def test_the_last_page_again_proves_nothing_by_itself(api: Api, beside: dict[str, Any]) -> None:
    api.on("/items", clamped(8, 4, **beside))
    assert "same page again" in read(listed(PAGES)).error()


def test_maximum_page_with_a_sign_of_more_is_not_complete(api: Api) -> None:
    api.on("/items", listing(9, 4, lambda start, length: {"has_more": True}))
    reading = read(listed({**PAGES, "maximum_page": 2})).readings["items"]
    assert reading.records == 8
    assert "has_more" in reading.findings.of(COMPLETE)[0]


@pytest.mark.parametrize("said", ["20", {"value": 20}, 20], ids=str)
@pytest.mark.parametrize("paginator", ["single_page", PAGES, {**OFFSET, "total_path": None}])
def test_a_declared_total_in_any_form_is_compared(api: Api, paginator: Any, said: Any) -> None:
    serve = listing(15, 15, lambda start, length: {"n": said})
    api.on("/items", lambda path, query, h: serve(path, query or {"page": "1"}, h))
    reading = read(listed(paginator, count_path="n")).readings["items"]
    assert (reading.records, reading.reported_total, reading.complete) == (15, 20, False)


def test_a_number_of_pages_as_text_doubts_an_empty_page(api: Api) -> None:
    api.on("/items", listing(8, 4, lambda start, length: {"pages": "3"}))
    reading = read(listed({**PAGES, "total_path": "pages"})).readings["items"]
    assert "The API said 3 pages at pages" in reading.findings.of(COMPLETE)[0]


def test_a_declared_total_that_is_absent_hides_no_other_total(api: Api) -> None:
    api.on("/items", listing(8, 4, lambda start, length: {"meta": {"total": 20}}))
    reading = read(listed(PAGES, count_path="meta.count")).readings["items"]
    assert "meta.total is 20, and 8 records were read" in reading.findings.of(COMPLETE)[0]
    api.on("/items", listing(8, 4, lambda start, length: {"meta": {"total": 20, "count": 8}}))
    assert read(listed(PAGES, count_path="meta.count")).readings["items"].complete
