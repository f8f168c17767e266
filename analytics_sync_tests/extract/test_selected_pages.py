"""Selectors that leave elements out, and the paginators that count all elements of a page.

In: listings of which a filter selects some records, in pages. Out: all selected records, and totals that
count the other elements too.
"""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync_tests.support.scripted_api import (
    Api,
    Outcome,
    Query,
    item,
    read,
    shop,
    shop_api,
)

api = shop_api
SIZE = 4
# the second page holds no order, the third one order, the last two elements no order
KINDS = (
    ["order"] * 4
    + ["basket"] * 4
    + ["basket", "order", "basket", "basket"]
    + ["order", "basket", "basket"]
)
ORDERS = [0, 1, 2, 3, 9, 12]
PAGES = {"type": "page_number", "base_page": 1, "limit": SIZE}
OFFSET = {"type": "offset", "limit": SIZE}

# selector, an element with a number and a kind
SELECTORS: dict[str, tuple[str, Any]] = {
    "filter": ("data[?(@.kind=='order')]", lambda n, kind: {"id": n, "kind": kind}),
    "filter above": ("data[?(@.kind=='order')].of", lambda n, kind: {"kind": kind, "of": {"id": n}}),
    "null": ("data[*].of", lambda n, kind: {"of": {"id": n} if kind == "order" else None, "n": n}),
    "objects by their keys": ("data[*][?(@.kind=='order')]", lambda n, kind: {f"k{n}": {"id": n, "kind": kind}}),
}  # fmt: skip
PAGINATORS: dict[str, dict[str, Any]] = {
    "pages": PAGES,
    "pages, base unknown": {**PAGES, "base_page": None},
    "pages, total": {**PAGES, "total_path": "pages"},
    "pages, flag": {**PAGES, "has_more_path": "more"},
    "offset": OFFSET,
    "offset, total": {**OFFSET, "total_path": "total"},
    "offset, flag": {**OFFSET, "has_more_path": "more"},
}


def listing(element: Any, *, whole_pages: bool = True) -> Any:
    """A listing of elements in pages.

    Args:
        element: Makes an element of its number and its kind.
        whole_pages: Whether the envelope counts elements and pages.
    """

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query.get("offset", SIZE * (int(query.get("page", 1)) - 1)))
        start = max(start, 0)  # page 0 is the first page, again
        shown = [element(n, k) for n, k in enumerate(KINDS)][start : start + SIZE]
        more = start + SIZE < len(KINDS)
        counts = {"total": len(KINDS), "pages": 4, "more": more} if whole_pages else {}
        return {"data": shown, **counts}

    return respond


def read_listing(api: Api, paginator: dict[str, Any], selector: str, answer: Any) -> Outcome:
    api.on("/items", answer)
    return read(shop(item({"paginator": paginator, "data_selector": selector})))


@pytest.mark.parametrize("whole_pages", [True, False], ids=["totals", "no totals"])
@pytest.mark.parametrize("paginator", PAGINATORS)
@pytest.mark.parametrize("name", SELECTORS)
def test_a_page_without_selected_records_is_no_end(
    api: Api, name: str, paginator: str, whole_pages: bool
) -> None:
    selector, element = SELECTORS[name]
    answer = listing(element, whole_pages=whole_pages)
    outcome = read_listing(api, PAGINATORS[paginator], selector, answer)
    assert outcome.ids() == ORDERS
    reading = outcome.readings["items"]
    assert reading.findings.by_check() == {}
    assert reading.complete


def test_elements_without_the_key_of_a_selector_are_counted(api: Api) -> None:
    """Each page has two elements with the key ``of``, and two without."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query["offset"])
        elements = [{"of": {"id": n}} if n % 2 else {"id": n} for n in range(11)]
        return {"data": elements[start : start + SIZE], "total": 11}

    outcome = read_listing(api, OFFSET, "data[*].of", respond)
    assert outcome.ids() == [1, 3, 5, 7, 9]
    assert outcome.readings["items"].complete
    assert [q["offset"] for q in api.queries()] == ["0", "4", "8", "11"]


def test_lists_of_a_wildcard_are_counted_by_their_elements(api: Api) -> None:
    def respond(path: str, query: Query, headers: Any) -> Any:
        start = int(query["offset"])
        return {"data": [{"about": 1}, {"rows": [{"id": n} for n in range(9)[start : start + 4]]}]}

    outcome = read_listing(api, OFFSET, "data[*].rows", respond)
    assert outcome.ids() == [*range(9)]
    assert [q["offset"] for q in api.queries()] == ["0", "4", "8", "9"]


def test_a_declared_total_counts_the_elements_that_are_left_out(api: Api) -> None:
    selector, element = SELECTORS["filter"]
    declared = {"paginator": PAGES, "data_selector": selector, "count_path": "total"}
    api.on("/items", listing(element))
    reading = read(shop(item(declared))).readings["items"]
    assert (reading.records, reading.reported_total, reading.complete) == (6, 6, True)
    short = listing(element)
    api.on("/items", lambda *request: {**short(*request), "total": 16})
    reading = read(shop(item(declared))).readings["items"]
    assert (reading.records, reading.reported_total, reading.complete) == (6, 7, False)
