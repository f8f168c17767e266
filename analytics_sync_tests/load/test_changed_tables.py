"""Tables that somebody changed, and declarations with another key, in DuckDB and PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from analytics_sync.catalog import Source
from analytics_sync.common.window import Window
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse, only_duckdb
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = each_warehouse
OTHERS = item(name="others", columns={"id": "bigint"})
DAYS = [
    Window(datetime(2025, 1, d, tzinfo=UTC), datetime(2025, 1, d + 1, tzinfo=UTC)) for d in (1, 2)
]


class Outcome:
    """A load, its failures and its findings."""

    def __init__(self, source: Source, window: Window | None = None) -> None:
        with ReadRun(source, window) as run:
            self.loaded: Loaded = load(run, "run")
            self.failures = {name: str(e) for name, e in run.failures().items()}
            read = [r.name for r in run.resources if r.name not in self.failures]
            self.findings = {name: run.result(name).findings.by_check() for name in read}

    def steps(self, name: str = "items") -> Sequence[str]:
        """What was changed in a table."""
        return self.loaded.table_changes.get(name, ())


def snapshot(key: str | list[str] = "id", **columns: str) -> Source:
    """``items``, read whole, and ``others``."""
    declared = {"id": "bigint", **(columns or {"v": "text"})}
    return shop(item(columns=declared, primary_key=key), OTHERS)


def windowed(key: str | list[str] = "id", **columns: str) -> Source:
    """``items``, read day by day."""
    endpoint = {"incremental": {"cursor_path": "at"}}
    declared = {"id": "bigint", "at": "timestamp", **(columns or {"v": "text"})}
    return shop(item(endpoint, columns=declared, primary_key=key))


def day(number: int, **more: Any) -> dict[str, Any]:
    """A record of a day."""
    return {"id": number, "at": f"2025-01-0{number}T10:00:00Z", "v": f"v{number}", **more}


@pytest.fixture
def listed(api: Api) -> Api:
    """An API with a row of ``items`` and a row of ``others``."""
    api.on("/items", [{"id": 1, "v": "a"}])
    api.on("/others", [{"id": 1}])
    return api


@pytest.mark.slow
@pytest.mark.parametrize("change", ["DROP TABLE {}", "ALTER TABLE {} RENAME TO old_items"])
def test_a_table_that_is_gone_is_made_again(listed: Api, warehouse: Warehouse, change: str) -> None:
    assert not Outcome(snapshot()).steps()
    warehouse.run(change.format("shop.items"))
    outcome = Outcome(snapshot())
    assert not outcome.failures
    assert outcome.steps() == ["table made again"]
    assert outcome.findings["items"] == {}, "a snapshot is read whole"
    assert warehouse.values() == {1: "a"}


def test_a_windowed_table_that_is_gone_lacks_the_other_windows(
    api: Api, warehouse: Warehouse
) -> None:
    api.on("/items", [day(1), day(2)])
    for window in DAYS:
        assert not Outcome(windowed(), window).findings["items"]
    warehouse.run("DROP TABLE shop.items")
    outcome = Outcome(windowed(), DAYS[1])
    (message,) = outcome.findings["items"]["complete"]
    assert message.startswith("The table items was gone: somebody dropped or renamed it.")
    assert "Load the other partitions of shop/items again." in message
    assert warehouse.values() == {2: "v2"}
    assert not Outcome(windowed(), DAYS[0]).findings["items"]
    assert warehouse.values() == {1: "v1", 2: "v2"}


@pytest.mark.slow
def test_columns_that_are_gone_come_back(listed: Api, warehouse: Warehouse) -> None:
    """Those of our own, too: a table of an older version may lack them."""
    names = ("v", "_extra", "_read_at", "_deleted_at", "_dlt_load_id")
    assert not Outcome(snapshot()).failures
    warehouse.run(*(f"ALTER TABLE shop.items DROP COLUMN {name}" for name in names))
    outcome = Outcome(snapshot())
    assert not outcome.failures
    assert sorted(outcome.steps()) == sorted(f"column {name} added" for name in names)
    (row,) = warehouse.rows()
    assert (row["id"], row["v"]) == (1, "a")
    assert row["_read_at"] is not None
    assert not Outcome(snapshot()).steps()


@pytest.mark.slow
def test_a_windowed_column_that_is_gone_lacks_the_other_windows(
    api: Api, warehouse: Warehouse
) -> None:
    api.on("/items", [day(1), day(2)])
    for window in DAYS:
        Outcome(windowed(), window)
    warehouse.run("ALTER TABLE shop.items RENAME COLUMN v TO w")
    outcome = Outcome(windowed(), DAYS[1])
    (message,) = outcome.findings["items"]["declared_schema"]
    assert "in brackets: v (2)." in message
    assert warehouse.values() == {1: None, 2: "v2"}
    declared_later = Outcome(windowed(v="text", x="text"), DAYS[1])
    assert declared_later.steps() == ["column x added"]
    assert not declared_later.findings["items"], "nobody dropped this column"


@pytest.mark.slow
def test_tables_of_dlt_come_back(listed: Api, warehouse: Warehouse) -> None:
    Outcome(snapshot())
    warehouse.run(*(f"DROP TABLE shop.{n}" for n in ("_dlt_loads", "_dlt_version", "_rejected")))
    assert not Outcome(snapshot()).failures
    assert len(warehouse.query("SELECT load_id FROM shop._dlt_loads")) == 1
    assert warehouse.query("SELECT count(*) FROM shop._rejected") == [(0,)]


@pytest.mark.slow
def test_rejected_records_get_a_column_that_is_gone(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": 1}, {"v": "keyless"}])
    api.on("/others", [])
    Outcome(snapshot())
    warehouse.run("ALTER TABLE shop._rejected DROP COLUMN reason")
    assert not Outcome(snapshot()).failures
    assert warehouse.query("SELECT reason FROM shop._rejected WHERE resource = 'items'") == [
        ("no usable primary key id",)
    ]


@pytest.mark.slow
def test_a_view_in_the_way_fails_its_resource_alone(listed: Api, warehouse: Warehouse) -> None:
    Outcome(snapshot())
    warehouse.run(
        "ALTER TABLE shop.items RENAME TO t", "CREATE VIEW shop.items AS SELECT * FROM shop.t"
    )
    outcome = Outcome(snapshot())
    assert "view" in outcome.failures["items"]
    assert "Rename or drop it, then run again" in outcome.failures["items"]
    assert list(outcome.failures) == ["items"]


@pytest.mark.slow
def test_a_column_that_somebody_requires_is_freed(listed: Api, warehouse: Warehouse) -> None:
    Outcome(snapshot())
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN v SET NOT NULL")
    listed.on("/items", [{"id": 1, "v": None}])
    assert not Outcome(snapshot()).failures
    assert warehouse.values() == {1: None}


@pytest.mark.slow
def test_a_key_takes_a_column_whose_values_are_known(listed: Api, warehouse: Warehouse) -> None:
    """The values are in ``_extra``: without them, old rows would stand beside new ones."""
    listed.on("/items", [{"id": 1, "part": "a"}, {"id": 2, "part": "b"}])
    Outcome(snapshot())
    listed.on("/items", [{"id": 1, "part": "a"}, {"id": 1, "part": "b"}, {"id": 2, "part": "b"}])
    outcome = Outcome(snapshot(["id", "part"], part="text"))
    assert not outcome.failures
    assert "primary key [id] became [id, part]" in outcome.steps()
    rows = sorted((r["id"], r["part"], r["_deleted_at"]) for r in warehouse.rows())
    assert rows == [(1, "a", None), (1, "b", None), (2, "b", None)]
    assert not Outcome(snapshot(["id", "part"], part="text")).steps()


@only_duckdb
def test_a_column_of_a_new_key_that_cannot_be_required_is_a_warning(
    listed: Api, warehouse: Warehouse, caplog: pytest.LogCaptureFixture
) -> None:
    """The rows are right by then. The next load tries again."""
    listed.on("/items", [{"id": 1, "part": "a"}])
    Outcome(snapshot(part="text"))
    warehouse.run("CREATE INDEX on_part ON shop.items (_read_at)")
    listed.on("/items", [{"id": 1, "part": "b"}])
    outcome = Outcome(snapshot(["id", "part"], part="text"))
    assert not outcome.failures
    (warning,) = [r.getMessage() for r in caplog.records if "NOT NULL" in r.getMessage()]
    assert warning.startswith("shop.items: column part stays without NOT NULL: ")
    assert "Drop what depends on the table" in warning.splitlines()[0]
    warehouse.run("DROP INDEX shop.on_part")
    caplog.clear()
    assert not Outcome(snapshot(["id", "part"], part="text")).failures
    assert "NOT NULL" not in caplog.text
    assert {row["part"] for row in warehouse.rows()} == {"a", "b"}


def test_a_key_with_a_column_that_rows_lack_fails_its_resource_alone(
    listed: Api, warehouse: Warehouse
) -> None:
    listed.on("/items", [{"id": 1}, {"id": 2, "part": "b"}])
    Outcome(snapshot())
    before = warehouse.rows()
    listed.on("/items", [{"id": 1, "part": "a"}])
    outcome = Outcome(snapshot(["id", "part"], part="text", w="text"))
    assert list(outcome.failures) == ["items"]
    message = outcome.failures["items"]
    assert "the primary key is [id, part] now and was [id]: 1 row" in message
    assert "analytics-sync schema reset shop/items --yes" in message
    assert warehouse.rows() == before


@pytest.mark.slow
def test_an_empty_table_takes_any_key(listed: Api, warehouse: Warehouse) -> None:
    listed.on("/items", [], [{"id": 1, "part": "a"}, {"id": 1, "part": "b"}])
    Outcome(snapshot())
    assert not Outcome(snapshot(["id", "part"], part="text")).failures
    assert len(warehouse.rows()) == 2


@pytest.mark.slow
def test_a_key_loses_a_column(listed: Api, warehouse: Warehouse) -> None:
    """The column stays, and may be null from now on."""
    listed.on("/items", [{"id": 1, "part": "a"}], [{"id": 1, "v": "new"}, {"id": 2}])
    Outcome(snapshot(["id", "part"], part="text", v="text"))
    outcome = Outcome(snapshot(part="text", v="text"))
    assert not outcome.failures
    assert outcome.steps() == ["primary key [id, part] became [id]"]
    assert warehouse.values() == {1: "new", 2: None}
    assert not Outcome(snapshot()).failures, "the column is not declared any more"


@pytest.mark.slow
def test_a_key_that_several_rows_share_fails_its_resource_alone(
    listed: Api, warehouse: Warehouse
) -> None:
    listed.on("/items", [{"id": 1, "part": "a"}, {"id": 1, "part": "b"}], [{"id": 1}])
    Outcome(snapshot(["id", "part"], part="text"))
    outcome = Outcome(snapshot(part="text"))
    assert "1 of these keys have several rows" in outcome.failures["items"]
    assert len(warehouse.rows()) == 2
    assert list(outcome.failures) == ["items"]


@pytest.mark.slow
def test_a_wider_key_says_that_other_windows_lack_rows(api: Api, warehouse: Warehouse) -> None:
    parts = [day(1, part="a"), day(1, part="b"), day(2, part="a")]
    api.on("/items", parts)
    for window in DAYS:
        Outcome(windowed(part="text"), window)
    assert len(warehouse.rows()) == 2, "the key is too narrow"
    outcome = Outcome(windowed(["id", "part"], part="text"), DAYS[1])
    message = outcome.findings["items"]["primary_key_unique"][-1]
    assert message.startswith("The primary key was [id] until this load and is [id, part] now.")
    assert not Outcome(windowed(["id", "part"], part="text"), DAYS[0]).steps()
    assert len(warehouse.rows()) == 3
