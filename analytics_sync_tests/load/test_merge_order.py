"""Merge order: of two versions of a row, the one that was read last stays, whichever loads last."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from analytics_sync.catalog import load_text
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.oracle import actual_rows, expected_rows
from analytics_sync_tests.support.world import World

warehouse = each_warehouse
SHOP = """
source: shop
client: {base_url: https://shop.example.com, auth: {type: bearer, token: 'dlt.secrets["token"]'}}
resource_defaults: {primary_key: id, columns: {id: text, name: text, at: timestamp}}
resources:
  - name: things
    endpoint: {path: /things, data_selector: data,
      paginator: {type: cursor, cursor_param: after, cursor_path: meta.next}}
  - name: changes
    endpoint: {path: /changes, data_selector: data, paginator: single_page,
      incremental: {cursor_path: at, start_param: since, end_param: until}}
"""


class Shop(World):
    """A small shop with a warehouse of each kind."""

    store: Warehouse

    def read(self, name: str, day: date | None = None) -> ReadRun:
        """A run that has read a resource and not yet loaded it."""
        window = None
        if day is not None:
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            window = Window(midnight, midnight + timedelta(days=1))
        run = ReadRun(self.sources["shop"], window, [name])
        run.result(name)
        return run

    def run_once(self, name: str, day: date | None = None) -> None:
        """Read and load a resource."""
        with self.read(name, day) as run:
            load(run, "once")

    def assert_equal(self, name: str) -> None:
        """Assert that the table equals the records that the API lists."""
        resource = self.sources["shop"].resources[name]
        live = [v.record for v in self.sandbox.ledger("shop").records(name)]
        assert actual_rows(resource, self.store.rows(name)) == expected_rows(resource, live)


@pytest.fixture
def shop(warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    source = load_text(SHOP, name="shop", file="shop.yaml")
    with Shop(tmp_path, {"shop": source}, rows=12, rows_per_day=4) as made:
        made.store = warehouse
        for name, value in {**made.environment, **made.store.settings}.items():
            monkeypatch.setenv(name, value)
        yield made


def edit(shop: Shop) -> None:
    """Update one thing in the API, delete one and add one."""
    ledger = shop.sandbox.ledger("shop")
    first, second, *_ = [v.record["id"] for v in ledger.records("things")]
    ledger.update("things", first, {"name": "the newer name"})
    ledger.delete("things", second)
    ledger.add("things", {"id": "brand-new", "name": "n"})


@pytest.mark.parametrize("empty", [True, False])
def test_a_snapshot_read_before_and_loaded_after_another(shop: Shop, empty: bool) -> None:
    if not empty:
        shop.run_once("things")
    with shop.read("things") as slow:
        edit(shop)
        shop.run_once("things")
        load(slow, "slow")
    if empty:  # only the slow run saw the deleted row, so the next read marks it
        shop.run_once("things")
    shop.assert_equal("things")


def test_a_record_that_moved_to_a_newer_window(shop: Shop) -> None:
    old, new = shop.days[0], shop.days[2]
    ledger = shop.sandbox.ledger("shop")
    record = next(v.record for v in ledger.records("changes") if v.record["at"][:10] == str(old))
    with shop.read("changes", old) as slow:
        ledger.update("changes", record["id"], {"name": "moved", "at": f"{new}T12:00:00.000Z"})
        shop.run_once("changes", new)
        load(slow, "slow")
    shop.run_once("changes", shop.days[1])
    shop.assert_equal("changes")


def test_a_record_changed_within_its_window(shop: Shop) -> None:
    """The cursor does not show the change: it is a time of creation."""
    day = shop.days[0]
    record = shop.sandbox.ledger("shop").expected("changes", day, shop.days[1])[0]
    with shop.read("changes", day) as slow:
        shop.sandbox.ledger("shop").update("changes", record["id"], {"name": "newer"})
        shop.run_once("changes", day)
        load(slow, "slow")
    assert "newer" in {row["name"] for row in shop.store.rows("changes")}


def test_a_read_time_in_the_future_is_replaced(shop: Shop) -> None:
    shop.run_once("things")
    shop.store.run("UPDATE shop.things SET _read_at = '2999-01-01T00:00:00Z'")
    edit(shop)
    shop.run_once("things")
    edited = {row["id"]: row["name"] for row in shop.store.rows("things")}
    assert "the newer name" in edited.values()


def test_a_table_without_read_at_is_merged(shop: Shop) -> None:
    shop.run_once("things")
    shop.store.run("ALTER TABLE shop.things DROP COLUMN _read_at; DELETE FROM shop._dlt_version")
    edit(shop)
    shop.run_once("things")
    shop.assert_equal("things")


def test_each_row_holds_the_time_of_its_page(shop: Shop) -> None:
    def now() -> datetime:
        return datetime.now(UTC)

    before = now()
    shop.run_once("things")
    between = now()
    first = {row["_read_at"] for row in shop.store.rows("things")}
    assert all(before <= at <= between for at in first)
    assert len(first) > 1, "each page has its own time"
    shop.run_once("things")
    assert all(between <= row["_read_at"] <= now() for row in shop.store.rows("things"))
