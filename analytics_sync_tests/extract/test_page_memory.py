"""The memory of pages: a page is free before the next one is requested.

In: a scripted API of long pages. Out: the number of pages in memory when a request arrives. A page that
stays longer doubles the memory of a read, and the next page is decoded into cold memory.
"""

from __future__ import annotations

import gc
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics_sync.common.window import Window
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

PAGES = 6
LENGTH = 1_000  # enough to be converted as soon as they are there
CURSOR = {"type": "cursor", "cursor_param": "page", "cursor_path": "next"}
# Bounds in days: a window of a day is one request series.
BOUNDS = {
    "cursor_path": "at",
    "start_param": "from",
    "end_param": "to",
    "param_format": "date",
    "time_zone": "UTC",
}
WINDOW = Window(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))


def listing(**endpoint: Any) -> dict[str, Any]:
    return item(
        {"paginator": CURSOR, "data_selector": "data", **endpoint},
        columns={"id": "bigint", "at": "timestamp"},
    )


SOURCES = {
    "a listing": shop(listing()),
    "a window without bounds": shop(listing(incremental={"cursor_path": "at"})),
    "a window with bounds": shop(listing(incremental=BOUNDS)),
    "children": shop(
        item(name="lists"),
        listing(
            path="/lists/{list_id}/items",
            params={"list_id": {"type": "resolve", "resource": "lists", "field": "id"}},
        ),
    ),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_page_is_free_before_the_next_request(api: Api, name: str) -> None:
    held: list[int] = []

    def respond(path: str, query: Query, headers: Mapping[str, str]) -> Any:
        page = int(query.get("page", 0))
        if page:
            alive = [o for o in gc.get_objects() if isinstance(o, list) and is_page(o)]
            held.append(len(alive))
        rows = [
            {"id": page * LENGTH + n, "at": f"2024-01-01T{page:02}:{n // 60:02}:{n % 60:02}Z"}
            for n in range(LENGTH)
        ]
        return {"data": rows, "next": page + 1 if page + 1 < PAGES else None}

    api.on("/lists", {"data": [{"id": 1}]})
    api.on("*items", respond)
    outcome = read(SOURCES[name], WINDOW if "window" in name else None)
    assert outcome.ids() == [*range(PAGES * LENGTH)]
    assert held[1:] == [0] * (PAGES - 2)  # the first page may wait for a decision about slices


def is_page(held: list[Any]) -> bool:
    """Whether a list holds the records of a page."""
    return len(held) == LENGTH and isinstance(held[0], dict) and "at" in held[0]
