"""Filters of ``data_selector`` that select nothing: other values, or a field that was renamed."""

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
BASKET = {"id": 1, "kind": "basket", "meta": {"state": "open"}}
RENAMED = {"id": 1, "type": "order", "meta": {}}

# selector, body, the field that no element has
ABSENT: dict[str, tuple[str, Any, str]] = {
    "bare list": ("$[?(@.kind=='order')]", [RENAMED, {"id": 2}], "'kind'"),
    "selector of a list on a bare list": ("data[?(@.kind=='order')]", [RENAMED], "'kind'"),
    "list": ("data[?(@.kind=='order')]", {"data": [RENAMED]}, "'kind'"),
    "below a key": ("data[?(@.meta.state=='open')]", {"data": [RENAMED]}, "'meta.state'"),
    "null": ("data[?(@.deleted==null)]", {"data": [RENAMED]}, "'deleted'"),
    "number": ("data[?(@.weight>3)]", {"data": [RENAMED]}, "'weight'"),
    "key below the filter": ("data[?(@.kind=='order')].of", {"data": [RENAMED]}, "'kind'"),
    "lists of lists": ("data[*].rows[?(@.kind=='order')]", {"data": [{"rows": []}, {"rows": [RENAMED]}]}, "'kind'"),
    "one of two": ("data[?(@.type=='order' && @.kind=='x')]", {"data": [RENAMED]}, "'kind'"),
    "both of two": ("data[?(@.kind=='x' || @.sort=='x')]", {"data": [RENAMED]}, "'kind' and 'sort'"),
}  # fmt: skip

PRESENT: dict[str, tuple[str, Any]] = {
    "other values": ("$[?(@.kind=='order')]", [BASKET, RENAMED]),
    "null": ("$[?(@.kind=='order')]", [{"id": 1, "kind": None}]),
    "no element": ("data[?(@.kind=='order')]", {"data": []}),
    "one of two spellings": ("data[?(@.type=='x' || @.kind=='x')]", {"data": [RENAMED]}),
    "lists of lists": (
        "data[*].rows[?(@.kind=='order')]", {"data": [{"rows": [RENAMED]}, {"rows": [BASKET]}]},
    ),
    "a field that is asked for": ("data[?(@.error)]", {"data": [RENAMED]}),
    "objects by their keys": ("data[?(@.kind=='order')]", {"data": {"a": BASKET, "b": RENAMED}}),
}  # fmt: skip


@pytest.mark.parametrize("name", ABSENT)
def test_a_field_that_no_element_has_is_named(api: Api, name: str) -> None:
    selector, body, field = ABSENT[name]
    api.on("/items", body)
    outcome = read(shop(item({"data_selector": selector})))
    assert outcome.ids() == []
    (found,) = outcome.readings["items"].findings.of(COMPLETE)
    assert f"data_selector {selector!r} selects none of" in found
    assert f"none of them has the field {field} that it compares" in found
    assert "correct data_selector of resource 'items'" in found
    assert not outcome.readings["items"].complete


@pytest.mark.parametrize("name", PRESENT)
def test_elements_with_other_values_are_left_out(api: Api, name: str) -> None:
    selector, body = PRESENT[name]
    api.on("/items", body)
    outcome = read(shop(item({"data_selector": selector})))
    assert outcome.ids() == []
    assert outcome.readings["items"].findings.by_check() == {}


@pytest.mark.parametrize("filter_", ["@.deleted!=true", "!@.deleted"])
def test_a_filter_that_selects_what_lacks_the_field(api: Api, filter_: str) -> None:
    api.on("/items", [{"id": 1}, {"id": 2}])
    outcome = read(shop(item({"data_selector": f"$[?({filter_})]"})))
    assert outcome.ids() == [1, 2]
    assert outcome.readings["items"].complete


@pytest.mark.parametrize("shown", [BASKET, {"id": 1, "kind": "order"}], ids=["other", "match"])
def test_the_field_may_come_on_any_page(api: Api, shown: dict[str, Any]) -> None:
    pages = [{**RENAMED, "id": 10}, shown, {**RENAMED, "id": 12}]
    paginator = {"type": "page_number", "base_page": 0}
    api.on("/items", lambda path, query, _: {"data": pages[int(query["page"]) :][:1]})
    outcome = read(
        shop(item({"paginator": paginator, "data_selector": "data[?(@.kind=='order')]"}))
    )
    assert outcome.readings["items"].records == (shown is not BASKET)
    assert outcome.readings["items"].findings.by_check() == {}


def test_the_elements_of_all_children_count(api: Api) -> None:
    params = {"item": {"type": "resolve", "resource": "items", "field": "id"}}
    below = {"path": "/items/{item}", "params": params, "data_selector": "$[?(@.kind=='order')]"}
    source = shop(item(), item(below, name="kids"))
    api.on("/items", [{"id": n} for n in range(30)])
    api.on("/items/*", [RENAMED, RENAMED])
    (found,) = read(source).readings["kids"].findings.of(COMPLETE)
    assert "selects none of 60 elements" in found
    api.on("/items/*", lambda path, *_: [BASKET if path == "/items/7" else RENAMED])
    assert read(source).readings["kids"].findings.by_check() == {}


def test_a_renamed_field_empties_no_table(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(file))
    declared = {"data_selector": "$[?(@.kind=='order')]"}

    def sync() -> str:
        with ReadRun(shop(item(declared, write_disposition="replace"))) as run:
            load(run, "run")
            return str(run.failures().get("items", ""))

    api.on("/items", [{"id": 1, "kind": "order"}], [RENAMED], [BASKET])  # the last one again
    assert sync() == ""
    assert "the read is not complete, so it does not replace the table" in sync()
    assert len(duckdb_file.table(file, "shop/items")) == 1
    assert sync() == "", "no order is left"
    assert len(duckdb_file.table(file, "shop/items")) == 1, "nobody has said yet that this is right"
    monkeypatch.setenv("ANALYTICS_SYNC__ACCEPT_SHRUNKEN", "shop/items")
    assert sync() == ""
    assert duckdb_file.table(file, "shop/items") == []
