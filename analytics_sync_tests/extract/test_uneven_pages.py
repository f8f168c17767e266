"""Servers that leave records out after they have cut the pages: pages of uneven length, empty ones too."""

from __future__ import annotations

from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

PAGES = {"type": "page_number", "base_page": 0}


def paged(paginator: Any) -> Source:
    return shop(item({"paginator": paginator, "data_selector": "data"}))


def visible(*ids: int) -> Any:
    """A server of pages of 4 places each, whose records are seen only if they are among ``ids``."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        start = 4 * int(query.get("page", 0))
        return {"data": [{"id": i} for i in range(start, start + 4) if i in ids]}

    return respond


# two empty pages in a row at most, after pages of uneven length
LISTINGS = {
    "one empty page": [0, 1, 2, 3, 4, 5, 8, 9, 10, 11, 16, 17],
    "two empty pages": [0, 1, 4, 5, 6, 7, 8, 20, 21],
    "two empty pages twice": [0, 4, 5, 16, 17, 18, 19, 28],
}


@pytest.mark.parametrize("name", LISTINGS)
@pytest.mark.parametrize("paginator", [PAGES, {"type": "page_number"}])
def test_an_empty_page_after_uneven_ones_is_no_end(api: Api, name: str, paginator: Any) -> None:
    api.on("/items", visible(*LISTINGS[name]))
    outcome = read(paged(paginator))
    assert outcome.ids() == LISTINGS[name]
    reading = outcome.readings["items"]
    assert reading.findings.by_check() == {}
    assert not reading.complete, "more empty pages may be between others, so that none is gone"


@pytest.mark.parametrize("ids", [range(8), range(10), range(3), []])
def test_pages_of_one_length_end_at_the_first_empty_page(api: Api, ids: list[int]) -> None:
    api.on("/items", visible(*ids))
    outcome = read(paged(PAGES))
    assert outcome.ids() == [*ids]
    assert outcome.readings["items"].complete
    assert len(api.seen) == -(-len(ids) // 4) + 1
