"""Soft deletes of snapshots: only a complete read marks missing rows, and no row is removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync.sandbox import Fault, Request, ServedResponse
from analytics_sync_tests.support.world import World

SHOP = """
source: shop
client: {base_url: https://shop.example.com, auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resource_defaults: {primary_key: id, columns: {id: text, name: text}}
resources:
  - name: things
    endpoint: {path: /things, data_selector: data, count_path: meta.total,
      paginator: {type: cursor, cursor_param: after, cursor_path: meta.next}}
  - name: shelf
    endpoint: {path: /shelf, data_selector: data, paginator: {type: page_number, base_page: 1}}
  - name: kept
    deletes: none
    endpoint: {path: /kept, data_selector: data, paginator: single_page}
  - name: parts
    endpoint: {path: "/parts/{shelf}", data_selector: data, paginator: single_page}
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    with World(tmp_path, {"shop": source}, rows=25) as made:
        for name, value in made.environment.items():
            monkeypatch.setenv(name, value)
        yield made


def sync(world: World, *names: str) -> Loaded:
    """Read and load resources; all of them without names."""
    with ReadRun(world.sources["shop"], only=names or None) as run:
        loaded = load(run, "test")
        assert not run.failures()
        return loaded


def gone(world: World, table: str = "things") -> set[str]:
    """Keys of the rows that are marked as deleted."""
    rows = world.query(f"SELECT id FROM shop.{table} WHERE _deleted_at IS NOT NULL")
    return {key for (key,) in rows}


def keys(world: World, name: str = "things") -> list[str]:
    """Keys of the records that the API lists."""
    return [v.record["id"] for v in world.sandbox.ledger("shop").records(name)]


def test_a_row_that_is_gone_is_marked_and_one_that_comes_back_is_not(shop: World) -> None:
    sync(shop)
    assert gone(shop) == set()
    first, second, *_ = keys(shop)
    record = shop.sandbox.ledger("shop").records("things")[0].record
    ledger = shop.sandbox.ledger("shop")
    ledger.delete("things", first)
    ledger.delete("things", second)
    assert sync(shop, "things").deleted.marked == {"things": 2}
    assert gone(shop) == {first, second}
    marked = shop.query(
        "SELECT id, name, _deleted_at FROM shop.things WHERE _deleted_at IS NOT NULL"
    )
    assert sync(shop, "things").deleted.marked == {"things": 0}
    assert marked == shop.query(
        "SELECT id, name, _deleted_at FROM shop.things WHERE _deleted_at IS NOT NULL"
    ), "the time of the first miss stays"
    ledger.add("things", record)
    sync(shop)
    assert gone(shop) == {second}
    assert shop.query("SELECT count(*) FROM shop.things") == [(25,)]


def test_a_row_that_slips_from_page_to_page_is_not_gone(shop: World) -> None:
    """A row is deleted between two pages: the next page number begins one row too late."""
    sync(shop, "shelf")
    ledger = shop.sandbox.ledger("shop")
    before = [v.record["id"] for v in ledger.records("shelf")]
    first, *_ = _listed(shop)
    requests = 0

    def fault(request: Request) -> Fault | None:
        nonlocal requests
        requests += 1
        if requests == 2:
            ledger.delete("shelf", first)
        return None

    shop.sandbox.faults = fault
    loaded = sync(shop, "shelf")
    shop.sandbox.faults = None
    assert loaded.deleted.read_twice == {"shelf"}
    assert gone(shop, "shelf") == set(), "the first page still had the row that was deleted"
    assert sync(shop, "shelf").deleted.marked == {"shelf": 1}
    assert gone(shop, "shelf") == {first}
    assert {row["id"] for row in shop.table("shop/shelf")} == set(before)
    once = shop.sandbox.counts["shop/shelf"]
    assert sync(shop, "shelf").deleted.read_twice == set(), "nothing is missing: one read is enough"
    assert shop.sandbox.counts["shop/shelf"] == once + 4


def test_missing_rows_without_confirmation_are_not_marked(shop: World) -> None:
    sync(shop, "shelf")
    ledger = shop.sandbox.ledger("shop")
    ledger.delete("shelf", keys(shop, "shelf")[0])
    requests = 0

    def fault(request: Request) -> Fault | None:
        nonlocal requests
        requests += 1
        return Fault(response=ServedResponse(403, b"{}")) if requests > 4 else None

    shop.sandbox.faults = fault
    assert sync(shop, "shelf").deleted.marked == {}
    shop.sandbox.faults = None
    assert gone(shop, "shelf") == set()
    assert sync(shop, "shelf").deleted.marked == {"shelf": 1}


def _listed(world: World) -> list[str]:
    """Keys of the shelf, in the order of the API."""
    with ReadRun(world.sources["shop"], only=["shelf"]) as run:
        buffer = run.result("shelf").buffer
        assert buffer is not None
        return [key for table in buffer.tables() for key in table.column("id").to_pylist()]


@pytest.mark.parametrize("table", ["kept", "parts"])
def test_only_snapshots_that_list_everything_mark(shop: World, table: str) -> None:
    sync(shop)
    shop.sandbox.ledger("shop").delete(table, keys(shop, table)[0])
    assert "_deleted_at" not in shop.table(f"shop/{table}")[0]
    assert table not in sync(shop).deleted.marked


def test_an_empty_listing_marks_nothing(shop: World) -> None:
    sync(shop)
    for key in keys(shop):
        shop.sandbox.ledger("shop").delete("things", key)
    assert "things" not in sync(shop).deleted.marked
    assert gone(shop) == set()


def test_a_listing_shorter_than_its_total_marks_nothing(shop: World) -> None:
    sync(shop)
    shop.sandbox.ledger("shop").delete("things", keys(shop)[0])
    short = b'{"data": [{"id": "only", "name": "one"}], "meta": {"total": 24}}'
    shop.sandbox.faults = _on("things", lambda: Fault(response=ServedResponse(200, short)))
    assert "things" not in sync(shop).deleted.marked
    assert gone(shop) == set()


def test_a_failed_read_marks_nothing(shop: World) -> None:
    sync(shop)
    shop.sandbox.ledger("shop").delete("things", keys(shop)[0])
    shop.sandbox.faults = _on("things", lambda: Fault(response=ServedResponse(403, b"{}")))
    with ReadRun(shop.sources["shop"]) as run:
        assert "things" not in load(run, "test").deleted.marked
        assert set(run.failures()) == {"things"}
    assert gone(shop) == set()


def test_a_row_of_a_parallel_run_is_not_marked(shop: World) -> None:
    with ReadRun(shop.sources["shop"], only=["things"]) as slow:
        slow.result("things")
        new = {"id": "brand-new", "name": "n"}
        shop.sandbox.ledger("shop").add("things", new)
        rows = set(keys(shop))
        load(slow, "slow")
    sync(shop, "things")
    assert gone(shop) == set()
    assert {row["id"] for row in shop.table("shop/things")} == rows


def _on(resource: str, fault: Any) -> Any:
    """A fault for the requests of one resource."""

    def apply(request: Request) -> Fault | None:
        return fault() if request.resource == resource else None

    return apply
