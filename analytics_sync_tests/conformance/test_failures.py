"""Loads that are killed, and loads at the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from analytics_sync.load.clients.staging import staging_datasets
from analytics_sync.load.sharing.locks import open_dataset
from analytics_sync_tests.conformance.test_rows import ITEMS, listing
from analytics_sync_tests.support.conformance import Target
from analytics_sync_tests.support.scripted_api import item

pytestmark = pytest.mark.slow
_KILLS = 8
_APART = 0.2  # seconds


@pytest.mark.parametrize("disposition", ["merge", "replace"])
def test_a_killed_load_changes_all_or_nothing_and_the_next_one_is_right(
    target: Target, disposition: str
) -> None:
    source = target.source({**ITEMS, "write_disposition": disposition})
    target.api.on("/items", listing("0"), listing("1", 9))
    target.sync(source)
    number = target.statements(source)
    assert number >= _KILLS
    rows = 9
    for nth in range(_KILLS):
        before = target.values()
        rows += 1
        target.api.on("/items", listing(f"killed {nth}", rows))
        target.killed_at(source, 1 + nth * (number - 1) // (_KILLS - 1))
        assert target.values() in (before, dict.fromkeys(range(rows), f"killed {nth}"))
        target.api.on("/items", listing(f"again {nth}", rows))
        target.sync(source)
        assert target.values() == dict.fromkeys(range(rows), f"again {nth}")
        assert target.living() == set(range(rows))
        assert not leftovers(target)


def test_a_load_that_is_killed_while_it_changes_a_table_loses_no_value(target: Target) -> None:
    def declared(nth: int, type_: str, **more: str) -> dict[str, Any]:
        columns = {"id": "bigint", "v": type_, **more}
        return item(name=f"t{nth}", columns=columns, deletes="none")

    for nth in range(_KILLS + 1):
        target.api.on(f"/t{nth}", [{"id": n, "v": n, "more": n} for n in range(5)])
    target.sync(target.source(*(declared(nth, "bigint") for nth in range(_KILLS + 1))))
    for nth in range(_KILLS + 1):
        target.api.on(f"/t{nth}", [{"id": 9, "v": None}])  # the old rows are not read again
    number = target.statements(target.source(declared(_KILLS, "text", more="bigint")))
    for nth in range(_KILLS):
        source = target.source(declared(nth, "text", more="bigint"))
        target.killed_at(source, 1 + nth * (number - 1) // (_KILLS - 1))
        found = {id_: v for id_, v in target.values(f"t{nth}").items() if id_ != 9}
        assert found in ({n: n for n in range(5)}, {n: str(n) for n in range(5)})
        target.sync(source)
        found = {
            row["id"]: (row["v"], row["more"], row["_extra"]) for row in target.rows(f"t{nth}")
        }
        assert found == {**{n: (str(n), n, None) for n in range(5)}, 9: (None, None, None)}


def test_no_staging_dataset_is_left(target: Target) -> None:
    target.api.on("/items", listing("0"))
    target.sync(target.source(ITEMS))
    assert not leftovers(target)


def test_parallel_loads_leave_one_row_for_each_key(target: Target) -> None:
    others = item(name="others", columns={"id": "bigint", "v": "text"})
    source = target.source(ITEMS, others)
    target.api.on("/others", listing("x"))
    for round_ in range(3):
        target.api.on("/items", one_after_another(*(f"{round_}{n}" for n in range(3))))
        target.in_parallel(source, 3)
        assert set(target.values().values()) == {f"{round_}2"}, "the one that was read last"
        assert target.living() == set(range(8))
        assert target.values("others") == dict.fromkeys(range(8), "x")
    assert not leftovers(target)


def one_after_another(*values: str) -> Callable[..., list[dict[str, Any]]]:
    """Listings of values, so far apart that each reader has its time before the next one is answered."""
    left, lock = list(values), threading.Lock()

    def answer(*_: Any) -> list[dict[str, Any]]:
        with lock:
            time.sleep(_APART)
            return listing(left.pop(0))

    return answer


def leftovers(target: Target) -> set[str]:
    """The staging datasets of the target."""
    with open_dataset(target.name, "looking for staging") as (client, _):
        assert client is not None
        return set(staging_datasets(client.sql_client, target.name))
