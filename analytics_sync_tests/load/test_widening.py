"""Columns whose declared type was changed after their table was made, in DuckDB and PostgreSQL."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = each_warehouse
KEPT = {"id": 1, "v": None}
EXACT = Decimal("1234567890123456.78")


def sync(v: str, key: str = "bigint", **keys: Any) -> dict[str, Exception]:
    """Load ``items`` with the type of ``v``, and ``others`` if it is scripted; the failures."""
    items = item(columns={"id": key, "v": v, **keys})
    others = item(name="others", columns={"id": "bigint"})
    with ReadRun(shop(items, others)) as run:
        load(run, "run")
        return run.failures()


def others(api: Api) -> None:
    """Script the listing of ``others``: its second row is gone in the second read."""
    api.on("/others", [{"id": 1}, {"id": 2}], [{"id": 1}])


WIDER: list[tuple[str, Any, str, Any, Any, Any]] = [
    ("bigint", 501, "text", "00501", "501", "00501"),
    ("bigint", 9007199254740993, "text", "five", "9007199254740993", "five"),
    ("bigint", 9007199254740993, "decimal", 1.5, Decimal(9007199254740993), Decimal("1.5")),
    ("bigint", -12, "double", 13.75, -12.0, 13.75),
    ("double", 0.1, "decimal", str(EXACT), Decimal("0.1"), EXACT),
    ("double", 999999.123456789, "decimal", 0, Decimal("999999.123456789"), Decimal(0)),
    ("double", -1234567890123456.5, "decimal", 0, Decimal("-1234567890123456.5"), Decimal(0)),
    ("double", 8e15, "decimal", 0, Decimal(8 * 10**15), Decimal(0)),
    ("double", 1e20, "decimal", 0, Decimal(10**20), Decimal(0)),
    ("double", 2.5, "text", "2.50", "2.5", "2.50"),
    ("decimal", "100.50", "text", "007", "100.5", "007"),
    ("decimal", "100", "text", "007", "100", "007"),
]


def sync_all(types: list[str], **keys: Any) -> dict[str, Exception]:
    """Load a resource for each type of ``v``, and ``others``; the failures."""
    declared = [
        item(name=f"items_{i}", columns={"id": "bigint", "v": v, **keys})
        for i, v in enumerate(types)
    ]
    with ReadRun(shop(*declared, item(name="others", columns={"id": "bigint"}))) as run:
        load(run, "run")
        return run.failures()


def test_a_wider_type_keeps_old_rows_and_takes_new_ones(api: Api, warehouse: Warehouse) -> None:
    others(api)
    for i, (_, value, _, next_value, _, _) in enumerate(WIDER):
        listing = [{"id": 1, "v": value}, KEPT | {"id": 3}]
        api.on(f"/items_{i}", listing, [{"id": 2, "v": next_value}])
    assert not sync_all([old for old, *_ in WIDER])
    assert not sync_all([new for _, _, new, *_ in WIDER])
    for i, (_, _, _, _, kept, landed) in enumerate(WIDER):
        found = warehouse.values(f"items_{i}")
        assert found == {1: kept, 2: landed, 3: None}, WIDER[i]
        assert {type(found[1]), type(found[2])} == {type(kept)}
        assert set(warehouse.values(f"items_{i}", "_extra").values()) == {None}


def test_a_date_becomes_the_midnight_of_utc(
    api: Api, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    others(api)
    api.on("/items", [{"id": 1, "v": "2024-02-29"}], [{"id": 2, "v": "2024-03-01T10:00:00Z"}])
    assert not sync("date")
    assert not sync("timestamp")
    found = {k: str(v.replace(tzinfo=None)) for k, v in warehouse.values().items()}
    assert found == {1: "2024-02-29 00:00:00", 2: "2024-03-01 10:00:00"}


def test_a_key_is_widened(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 7, "v": "a"}, {"id": 8, "v": "b"}], [{"id": "007"}, {"id": "8"}])
    assert not sync("text")
    assert not sync("text", key="text")
    gone = warehouse.values(column="_deleted_at")
    assert {key for key, at in gone.items() if at is None} == {"007", "8"}
    assert gone["7"] is not None


OTHER: list[tuple[str, Any, str]] = [
    ("text", "five", "bigint"),
    ("text", "5", "bigint"),
    ("bigint", 9007199254740993, "double"),
    ("bigint", 9223372036854775807, "double"),
    ("double", 1e30, "decimal"),
    ("double", 2**70, "decimal"),
    ("double", 2**70, "text"),
    ("double", 1e-12, "decimal"),
    ("decimal", "0.5", "double"),
    ("bool", True, "text"),
    ("timestamp", "2024-01-01T00:00:00Z", "date"),
    ("json", {"a": 1}, "text"),
]


def test_another_type_fails_its_resource_alone(api: Api, warehouse: Warehouse) -> None:
    others(api)
    for i, (_, value, _) in enumerate(OTHER):
        api.on(f"/items_{i}", [{"id": 1, "v": value}], [{"id": 2, "v": None}])
    assert not sync_all([old for old, *_ in OTHER])
    before = [warehouse.values(f"items_{i}") for i, _ in enumerate(OTHER)]
    failures = sync_all([new for *_, new in OTHER], w="text")
    assert list(failures) == [f"items_{i}" for i, _ in enumerate(OTHER)]
    for i, (_, _, new) in enumerate(OTHER):
        message = str(failures[f"items_{i}"])
        assert message.startswith(f"shop/items_{i}: column v is ")
        assert f"is declared as {new}. " in message
        assert 'ALTER TABLE "' in message
        assert 'ALTER COLUMN "v" TYPE' in message
        assert warehouse.values(f"items_{i}") == before[i]
    assert warehouse.values("others", "_deleted_at")[2] is not None, "others are loaded"


def test_a_changed_table_loads_again(api: Api, warehouse: Warehouse) -> None:
    """The stored schema of dlt must not claim that the refused table has its new column."""
    others(api)
    api.on("/items", [{"id": 1, "v": "5"}], [{"id": 2, "v": 6, "w": "new"}])
    assert not sync("text")
    message = str(sync("bigint", w="text")["items"])
    warehouse.run("ALTER" + message.rpartition("ALTER TABLE")[2].join([" TABLE", ""]))
    assert not sync("bigint", w="text")
    assert warehouse.values() == {1: 5, 2: 6}
    assert warehouse.values(column="w") == {1: None, 2: "new"}


def test_any_type_takes_a_column_without_values(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 1, "v": None}], [{"id": 2, "v": 5}])
    assert not sync("text")
    assert not sync("bigint")
    assert warehouse.values() == {1: None, 2: 5}


def test_all_columns_of_a_table_change_or_none(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 1, "v": 5, "w": "x"}], [{"id": 2, "v": "6", "w": 7}])
    assert not sync("bigint", w="text")
    message = str(sync("text", w="bigint")["items"])
    assert "column w is" in message
    assert "column v is" not in message, "this column could be widened"
    assert warehouse.values() == {1: 5}


def test_a_column_that_somebody_narrowed_is_widened(api: Api, warehouse: Warehouse) -> None:
    """The stored schema of dlt still says that the column is as declared."""
    others(api)
    api.on("/items", [{"id": 1, "v": "0.5"}], [{"id": 1, "v": str(EXACT)}])
    assert not sync("decimal")
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN v TYPE DECIMAL(18,1)")
    assert not sync("decimal")
    assert warehouse.values() == {1: EXACT}


def test_a_time_without_a_zone_fails_by_name(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 1, "v": "2024-01-01T00:00:00Z"}])
    assert not sync("timestamp")
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN v TYPE TIMESTAMP")
    assert "column v is" in str(sync("timestamp")["items"])


def test_a_type_that_holds_more_than_declared_stays(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 1, "v": "0.5"}], [{"id": 1, "v": "1.25"}])
    assert not sync("decimal")
    type_ = "DECIMAL(38,9)" if warehouse.is_duckdb else "NUMERIC"
    warehouse.run(f"ALTER TABLE shop.items ALTER COLUMN v TYPE {type_}")
    assert not sync("decimal")
    assert warehouse.values() == {1: Decimal("1.25")}


def test_a_table_that_cannot_be_altered_fails_by_name(api: Api, warehouse: Warehouse) -> None:
    others(api)
    api.on("/items", [{"id": 1, "v": 5}], [{"id": 1, "v": "6"}])
    assert not sync("bigint")
    if warehouse.is_duckdb:
        warehouse.run("CREATE INDEX i ON shop.items (v)")
    else:
        warehouse.run("CREATE VIEW shop.w AS SELECT v FROM shop.items")
    message = str(sync("text")["items"])
    assert "cannot be changed in place" in message
    assert "\n" not in message
    assert warehouse.values() == {1: 5}
