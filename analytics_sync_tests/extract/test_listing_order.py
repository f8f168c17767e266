"""Listings without a fixed order: some records come twice, and others never."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, Query, item, read, shop, shop_api

api = shop_api

OFFSET = {"type": "offset", "limit": 4}
PAGES = {"type": "page_number", "base_page": 1}
CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "at"}
LINK = {"type": "json_link", "next_url_path": "next"}


def paged(paginator: Any, keys: dict[str, Any] | None = None, **endpoint: Any) -> Source:
    return shop(item({"paginator": paginator, "data_selector": "data", **endpoint}, **(keys or {})))


def pages(*ids: list[int], **beside: Any) -> Any:
    """A server of these pages, however the client counts them."""

    def respond(path: str, query: Query, headers: Any) -> Any:
        number = int(query.get("at", int(query.get("page", 1)) - 1))
        if "offset" in query:
            starts = [sum(map(len, ids[:n])) for n in range(len(ids))]
            number = starts.index(int(query["offset"])) if int(query["offset"]) in starts else 99
        some = ids[number] if number < len(ids) else []
        following = number + 1 if number + 1 < len(ids) else None
        told = {"data": [{"id": i} for i in some], **beside}
        return {
            **told,
            "next": f"/items?at={following}" if "link" in beside and following else following,
        }

    return respond


# 7 never comes
SHUFFLED = ([1, 2, 3, 4], [5, 2, 6, 8], [9, 10])


@pytest.mark.parametrize("paginator", [OFFSET, PAGES, CURSOR])
def test_records_that_come_again_do_not_make_up_for_a_total(api: Api, paginator: Any) -> None:
    api.on("/items", pages(*SHUFFLED, total=10))
    reading = read(paged(paginator, count_path="total")).readings["items"]
    (message,) = reading.findings.of(COMPLETE)
    assert "id=2 on pages 1 and 2: 10 records were read, 9 of them different" in message
    assert "the API said 10" in message
    assert not reading.complete


def test_the_total_of_an_offset_counts_too(api: Api) -> None:
    api.on("/items", pages(*SHUFFLED, total=10))
    reading = read(paged({**OFFSET, "total_path": "total"})).readings["items"]
    assert reading.findings.of(COMPLETE)


@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
def test_a_record_that_comes_again_far_away_is_named_without_a_total(
    api: Api, paginator: Any
) -> None:
    api.on("/items", pages([1, 2, 3, 4], [5, 6, 7, 8], [2, 9]))
    (message,) = read(paged(paginator)).readings["items"].findings.of(COMPLETE)
    assert "id=2 on pages 1 and 3" in message
    assert "sorts by the primary key" in message


@pytest.mark.parametrize("paginator", [OFFSET, PAGES])
@pytest.mark.parametrize(
    "second", [[5, 2, 6, 8], [5, 1, 2, 8], [8, 4, 2, 5], [5, 6, 3, 7]], ids=str
)
def test_a_record_that_comes_again_among_others_is_named_without_a_total(
    api: Api, paginator: Any, second: list[int]
) -> None:
    api.on("/items", pages([1, 2, 3, 4], second, [9]))
    (message,) = read(paged(paginator)).readings["items"].findings.of(COMPLETE)
    assert "on pages 1 and 2" in message


@pytest.mark.parametrize(("far", "is_found"), [(2, False), (3, True)])
def test_with_cursors_a_few_records_may_come_again_because_they_changed(
    api: Api, far: int, is_found: bool
) -> None:
    api.on("/items", pages([*range(20)], [*range(20, 39)], [*range(far), 40]))
    reading = read(paged(CURSOR)).readings["items"]
    assert bool(reading.findings.of(COMPLETE)) is is_found


# pages that insertions, deletions and inclusive cursors explain
EXPLAINED: dict[str, tuple[Any, Any]] = {
    "no record again": (PAGES, pages([1, 2, 3, 4], [5, 6], total=6)),
    "one was added before the first": (PAGES, pages([1, 2, 3, 4], [4, 5, 6], total=6)),
    "two were added, one of them late": (PAGES, pages([1, 2, 3, 4], [3, 9, 4, 5, 6], total=6)),
    "two were added and one deleted": (PAGES, pages([1, 2, 3, 4, 5], [3, 5, 6, 7], total=6)),
    "each page begins with the last record": (CURSOR, pages([1, 2, 3], [3, 4, 5], [5, 6], total=6)),
    "twice in one response": (PAGES, pages([1, 2, 2, 3], [4, 5], total=6)),
    "an empty page between": (
        CURSOR, pages([1, 2, 3, 4], [], [4, 5], total=5),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EXPLAINED)
def test_records_that_come_again_for_a_reason(api: Api, name: str) -> None:
    paginator, respond = EXPLAINED[name]
    api.on("/items", respond)
    reading = read(paged(paginator, count_path="total")).readings["items"]
    assert reading.findings.by_check() == {}


def test_a_page_number_that_is_found_out_is_no_page(api: Api) -> None:
    api.on("/items", pages([1, 2, 3, 4], [4, 5, 6, 7], [8]))
    reading = read(paged({"type": "page_number"})).readings["items"]
    assert reading.findings.by_check() == {}


def test_records_of_several_parents_are_no_repetition(api: Api) -> None:
    api.on("/items", {"data": [{"id": 1}, {"id": 2}]})
    api.on(
        "/kids",
        lambda _, query, __: {"data": [{"id": 7}, {"id": 7 + int(query["of"])}], "total": 2},
    )
    kids = item(
        {
            "data_selector": "data",
            "count_path": "total",
            "params": {"of": {"type": "resolve", "resource": "items", "field": "id"}},
        },
        name="kids",
        include_from_parent={"item_id": "id"},
        columns={"id": "bigint", "item_id": "bigint"},
        primary_key=["id", "item_id"],
    )
    source = shop(item({"data_selector": "data"}), kids)
    assert read(source).readings["kids"].findings.by_check() == {}


def test_nothing_is_marked_as_deleted_and_no_table_is_replaced(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    merged = paged(PAGES, count_path="total")
    replaced = paged(PAGES, {"write_disposition": "replace"}, count_path="total")
    for source in (merged, replaced):
        api.on("/items", pages([*range(1, 11)], total=10))
        with ReadRun(source, None) as run:
            load(run, "run")
        api.on("/items", pages(*SHUFFLED, total=10))
        with ReadRun(source, None) as run:
            load(run, "run")
            failures = run.failures()
        rows = duckdb_file.table(file, "shop/items")
        assert sorted(row["id"] for row in rows) == [*range(1, 11)]
        assert not any(row.get("_deleted_at") for row in rows)
        assert bool(failures) is (source is replaced)
