"""Values in ``_extra`` that a changed column takes, in DuckDB and PostgreSQL."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, every_warehouse
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse
BIG = 2**53 + 1
NEXT = [{"id": 99}]


def sync(columns: dict[str, Any], key: Any = "id") -> dict[str, Exception]:
    """Load ``items``; the failures."""
    declared = item(columns={"id": "bigint", **columns}, primary_key=key)
    with ReadRun(shop(declared)) as run:
        load(run, "run")
        return run.failures()


def extras(warehouse: Warehouse, resource: str = "items") -> dict[int, Any]:
    """The values of ``_extra`` by the id of the row."""
    found = warehouse.values(resource, "_extra")
    return {
        k: json.loads(v) if isinstance(v, str) else v for k, v in found.items() if v is not None
    }


CHANGED: list[tuple[str, str, list[Any], list[Any], dict[int, Any]]] = [
    ("bigint", "text", [501, "007", "five", "12"], ["501", "007", "five", "12"], {}),
    ("bigint", "double", [1, 0.5, "x"], [1.0, 0.5, None], {3: {"v": "x"}}),
    (
        "double", "decimal", [0.1, BIG, "1.5", "x"],
        [Decimal("0.1"), Decimal(BIG), Decimal("1.5"), None], {4: {"v": "x"}},
    ),
    ("bigint", "decimal", [7, 2**63], [Decimal(7), Decimal(2**63)], {}),
    ("decimal", "text", ["0.50", "x"], ["0.5", "x"], {}),
    ("decimal", "text", ["0.12345678901"], ["0.12345678901"], {}),
    (
        "date", "timestamp", ["2024-02-29", "2024-02-29T23:30:00-02:00"],
        [datetime(2024, 2, 29, tzinfo=UTC), datetime(2024, 3, 1, 1, 30, tzinfo=UTC)], {},
    ),
    ("text", "json", [None, {"a": [1]}, 5], [None, {"a": [1]}, 5], {}),
    ("bool", "bigint", [None, 5, "x"], [None, 5, None], {3: {"v": "x"}}),
]  # fmt: skip


def test_wider_columns_take_the_values_that_did_not_fit(api: Api, warehouse: Warehouse) -> None:
    """The old rows are not in the second listings: only ``_extra`` has their values."""
    names = [f"{old}_{new}_{i}" for i, (old, new, *_) in enumerate(CHANGED)]
    for name, (_, _, values, _, _) in zip(names, CHANGED, strict=True):
        api.on(f"/{name}", [{"id": i, "v": v} for i, v in enumerate(values, 1)], NEXT)
    for new in (0, 1):
        declared = [
            item(name=name, columns={"id": "bigint", "v": change[new]})
            for name, change in zip(names, CHANGED, strict=True)
        ]
        with ReadRun(shop(*declared)) as run:
            load(run, "run")
            assert not run.failures()
    for name, (_, type_, _, healed, left) in zip(names, CHANGED, strict=True):
        found = warehouse.values(name)
        assert found.pop(99) is None
        if type_ == "json":
            found = {k: json.loads(v) if isinstance(v, str) else v for k, v in found.items()}
        assert found == dict(enumerate(healed, 1)), name
        assert extras(warehouse, name) == left, name


@pytest.mark.slow
def test_a_column_that_is_declared_later_takes_its_values(api: Api, warehouse: Warehouse) -> None:
    listing = [
        {"id": 1, "name": "a", "o": {"deep": 5, "other": [1]}},
        {"id": 2, "name": 7, "a.b": "dotted", "o": {"deep": None}},
        {"id": 3, "alias": "b"},
        {"id": 4, "o": {"deep": "x"}},
    ]
    api.on("/items", listing, NEXT)
    assert not sync({})
    declared = {
        "name": {"data_type": "text", "aliases": ["alias"]}, "o.deep": "bigint", "a.b": "text",
    }  # fmt: skip
    assert not sync(declared)
    assert warehouse.values(column="name") == {1: "a", 2: None, 3: "b", 4: None, 99: None}
    assert warehouse.values(column="o__deep") == {1: 5, 2: None, 3: None, 4: None, 99: None}
    assert warehouse.values(column="a__b")[2] == "dotted"
    assert extras(warehouse) == {1: {"o": {"other": [1]}}, 2: {"name": 7}, 4: {"o": {"deep": "x"}}}


@pytest.mark.slow
def test_a_column_with_the_name_of_duckdbs_own(api: Api, warehouse: Warehouse) -> None:
    """In DuckDB, no statement finds a row by its number then: the values stay where they are."""
    api.on("/items", [{"id": 1, "rowid": 1, "v": "b"}, {"id": 2, "rowid": 0, "v": "a"}], NEXT)
    assert not sync({"rowid": "bigint"})
    assert not sync({"rowid": "bigint", "v": "text"})
    found = warehouse.values()
    if warehouse.is_duckdb:
        assert found == {1: None, 2: None, 99: None}
        assert extras(warehouse) == {1: {"v": "b"}, 2: {"v": "a"}}
    else:
        assert found == {1: "b", 2: "a", 99: None}


@pytest.mark.slow
def test_a_name_that_is_too_long_for_postgres(api: Api, warehouse: Warehouse) -> None:
    name = "n" * 80
    api.on("/items", [{"id": 1, name: "007"}], NEXT)
    assert not sync({name: "bigint"})
    assert not sync({name: "text"})
    (row,) = (row for row in warehouse.rows() if row["id"] == 1)
    assert [value for column, value in row.items() if column.startswith("nn")] == ["007"]
    assert row["_extra"] is None


@pytest.mark.slow
def test_an_object_of_which_a_column_holds_a_part_stays_in_extra(
    api: Api, warehouse: Warehouse
) -> None:
    """``_extra`` holds only the rest of it: the column would look whole."""
    api.on("/items", [{"id": 1, "o": {"a": 1, "b": 2}}], NEXT)
    assert not sync({"o.a": "bigint"})
    assert not sync({"o": "json"})
    assert warehouse.values(column="o")[1] is None
    assert extras(warehouse)[1] == {"o": {"b": 2}}


@pytest.mark.slow
def test_a_dotted_key_beside_a_path_stays_in_extra(api: Api, warehouse: Warehouse) -> None:
    """The column holds the value of the path. The key with the dot is another field."""
    api.on("/items", [{"id": 1, "a": {"b": 1}, "a.b": 20}, {"id": 2, "a": {"b": BIG}}], NEXT)
    assert not sync({"a.b": "double"})
    assert extras(warehouse)[2] == {"a.b": BIG}
    assert not sync({"a.b": "decimal"})
    assert warehouse.values(column="a__b") == {1: Decimal(1), 2: Decimal(BIG), 99: None}
    assert extras(warehouse) == {1: {"a.b": 20}}


@pytest.mark.slow
def test_the_value_of_an_alias_replaces_none_of_the_path(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": 1, "v": 1, "w": 2}], NEXT)
    assert not sync({"v": {"data_type": "bigint", "aliases": ["w"]}})
    assert not sync({"v": {"data_type": "text", "aliases": ["w"]}})
    assert warehouse.values() == {1: "1", 99: None}
    assert extras(warehouse) == {1: {"w": 2}}


@pytest.mark.slow
def test_characters_that_no_warehouse_stores_stay_in_extra(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": 1, "v": "a\0b"}, {"id": 2, "v": "c"}], NEXT)
    assert not sync({})
    assert not sync({"v": "text"})
    assert warehouse.values()[2] == "c"
    assert extras(warehouse) == {1: {"v": "a\\u0000b"}}


@pytest.mark.slow
def test_a_column_that_cannot_be_widened_leaves_extra(api: Api, warehouse: Warehouse) -> None:
    api.on("/items", [{"id": 1, "v": "x", "w": 1}], NEXT)
    assert not sync({"v": "text"})
    assert "column v is" in str(sync({"v": "bigint", "w": "bigint"})["items"])
    assert extras(warehouse) == {1: {"w": 1}}
    assert "w" not in warehouse.rows()[0], "all columns change, or none"


@pytest.mark.slow
def test_more_rows_than_one_statement_takes(api: Api, warehouse: Warehouse) -> None:
    rows = [{"id": i, "v": f"{i:05}" if i % 3 else None, "p": {"q": i}} for i in range(45_000)]
    api.on("/items", rows, [{"id": 45_000}])
    assert not sync({"v": "bigint"})
    assert not sync({"v": "text"})
    found = warehouse.values()
    wrong = [r["id"] for r in rows if found[r["id"]] != r["v"]]
    assert not wrong
    left = extras(warehouse)
    assert all(left[r["id"]] == {"p": r["p"]} for r in rows)
