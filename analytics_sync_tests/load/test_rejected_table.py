"""The table ``_rejected``, and what rejected records do to the marks of deleted rows."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import Loaded, load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
COLUMNS = {"id": "bigint", "v": "text"}


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of an empty warehouse, which is the destination."""
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    return file


def sync(api: Api, *records: Any, **endpoint: Any) -> Loaded:
    """Serve the records and load them."""
    api.on("/items", list(records))
    with ReadRun(shop(item(endpoint, columns=COLUMNS))) as run:
        loaded = load(run, "run")
        assert not run.failures(), run.failures()
        return loaded


def gone(file: Path) -> set[int]:
    """Keys of the rows that are marked as deleted."""
    rows = duckdb_file.query(file, "SELECT id FROM shop.items WHERE _deleted_at IS NOT NULL")
    return {key for (key,) in rows}


def rejected(file: Path) -> list[Any]:
    """The records in ``_rejected``."""
    rows = duckdb_file.query(file, "SELECT record FROM shop._rejected ORDER BY record, record_hash")
    return [json.loads(record) for (record,) in rows]


def test_equal_rejected_records_are_kept_and_not_doubled(api: Api, warehouse: Path) -> None:
    records = [{"id": 1}, {"id": None, "v": "a"}, {"id": None, "v": "a"}, {"id": "b"}]
    for _ in range(2):
        sync(api, *records)
        assert rejected(warehouse) == [{"id": "b"}, {"id": None, "v": "a"}, {"id": None, "v": "a"}]
    sync(api, *records, {"id": None, "v": "a"})
    assert rejected(warehouse).count({"id": None, "v": "a"}) == 3


def test_the_row_of_an_earlier_version_is_found_again(api: Api, warehouse: Path) -> None:
    """Earlier versions kept one of several equal records, under the hash of its text."""
    sync(api, {"id": 1}, {"id": None})
    hashes = duckdb_file.query(warehouse, "SELECT record_hash FROM shop._rejected")
    assert hashes == [(hashlib.blake2b(b'{"id":null}', digest_size=16).hexdigest(),)]
    columns = duckdb_file.query(
        warehouse,
        "SELECT column_name FROM information_schema.columns WHERE table_name = '_rejected' "
        "AND NOT starts_with(column_name, '_dlt') ORDER BY 1",
    )
    assert [name for (name,) in columns] == ["reason", "record", "record_hash", "resource"]


@pytest.mark.parametrize("bad", [{"id": "two"}, {"v": "two"}, None], ids=["type", "no key", "null"])
def test_a_record_that_is_rejected_is_not_gone(api: Api, warehouse: Path, bad: Any) -> None:
    many = [{"id": i} for i in range(3, 60)]
    sync(api, {"id": 1}, {"id": 2}, *many)
    assert sync(api, {"id": 1}, bad, *many).deleted == {}
    assert gone(warehouse) == set()
    assert sync(api, {"id": 1}, *many).deleted == {"items": 1}
    assert gone(warehouse) == {2}


def test_a_second_read_that_rejects_a_record_confirms_nothing(api: Api, warehouse: Path) -> None:
    """A listing by page number is read twice before a row is marked."""
    pages: list[list[Any]] = [[{"id": 1}, {"id": 2}], []]

    def serve(path: str, query: Any, headers: Any) -> Any:
        return pages.pop(0)

    def read_pages() -> Loaded:
        api.on("/items", serve)
        paginator = {"type": "page_number", "base_page": 1, "total_path": None}
        with ReadRun(shop(item({"paginator": paginator}, columns=COLUMNS))) as run:
            loaded = load(run, "run")
            assert not run.failures(), run.failures()
            return loaded

    read_pages()
    pages = [[{"id": 1}], [], [{"id": 1}, {"id": "two"}], []]
    loaded = read_pages()
    assert (loaded.read_twice, loaded.deleted) == ({"items"}, {})
    assert gone(warehouse) == set()
