"""Children that their parent does not list any more, and children of a parent that is gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from analytics_sync.cli import main
from analytics_sync_tests.support.changing_api import Records, gone, living, sync, windowed
from analytics_sync_tests.support.each_warehouse import (
    Warehouse,
    every_warehouse,
    mainly_duckdb,
    only_duckdb,
)
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api
warehouse = every_warehouse


def children(name: str = "lines", parent: str = "items", **endpoint: Any) -> dict[str, Any]:
    """The declaration of the children of a resource."""
    return item(
        {
            "path": f"/{parent}/{{{parent}_id}}/{name}",
            "params": {f"{parent}_id": {"type": "resolve", "resource": parent, "field": "id"}},
            **endpoint,
        },
        name=name,
        include_from_parent={f"{parent}_id": "id"},
        columns={"id": "text", f"{parent}_id": "text"},
    )


SNAPSHOT = item(columns={"id": "text"})
WINDOWED = windowed(deletes="window")
IGNORED = {"response_actions": [{"status_code": 404, "action": "ignore"}]}


class Lines:
    """The lines of three items, two each."""

    def __init__(self, api: Api, *, days: bool) -> None:
        self.api = api
        self.items = Records(api, "/items")
        self.of: dict[str, Records] = {}
        for day, name in enumerate("abc", 1):
            if days:
                self.items.put(name, day)
            else:
                self.items.by_id[name] = {"id": name}
            self.of[name] = Records(api, f"/items/{name}/lines")
            for part in "xy":
                self.of[name].by_id[name + part] = {"id": name + part}


def test_children_of_windowed_parents(api: Api, warehouse: Warehouse) -> None:
    lines = Lines(api, days=True)
    source = shop(windowed(), children())
    sync(source, 1, 3)
    record = lines.of["a"].by_id.pop("ax")
    del lines.of["b"].by_id["bx"], lines.items.by_id["c"]
    assert sync(source, 1).deleted.marked == {"lines": 1}
    assert gone(warehouse, "lines") == ["ax"], "the items b and c were not read"
    lines.of["a"].by_id["ax"] = record
    sync(source, 1, 3)
    assert gone(warehouse, "lines") == ["bx"], (
        "items have no deletes: window, so c is not known to be gone"
    )


@mainly_duckdb
def test_children_of_a_snapshot(api: Api, warehouse: Warehouse) -> None:
    lines = Lines(api, days=False)
    source = shop(SNAPSHOT, children())
    sync(source)
    del lines.of["a"].by_id["ax"], lines.items.by_id["c"]
    sync(source)
    assert gone(warehouse) == ["c"]
    assert gone(warehouse, "lines") == ["ax", "cx", "cy"]


@mainly_duckdb
def test_descendants_of_a_parent_that_is_marked(api: Api, warehouse: Warehouse) -> None:
    lines = Lines(api, days=True)
    taxes = {
        key: Records(api, f"/lines/{key}/taxes") for key in ("ax", "ay", "bx", "by", "cx", "cy")
    }
    for key, made in taxes.items():
        made.by_id[f"{key}t"] = {"id": f"{key}t"}
    source = shop(WINDOWED, children(), children("taxes", "lines"))
    sync(source, 1, 3)
    del lines.items.by_id["b"], lines.of["a"].by_id["ay"]
    sync(source, 1, 2)
    assert gone(warehouse) == ["b"]
    assert gone(warehouse, "lines") == ["ay", "bx", "by"]
    assert gone(warehouse, "taxes") == ["ayt", "bxt", "byt"]
    lines.items.put("b", 2)
    sync(source, 2)
    assert gone(warehouse, "taxes") == ["ayt"]


@pytest.mark.slow
@only_duckdb
@pytest.mark.parametrize("answers", ["one ignored", "all ignored", "one undeclared"])
@pytest.mark.parametrize("days", [True, False])
def test_children_that_answer_404(api: Api, warehouse: Warehouse, answers: str, days: bool) -> None:
    """404 says that there are no children if it is declared so, and if the path is right."""
    lines = Lines(api, days=days)
    declared = children() if answers == "one undeclared" else children(**IGNORED)
    source = shop(windowed() if days else SNAPSHOT, declared)
    first = 1 if days else None
    sync(source, first, 3)
    for name in "abc" if answers == "all ignored" else "a":
        lines.of[name].answer = (404, {}, {})
    del lines.of["b"].by_id["bx"]
    sync(source, first, 3)
    expected = {
        "one ignored": ["ax", "ay", "bx"],
        "all ignored": [],
        "one undeclared": ["bx"],
    }
    assert gone(warehouse, "lines") == expected[answers]


@pytest.mark.slow
@only_duckdb
def test_a_record_with_a_field_of_its_own_in_place_of_the_parents(
    api: Api, warehouse: Warehouse
) -> None:
    """The row is the parent's that listed it, whatever its columns say."""
    lines = Lines(api, days=True)
    lines.of["a"].by_id["ax"]["items_id"] = "b"
    source = shop(windowed(), children())
    sync(source, 1, 3)
    assert sync(source, 2).deleted.marked == {"lines": 0}
    del lines.of["a"].by_id["ax"]
    assert sync(source, 1).deleted.marked == {"lines": 1}


@pytest.mark.slow
@only_duckdb
def test_without_the_parent_in_the_table_nothing_is_marked_and_a_reason_is_given(
    api: Api, warehouse: Warehouse
) -> None:
    """A record may be listed under several parents."""
    lines = Lines(api, days=True)
    source = shop(windowed(), {**children(), "include_from_parent": {}})
    sync(source, 1, 3)
    del lines.of["a"].by_id["ax"]
    loaded = sync(source, 1)
    assert loaded.deleted.marked == {}
    assert loaded.deleted.not_judged["lines"].startswith("include_from_parent lacks id of items")
    assert "ax" in living(warehouse, "lines")


@pytest.mark.slow
@only_duckdb
def test_a_row_that_slips_between_pages_of_a_parent_is_not_gone(
    api: Api, warehouse: Warehouse
) -> None:
    """A line of the first page is deleted before the second page is read."""
    lines = Lines(api, days=True)
    numbered = children(
        paginator={"type": "page_number", "base_page": 1, "limit": 1, "limit_param": "n"}
    )
    source = shop(windowed(), numbered)
    listed = lines.of["a"].by_id
    deleted = False

    def page(path: str, query: Any, _: Any) -> Any:
        number = int(query["page"])
        found = list(listed.values())[number - 1 : number]
        if deleted:
            listed.pop("ax", None)
        return found

    for name in "bc":
        del lines.items.by_id[name]
    api.on("/items/a/lines", page)
    sync(source, 1)
    deleted = True
    loaded = sync(source, 1)
    assert loaded.deleted.read_twice == {"lines"}
    assert living(warehouse, "lines") == ["ax", "ay"], "ax was on the first page, ay slipped to it"
    sync(source, 1)
    assert gone(warehouse, "lines") == ["ax"]


def test_check_names_the_children_that_nobody_can_judge(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    declared = [windowed(), children(), {**children("notes"), "include_from_parent": {}}]
    file = tmp_path / "shop.yaml"
    file.write_text(json.dumps({"source": "shop", "client": {}, "resources": declared}))
    assert main(["check", str(file)]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note:")]
    assert notes == [
        "note: shop/notes: include_from_parent lacks id of items, so the table does not say which parent "
        "listed a row. Rows that are gone stay without a mark"
    ]


@pytest.mark.slow
@only_duckdb
def test_a_value_of_a_parent_that_has_no_column(api: Api, warehouse: Warehouse) -> None:
    """Lines that vanish are marked. Nobody can tell which lines belong to an item that is gone."""
    lines = Lines(api, days=True)
    for name, record in lines.items.by_id.items():
        record["refs"] = [{"id": name}]
    child = children()
    child["endpoint"]["params"]["items_id"]["field"] = "refs[0].id"
    child["include_from_parent"] = {"items_id": "refs[0].id"}
    source = shop(windowed(columns={"refs": "json"}, deletes="window"), child)
    sync(source, 1, 3)
    del lines.of["a"].by_id["ax"], lines.items.by_id["b"]
    loaded = sync(source, 1, 3)
    assert gone(warehouse) == ["b"]
    assert gone(warehouse, "lines") == ["ax"]
    assert "does not hold refs[0].id" in loaded.deleted.not_judged["lines"]
