"""Rows that are gone: marks of deletion, replaced rows, windows, and children."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.conformance import Target
from analytics_sync_tests.support.day_windows import day_window
from analytics_sync_tests.support.scripted_api import item

pytestmark = pytest.mark.slow
ITEMS = item(columns={"id": "bigint", "v": "text"})
DAYS = [day_window(date(2024, 5, day), date(2024, 5, day + 1)) for day in (1, 2)]


def records(*ids: int, day: int = 0) -> list[dict[str, Any]]:
    """Records by their ids."""
    time = {"at": f"2024-05-{day:02}T10:00:00Z"} if day else {}
    return [{"id": id_, "v": "a", **time} for id_ in ids]


def windowed(**keys: Any) -> dict[str, Any]:
    """A resource that is read by windows."""
    columns = {"id": "bigint", "v": "text", "at": "timestamp"}
    incremental = {"cursor_path": "at", "start_param": "from", "end_param": "to"}
    return item({"incremental": incremental}, columns=columns, **keys)


def parts() -> dict[str, Any]:
    """Children of the items."""
    resolve = {"type": "resolve", "resource": "items", "field": "id"}
    return item(
        {"path": "/items/{items_id}/parts", "params": {"items_id": resolve}},
        name="parts",
        include_from_parent={"items_id": "id"},
        columns={"id": "text", "items_id": "bigint"},
    )


def test_only_what_is_gone_gets_a_mark_that_ends_when_it_is_back(target: Target) -> None:
    everything = records(*range(30))
    target.api.on("/items", everything, everything, everything[:28], everything[:28], everything)
    source = target.source(ITEMS)
    for number in (30, 30, 28):
        target.sync(source)
        assert target.living() == set(range(number))
    marked = target.values(column="_deleted_at")
    target.sync(source)
    assert target.values(column="_deleted_at") == marked, "the time of the first miss stays"
    target.sync(source)
    assert target.living() == set(range(30))


def test_a_late_load_does_not_bring_back_what_is_gone(target: Target) -> None:
    target.api.on("/items", records(*range(9)), records(*range(9)), records(*range(8)))
    source = target.source(ITEMS)
    target.sync(source)
    with ReadRun(source) as slow:
        slow.result("items")
        target.sync(source)
        load(slow, "slow")
    assert target.living() == set(range(8))


def test_a_listing_that_is_too_short_marks_nothing(target: Target) -> None:
    target.api.on("/items", records(*range(9)), records(1), [])
    source = target.source(ITEMS)
    for _ in range(3):
        target.sync(source)
        assert target.living() == set(range(9))


def test_replace_removes_what_is_not_listed(target: Target) -> None:
    target.api.on("/items", records(1, 2, 3), records(2, 3, 4))
    source = target.source(item(columns={"id": "bigint", "v": "text"}, write_disposition="replace"))
    target.sync(source)
    target.sync(source)
    assert target.values().keys() == {2, 3, 4}


def test_replace_of_a_window_leaves_the_other_windows(target: Target) -> None:
    first, second = records(1, 2, day=1), records(3, 4, day=2)
    target.api.on("/items", first, second, first[:1])
    source = target.source(windowed(write_disposition="replace"))
    for window in (*DAYS, DAYS[0]):
        target.sync(source, window)
    assert target.values().keys() == {1, 3, 4}


def test_a_window_marks_only_its_own_rows(target: Target) -> None:
    first, second = records(*range(9), day=1), records(*range(10, 19), day=2)
    target.api.on("/items", first, second, first[:8])
    source = target.source(windowed(deletes="window"))
    for window in (*DAYS, DAYS[0]):
        target.sync(source, window)
    assert target.living() == {*range(8), *range(10, 19)}


def test_a_key_that_comes_again_in_another_window_is_found(target: Target) -> None:
    """The table keeps the last window only, and nothing in it shows this."""
    target.api.on("/items", records(1, 2, day=1), records(1, 2, day=2))
    source = target.source(windowed())
    target.sync(source, DAYS[0])
    with ReadRun(source, DAYS[1]) as run:
        load(run, "again")
        findings = run.result("items").findings.of("primary_key_unique")
    assert "2 of 2 rows replaced rows of other windows" in "".join(findings)


def test_children_of_a_parent_that_is_gone_get_a_mark(target: Target) -> None:
    target.api.on("/items", records(1, 2, 3), records(1, 2))
    for id_ in (1, 2, 3):
        target.api.on(f"/items/{id_}/parts", [{"id": f"{id_}{x}"} for x in "ab"])
    source = target.source(ITEMS, parts())
    target.sync(source)
    assert target.living("parts") == {"1a", "1b", "2a", "2b", "3a", "3b"}
    target.sync(source)
    assert target.living("parts") == {"1a", "1b", "2a", "2b"}
    assert target.living() == {1, 2}


@pytest.mark.parametrize("keys", [{"deletes": "window"}, {"write_disposition": "replace"}])
def test_children_of_windowed_parents(target: Target, keys: dict[str, str]) -> None:
    """They are spoken for parent by parent, also when the parents are replaced."""
    first, second = records(1, 2, day=1), records(3, day=2)
    target.api.on("/items", first, second, first[:1])
    target.api.on("/items/1/parts", [{"id": "1a"}, {"id": "1b"}], [{"id": "1a"}])
    for id_ in (2, 3):
        target.api.on(f"/items/{id_}/parts", [{"id": f"{id_}a"}])
    source = target.source(windowed(**keys), parts())
    for window in (*DAYS, DAYS[0]):
        target.sync(source, window)
    assert target.living("parts") == {"1a", "3a"}
