"""Resources without a key: the hash of the whole record is the key of its row."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.catalog.errors import CatalogError
from analytics_sync.defs.specs.asset_page import description
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    return path


def keyless(**keys: Any) -> dict[str, Any]:
    declared = item(**{"primary_key": "row_hash", "columns": {"v": "text", "n": "json"}, **keys})
    return {key: value for key, value in declared.items() if value is not None}


def sync(api: Api, records: list[Any], **keys: Any) -> None:
    api.on("/items", records)
    with ReadRun(shop(keyless(**keys))) as run:
        load(run, "run")
        for error in run.failures().values():
            raise error


def rows(file: Path) -> list[tuple[Any, bool]]:
    """The values of the rows, and whether each is gone."""
    found = duckdb_file.table(file, "shop/items")
    return sorted((row["v"], row.get("_deleted_at") is not None) for row in found)


def test_equal_records_are_one_row_and_a_change_is_another(api: Api, file: Path) -> None:
    first = [{"v": "a", "n": {"x": 1, "y": 2}}, {"v": "b", "more": 1}, {"v": "b", "more": 2}]
    sync(api, [*first, {"n": {"y": 2, "x": 1}, "v": "a"}])
    assert rows(file) == [("a", False), ("b", False), ("b", False)]
    sync(api, [*first[1:], {"v": "c"}])
    assert rows(file) == [("a", True), ("b", False), ("b", False), ("c", False)]


@pytest.mark.slow
@pytest.mark.parametrize("columns", [None, {"v": "text"}])
def test_a_table_without_a_key_is_replaced(api: Api, file: Path, columns: Any) -> None:
    keys = {"primary_key": None, "write_disposition": "replace", "columns": columns}
    sync(api, [{"v": "a"}, {"v": "b"}, {"v": "b"}], **keys)
    assert rows(file) == [("a", False), ("b", False)]
    sync(api, [{"v": "b"}, {"v": "c"}], **keys)
    assert rows(file) == [("b", False), ("c", False)]


def test_a_record_that_comes_on_two_pages_is_one_row(api: Api) -> None:
    pages = {"1": [{"v": "a"}, {"v": "b"}], "2": [{"v": "b"}, {"v": "c"}], "3": []}
    api.on("/items", lambda path, query, headers: pages[query["page"]])
    endpoint = {"path": "/items", "paginator": {"type": "page_number", "base_page": 1}}
    outcome = read(shop(keyless(endpoint=endpoint, columns=None)))
    assert [row["v"] for row in outcome.rows["items"]] == ["a", "b", "c"]


def test_records_of_two_parents_are_two_rows(api: Api) -> None:
    api.on("/stores", [{"id": 1}, {"id": 2}])
    api.on("/stores/*", [{"v": "a"}])
    child = keyless(
        name="goods", endpoint={"path": "/stores/{resources.stores.id}/goods"}, include_from_parent=["id"],
        columns={"v": "text", "_stores_id": "bigint"},
    )  # fmt: skip
    outcome = read(shop(item(name="stores"), child))
    assert [(r["v"], r["_stores_id"]) for r in outcome.rows["goods"]] == [("a", 1), ("a", 2)]


@pytest.mark.parametrize("disposition", ["merge", pytest.param("replace", marks=pytest.mark.slow)])
def test_equal_children_of_two_parents_stay_two_rows(
    api: Api, file: Path, disposition: str
) -> None:
    child = keyless(
        name="goods", endpoint={"path": "/stores/{resources.stores.id}/goods"},
        write_disposition=disposition, columns={"v": "text"},
    )  # fmt: skip

    def goods(first: list[Any], second: list[Any]) -> list[tuple[Any, bool]]:
        api.on("/stores", [{"id": 1}, {"id": 2}])
        api.on("/stores/1/goods", first)
        api.on("/stores/2/goods", second)
        with ReadRun(shop(item(name="stores"), child)) as run:
            load(run, "run")
            assert run.failures() == {}
        found = duckdb_file.table(file, "shop/goods")
        return sorted((row["v"], row.get("_deleted_at") is not None) for row in found)

    record = {"v": "a"}
    assert goods([record, record], [record]) == [("a", False), ("a", False)]
    assert goods([record], [record, {"v": "b"}]) == [("a", False), ("a", False), ("b", False)]
    gone = [("a", True)] if disposition == "merge" else []
    assert goods([{"v": "c"}], [record, {"v": "b"}]) == [
        ("a", False), *gone, ("b", False), ("c", False)
    ]  # fmt: skip


@pytest.mark.parametrize("fields", [["id"], None])
def test_an_api_that_ignores_the_parent_is_noticed(api: Api, fields: list[str] | None) -> None:
    api.on("/stores", [{"id": 1}, {"id": 2}])
    api.on("/goods", [{"v": "a"}, {"v": "b"}])
    child = keyless(
        name="goods", endpoint={"path": "/goods", "params": {"store": "{resources.stores.id}"}},
        include_from_parent=fields, columns={"v": "text"} | ({"_stores_id": "bigint"} if fields else {}),
    )  # fmt: skip
    outcome = read(shop(item(name="stores"), child))
    assert "it ignores store" in outcome.error("goods")


def test_one_object_is_a_record_where_the_selector_says_so(api: Api) -> None:
    endpoint = {"path": "/items", "data_selector": "$"}
    api.on("/items", {"v": "a"})
    assert read(shop(keyless(endpoint=endpoint))).rows["items"][0]["v"] == "a"
    api.on("/items", {"error": "no"})
    assert "where records were expected" in read(shop(keyless(endpoint=endpoint))).error()
    api.on("/items", {"v": "a"})
    assert "where records were expected" in read(shop(keyless(endpoint={"path": "/items"}))).error()
    wrong = {"path": "/items", "data_selector": "data"}
    assert "where records were expected" in read(shop(keyless(endpoint=wrong))).error()


def test_the_page_of_the_asset_says_so() -> None:
    source = shop(keyless())
    text = description(source, source.resources["items"])
    assert "The records have no key" in text
    assert "Records that are equal in all fields are one row" in text
    source = shop(keyless(deletes="none"))
    text = description(source, source.resources["items"])
    assert "A record that changes is a new row, and the old row stays" in text
    child = keyless(name="goods", endpoint={"path": "/stores/{resources.stores.id}/goods"})
    source = shop(item(name="stores"), child)
    text = description(source, source.resources["goods"])
    assert "Equal records of two stores are two rows" in text


def test_a_declared_column_of_that_name_is_a_field() -> None:
    source = shop(keyless(columns={"row_hash": "text", "v": "text"}))
    assert source.resources["items"].primary_key == ("row_hash",)


def test_a_merge_without_a_key_is_an_error() -> None:
    with pytest.raises(CatalogError, match="declare primary_key: row_hash"):
        shop(keyless(primary_key=None))


def test_the_column_is_ours() -> None:
    with pytest.raises(CatalogError, match="'_row_hash' has a meaning of its own"):
        shop(item(columns={"id": "bigint", "_row_hash": "text"}))
