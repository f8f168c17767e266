"""Fields that nobody has declared, over several runs: names, limits, losses, windows and children."""

from __future__ import annotations

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.errors import LoadError
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support.each_warehouse import Warehouse, each_warehouse, mainly_duckdb
from analytics_sync_tests.support.scripted_api import Api, shop, shop_api
from analytics_sync_tests.support.undeclared import extra, row, sync, undeclared

api = shop_api
warehouse = each_warehouse


@mainly_duckdb
def test_a_field_that_disappears_is_named(api: Api, warehouse: Warehouse) -> None:
    sync(api, *({"id": i, "aB": i, "c": i} for i in range(30)))
    run = sync(api, *({"id": i, "c": i, "new": 1} for i in range(30)))
    (finding,) = run.result("items").findings.of("declared_schema")
    assert "a_b" in finding
    assert "No record has a field that 30 rows had" in finding


@mainly_duckdb
def test_two_fields_of_one_column_name(api: Api, warehouse: Warehouse) -> None:
    """The field that is spelled like the column takes it, in whatever order the API sends them."""
    sync(api, {"id": 1, "userId": 1, "user_id": 2})
    sync(api, {"id": 2, "user_id": 4, "userId": 3}, {"id": 3, "user__id": 5, "User-Id": 6})
    assert [row(warehouse, i)["user_id"] for i in (1, 2)] == [2, 4]
    assert [extra(warehouse, i) for i in (1, 2)] == [{"userId": 1}, {"userId": 3}]
    assert extra(warehouse, 3) == {"user__id": 5, "User-Id": 6}


@pytest.mark.slow
def test_names_of_system_columns_and_of_ours_stay_in_extra(api: Api, warehouse: Warehouse) -> None:
    names = [
        "_extra",
        "_read_at",
        "_deleted_at",
        "_dlt_id",
        "_dlt_load_id",
        "xmin",
        "ctid",
        "oid",
        "rowid",
    ]
    sync(api, {"id": 1, **dict.fromkeys(names, 5)})
    sync(api, {"id": 1, **dict.fromkeys(names, 6)})
    found = extra(warehouse, 1)
    assert found == dict.fromkeys(names, 6)


@pytest.mark.slow
def test_more_fields_than_a_table_can_have(api: Api, warehouse: Warehouse) -> None:
    sync(api, {"id": 1, **{f"a{i}": i for i in range(300)}})
    sync(api, {"id": 2, **{f"b{i}": i for i in range(2_000)}})
    assert len(warehouse.types()) == 500
    rest = extra(warehouse, 2)
    assert len(rest) == 2_000 - 199
    assert all(rest[name] == int(name[1:]) for name in rest)
    assert row(warehouse, 1)["a299"] == 299


@pytest.mark.slow
def test_a_column_that_somebody_gave_another_type(api: Api, warehouse: Warehouse) -> None:
    sync(api, {"id": 1, "n": 5, "t": "x"})
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN n TYPE SMALLINT")
    warehouse.run("ALTER TABLE shop.items ALTER COLUMN t TYPE VARCHAR(5)")
    warehouse.run("ALTER TABLE shop.items ADD COLUMN note INTEGER")
    sync(api, {"id": 2, "n": 70_000, "t": "longer than five"})
    assert (row(warehouse, 2)["n"], row(warehouse, 2)["t"]) == (70_000, "longer than five")
    warehouse.run("ALTER TABLE shop.items ADD COLUMN u UUID")
    warehouse.run("ALTER TABLE shop.items ADD COLUMN loader VARCHAR DEFAULT 'loader'")
    sync(api, {"id": 3, "n": 1, "t": "x"})
    assert row(warehouse, 3)["loader"] == "loader"
    warehouse.run("UPDATE shop.items SET u = '12345678-1234-1234-1234-123456789abc'")
    with pytest.raises(
        LoadError, match=r"shop/items: column u is (uuid|UUID) and is declared as text"
    ):
        sync(api, {"id": 3, "u": "x"})


@pytest.mark.slow
def test_children_and_windows_without_columns(
    api: Api, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {"cursor_path": "at", "start_param": "from", "end_param": "to", "param_format": "iso"}
    windowed = undeclared(endpoint={"incremental": window}, deletes=None)
    del windowed["deletes"]
    child = undeclared(
        name="parts",
        endpoint={
            "path": "/items/{id}/parts",
            "params": {"id": {"type": "resolve", "resource": "items", "field": "id"}},
        },
        include_from_parent={"item": "id"},
        primary_key=["item", "id"],
    )
    del child["deletes"]
    api.on(
        "/items/*/parts",
        [],
        [{"id": 1, "size": 2, "tags": []}],
        [{"id": 1, "size": 2.5, "tags": [1]}],
    )
    for i, day in enumerate(
        [
            [],
            [{"id": 1, "at": "2026-01-02T10:00:00Z", "v": 1}],
            [{"id": 2, "at": "2026-01-02T10:00:00Z", "v": 0.5}],
        ]
    ):
        api.on("/items", day)
        with ReadRun(shop(windowed, child)) as run:
            load(run, f"run{i}")
            assert not run.failures()
    assert warehouse.types() == {
        "id": "bigint",
        "at": "timestamp with time zone",
        "v": "double",
    }
    assert {r["id"]: r["v"] for r in warehouse.rows()} == {1: 1.0, 2: 0.5}
    assert len(warehouse.rows("parts")) == 1
