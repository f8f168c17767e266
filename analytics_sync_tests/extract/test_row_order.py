"""The declared order of a listing is a claim: a read stops early only while the pages keep it.

In: a scripted API that lists in another order than declared. Out: the rows of a window, and the requests.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync_tests.support.dagster_runs import make_dagster_home, run_in_dagster
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

START = datetime(2024, 2, 20, tzinfo=UTC)
DAY = Window(START, START + timedelta(days=1))
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}
Hours = list[list[float]]  # pages of records, by their hours from the start of the window


def listing(order: str, paginator: Any = CURSOR) -> Source:
    incremental = {"cursor_path": "at", "row_order": order}
    endpoint = {"incremental": incremental, "paginator": paginator, "data_selector": "data"}
    return shop(item(endpoint, columns={"id": "bigint", "at": "timestamp"}))


def records(pages: Hours) -> list[list[dict[str, Any]]]:
    return [
        [{"id": 100 * p + i, "at": (START + timedelta(hours=h)).isoformat()} for i, h in enumerate(page)]
        for p, page in enumerate(pages)
    ]  # fmt: skip


def inside(pages: Hours) -> list[int]:
    return [100 * p + i for p, page in enumerate(pages) for i, h in enumerate(page) if 0 <= h < 24]


def serve(api: Api, pages: Hours) -> None:
    served = [{"data": page, "next": n + 1} for n, page in enumerate(records(pages))]
    api.on("/items", *served, {"data": []})


NEWEST: Hours = [[90, 80], [70, 60], [20, 10], [5, -5], [-30, -40], [-50, -60], [-70, -80]]
OLDEST: Hours = [[-h for h in page] for page in NEWEST]
OLDEST_IN = [[h + 24 for h in page] for page in OLDEST]

# declared order, pages
BROKEN: dict[str, tuple[str, Hours]] = {
    "oldest first": ("desc", OLDEST),
    "newest first": ("asc", [[h + 24 for h in page] for page in NEWEST]),
    "oldest first, one a page": ("desc", [[-50], [-40], [-30], [5], [30]]),
    "newest first, one a page": ("asc", [[70], [60], [50], [5], [-30]]),
    "oldest first, seconds apart": (
        "desc", [[(n - 90) / 1000, (n - 89) / 1000] for n in range(0, 120, 2)],
    ),
    "a page of pinned records": ("desc", [[-900, -950], *NEWEST]),
    "a page of scheduled records": ("asc", [[900, 950], *OLDEST_IN]),
    "equal cursors first": ("desc", [[-5, -5], [-5, -5], [-5, -5], [7, 6]]),
    "some pinned records": ("desc", [[-900, 90, 80], *NEWEST[1:]]),
    "pinned records, then nothing new": ("desc", [[-900, -950], [3, 2], [-40, -50]]),
    "another field": ("desc", [[90, 80], [-70, 60], [-90, -100], [5, -900], [-30, 4]]),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_listing_in_another_order_loses_no_row(api: Api, name: str) -> None:
    order, pages = BROKEN[name]
    serve(api, pages)
    outcome = read(listing(order), DAY)
    assert outcome.ids() == inside(pages)


# declared order, pages, requests
KEPT: dict[str, tuple[str, Hours, int]] = {
    "newest first": ("desc", NEWEST, 5),
    "oldest first": ("asc", OLDEST_IN, 5),
    "nothing new": ("desc", [*NEWEST[4:], [-90], [-99]], 2),
    "nothing old": ("asc", [[30, 40], [50, 60], [70, 80]], 2),
    "pinned records": ("desc", [[-900, -950], *NEWEST], 6),
    "equal cursors": ("desc", [[5, 5], [5, 5], [-1, -1], [-1, -1], [-2, -2]], 3),
    "neighbours the wrong way round": (
        "desc", [[40, 30], [20, 20.4], [10, 2.0], [-3, -4], [-5, -6]], 4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KEPT)
def test_a_listing_in_the_declared_order_stops_early(api: Api, name: str) -> None:
    order, pages, requests = KEPT[name]
    serve(api, pages)
    outcome = read(listing(order), DAY)
    assert outcome.ids() == inside(pages)
    assert len(api.seen) == requests
    assert outcome.readings["items"].stop_reasons == {"the window's edge"}


def test_disorder_is_expected_again_at_the_edge(api: Api) -> None:
    pages = [[9, 9.5], [5, 1], [-0.2, -0.3], [0.1, -0.5], [-9, -9.5], [-20, -21]]
    serve(api, [[30, 29], *pages])
    outcome = read(listing("desc"), DAY)
    assert outcome.ids() == inside([[30, 29], *pages])
    assert len(api.seen) == 6


@pytest.mark.parametrize("order", ["desc", "asc"])
def test_a_broken_order_is_remembered(api: Api, order: str) -> None:
    serve(api, OLDEST)
    broken_by = read(listing(order), DAY).readings["items"].order_broken_by
    assert broken_by == (None if order == "asc" else START - timedelta(hours=70))


def test_a_broken_order_is_a_warning(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(tmp_path / "w.duckdb"))
    monkeypatch.setenv("ANALYTICS_SYNC__START_DATE", "2024-02-01")
    home = make_dagster_home(tmp_path / "dagster")
    serve(api, OLDEST)
    result = run_in_dagster(home, {"shop": listing("desc")}, ["shop/items"], START.date())
    with DagsterInstance.from_config(str(home)) as instance:
        logs = instance.all_logs(result.run_id)
    said = [entry.user_message for entry in logs if entry.level == logging.WARNING]
    assert any("row_order does not hold" in text for text in said), said
