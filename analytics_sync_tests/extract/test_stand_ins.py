"""Stand-ins: objects in place of a record, such as an error, a removal, or what is beside the records.

In: listings that hold such objects. Out: rejected records. The rows of earlier loads stay as they were.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, read, shop, shop_api

api = shop_api

COLUMNS = {"id": "bigint", "name": "text", "owner.email": "text"}
GOOD = [{"id": i, "name": f"n{i}", "owner": {"email": "e"}} for i in range(1, 30)]

# a further record with the key 5, the reason for its rejection; None for a row
LISTED: dict[str, tuple[dict[str, Any], str | None]] = {
    "error": ({"error": {"code": 403}}, "no declared field, but error"),
    "errors": ({"Errors": ["gone"]}, "no declared field, but Errors"),
    "removal": ({"@removed": {"reason": "deleted"}}, "no declared field, but @removed"),
    "deletion": ({"deleted": True, "at": "2024-07-01"}, "no declared field, but deleted"),
    "no deletion": ({"deleted": False}, None),
    "no error": ({"error": None}, None),
    "error of a record": ({"name": "n5", "error": {"code": 403}}, None),
    "null and an error": ({"name": None, "error": {"code": 403}}, None),
    "null around the field": ({"owner": None, "error": {"code": 403}}, None),
    "misfit and an error": ({"name": 5, "error": {"code": 403}}, None),
    "empty object and an error": ({"owner": {}, "error": "x"}, "no declared field, but error"),
    "another name": ({"color": "red"}, None),
    "nothing": ({}, None),
}


@pytest.mark.parametrize("name", LISTED)
def test_objects_with_the_key_and_no_field(api: Api, name: str) -> None:
    fields, reason = LISTED[name]
    listed = {"id": 99, **fields}
    api.on("/items", [*GOOD, listed])
    outcome = read(shop(item(columns=COLUMNS)))
    rejected = outcome.readings["items"].rejected
    assert [(r.record, r.reason) for r in rejected] == ([(listed, reason)] if reason else [])
    assert (99 in outcome.ids()) == (reason is None)


def test_an_error_below_a_key(api: Api) -> None:
    """The reader adds the key of the object to the error, so that it has a declared field."""
    error = {"id": 2, "error": {"code": 403}}
    api.on("/items", {"open": GOOD[:1], "closed": [error]})
    columns = {"id": "bigint", "name": "text", "state": "text"}
    listing = {"data_selector": "*", "key_field": "state"}
    outcome = read(shop(item(listing, columns=columns)))
    assert outcome.ids() == [1]
    (rejected,) = outcome.readings["items"].rejected
    assert rejected.reason == "no declared field, but error"


def test_the_row_of_an_earlier_load_stays(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    error = {"id": 5, "error": {"code": 403, "message": "forbidden"}}
    api.on("/items", GOOD, [error if r["id"] == 5 else r for r in GOOD])
    for _ in range(2):
        with ReadRun(shop(item(columns=COLUMNS))) as run:
            load(run, "run")
            assert run.failures() == {}
    rows = duckdb_file.table(file, "shop/items", order_by=["id"])
    assert [(r["id"], r["name"], r["_deleted_at"]) for r in rows] == [
        (i, f"n{i}", None) for i in range(1, 30)
    ]
    assert len(duckdb_file.query(file, "SELECT * FROM shop._rejected")) == 1


@pytest.mark.parametrize("beside", [{"elapsed": 10}, {"pages": {"total": 3}}, {}], ids=str)
def test_an_object_beside_records_by_key_is_no_record(api: Api, beside: Any) -> None:
    records = {f"k{i}": {"name": f"n{i}"} for i in range(20)}
    api.on("/items", {"data": {**records, "status": beside}})
    keyed = item(
        {"data_selector": "data.*", "key_field": "id"}, columns={"id": "text", "name": "text"}
    )
    outcome = read(shop(keyed))
    assert sorted(outcome.ids()) == sorted(records)
    (rejected,) = outcome.readings["items"].rejected
    assert (rejected.record, rejected.reason) == ({"id": "status", **beside}, "no declared field")


def test_a_resource_of_keys_alone_has_no_stand_ins(api: Api) -> None:
    api.on("/items", [{"id": 1, "error": "x"}, {"id": 2}])
    assert read(shop(item())).ids() == [1, 2]


def test_fields_of_the_parent_are_no_fields_of_the_record(api: Api) -> None:
    api.on("/shops", [{"id": 1}])
    api.on("/shops/*/items", [*GOOD, {"id": 99, "error": "x"}])
    child = item(
        {"path": "/shops/{resources.shops.id}/items"},
        primary_key=["_shops_id", "id"],
        include_from_parent=["id"],
        columns={"_shops_id": "bigint", **COLUMNS},
    )
    outcome = read(shop(item(name="shops"), child))
    assert 99 not in outcome.ids()
    (rejected,) = outcome.readings["items"].rejected
    assert rejected.reason == "no declared field, but error"


def test_an_object_around_the_key_makes_no_record(api: Api) -> None:
    api.on("/items", [{"meta": {"id": 99}, "error": "x"}, {"meta": {"id": 1}, "name": "x"}])
    columns = {"meta": "json", "meta.id": "bigint", "meta.note": "text", "name": "text"}
    outcome = read(shop(item(primary_key="meta.id", columns=columns)))
    assert [row["meta__id"] for row in outcome.rows["items"]] == [1]


def test_a_cursor_alone_makes_no_record(api: Api) -> None:
    api.on("/items", [{"id": 99, "at": "2024-07-01", "error": "x"}])
    windowed = item({"incremental": {"cursor_path": "at"}}, columns={**COLUMNS, "at": "timestamp"})
    assert read(shop(windowed)).ids() == []


# an element beside records of the kind ``a``, whether the read is complete
LEFT_OUT: dict[str, tuple[dict[str, Any], bool]] = {
    "another kind": ({"id": 99, "kind": "b", "name": "x"}, True),
    "another kind with an error": ({"id": 99, "kind": "b", "error": "x"}, True),
    "no kind": ({"id": 99, "name": "x", "error": "x"}, True),
    "an error": ({"id": 99, "error": "x"}, False),
    "a removal": ({"id": 99, "@removed": {"reason": "deleted"}}, False),
}


@pytest.mark.parametrize("name", LEFT_OUT)
def test_an_error_that_a_filter_leaves_out_may_be_a_record(api: Api, name: str) -> None:
    element, is_complete = LEFT_OUT[name]
    api.on("/items", {"data": [*({**r, "kind": "a"} for r in GOOD), element]})
    filtered = item({"data_selector": "data[?(@.kind=='a')]"}, columns={**COLUMNS, "kind": "text"})
    outcome = read(shop(filtered))
    assert outcome.ids() == [r["id"] for r in GOOD]
    assert outcome.readings["items"].complete == is_complete
    found = outcome.readings["items"].findings.of(COMPLETE)
    assert bool(found) != is_complete
    if found:
        assert f'for example {{"id":99,"{list(element)[1]}"' in found[0]
