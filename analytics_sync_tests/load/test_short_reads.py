"""Reads that are known to be short: what happens to the table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from analytics_sync.extract.evidence.findings import COMPLETE
from analytics_sync.extract.run import ReadRun
from analytics_sync.load.pipeline import load
from analytics_sync_tests.support import duckdb_file
from analytics_sync_tests.support.scripted_api import Api, item, shop, shop_api

api = shop_api

CURSOR = {"type": "cursor", "cursor_path": "next", "cursor_param": "from"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "w.duckdb"
    monkeypatch.setenv("DESTINATION__DUCKDB__CREDENTIALS", str(path))
    return path


def sync(disposition: str, paginator: Any, **endpoint: Any) -> tuple[str, list[str]]:
    """The error of the resource, and the findings of a read that was loaded."""
    declared = {"paginator": paginator, "data_selector": "data", **endpoint}
    with ReadRun(shop(item(declared, write_disposition=disposition))) as run:
        load(run, "run")
        if failed := run.failures():
            return str(failed["items"]), []
        return "", run.result("items").findings.of(COMPLETE)


def rows(file: Path) -> tuple[int, int]:
    """Number of rows, and of those that are marked as deleted."""
    found = duckdb_file.table(file, "shop/items")
    return len(found), sum(row.get("_deleted_at") is not None for row in found)


def page(count: int, **beside: Any) -> dict[str, Any]:
    return {"data": [{"id": n} for n in range(count)], **beside}


SHORT: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    "declared total": (CURSOR, {"count_path": "n"}, {"n": 20}, "said 20 records, and 15 were read"),
    "total of an offset": (
        {"type": "offset", "limit": 50, "total_path": "n"}, {}, {"n": 20}, "20 records, and 15",
    ),
    "undeclared total": ("single_page", {}, {"total": 20}, "total is 20, and 15 records"),
    "flag": ("single_page", {}, {"has_more": True}, "has_more is true"),
}  # fmt: skip


def answers(count: int, beside: dict[str, Any]) -> Any:
    def respond(path: str, query: dict[str, Any], headers: Any) -> Any:
        return page(0 if int(query.get("offset", 0)) else count, **beside)

    return respond


@pytest.mark.parametrize("name", SHORT)
def test_a_short_read_replaces_no_table(api: Api, file: Path, name: str) -> None:
    paginator, endpoint, beside, said = SHORT[name]
    api.on("/items", answers(20, dict.fromkeys(beside, 20) if name != "flag" else {}))
    assert sync("replace", paginator, **endpoint) == ("", [])
    api.on("/items", answers(15, beside))
    error, _ = sync("replace", paginator, **endpoint)
    assert said in error
    assert rows(file) == (20, 0)
    api.on("/items", answers(12, {}))
    assert sync("replace", paginator, **endpoint) == ("", [])
    assert rows(file) == (12, 0)


@pytest.mark.parametrize("name", SHORT)
def test_a_short_read_is_merged_and_marks_nothing(api: Api, file: Path, name: str) -> None:
    paginator, endpoint, beside, said = SHORT[name]
    api.on("/items", answers(20, {}))
    assert sync("merge", paginator, **endpoint) == ("", [])
    api.on("/items", answers(15, beside))
    error, findings = sync("merge", paginator, **endpoint)
    assert error == ""
    assert rows(file) == (20, 0)
    # The check compares a declared total with what was read, and needs no finding.
    is_declared = name in ("declared total", "total of an offset")
    assert findings == [] if is_declared else said in findings[0]


def test_a_read_with_many_rejected_records_replaces_no_table(api: Api, file: Path) -> None:
    api.on("/items", answers(20, {}))
    assert sync("replace", "single_page") == ("", [])
    api.on("/items", lambda *_: {"data": [{"number": n} for n in range(20)]})
    error, _ = sync("replace", "single_page")
    assert "too many records cannot be placed, so the read does not replace the table" in error
    assert rows(file) == (20, 0)


def test_a_read_with_a_wrong_key_replaces_no_table(api: Api, file: Path) -> None:
    api.on("/items", answers(20, {}))
    assert sync("replace", "single_page") == ("", [])
    api.on("/items", {"data": [{"id": n % 6, "v": n} for n in range(12)]})
    error, _ = sync("replace", "single_page")
    assert "records would be lost, so the read does not replace the table" in error
    assert "keys shared: 6, for example id=0" in error
    assert "Correct primary_key [id] of resource 'items'" in error
    assert rows(file) == (20, 0)
    api.on("/items", {"data": [*page(12)["data"], {"id": 0}]})
    assert sync("replace", "single_page") == ("", [])
    assert rows(file) == (12, 0), "equal records with one key are one record"


GAPS: dict[str, tuple[Any, dict[str, Any], dict[str, Any], str]] = {
    **SHORT,
    "rejected record": ("single_page", {}, {}, "1 records of the parent items were rejected"),
    "wrong key": ("single_page", {}, {}, "Different records share a primary key"),
}


@pytest.mark.parametrize("disposition", ["merge", "replace"])
@pytest.mark.parametrize("name", GAPS)
def test_a_child_lacks_what_its_parent_lacks(
    api: Api, file: Path, name: str, disposition: str
) -> None:
    paginator, endpoint, beside, said = GAPS[name]
    parent = item({"paginator": paginator, "data_selector": "data", **endpoint})
    param = {"type": "resolve", "resource": "items", "field": "id"}
    below = {"path": "/items/{item}/kids", "params": {"item": param}}
    kids = item(below, name="kids", write_disposition=disposition)

    def sync_kids() -> tuple[str, list[str]]:
        with ReadRun(shop(parent, kids), only=["kids"]) as run:
            load(run, "run")
            if failed := run.failures():
                return str(failed["kids"]), []
            return "", run.result("kids").findings.of(COMPLETE)

    api.on("/items/*/kids", lambda path, *_: [{"id": int(path.split("/")[2])}])
    api.on("/items", answers(20, {}))
    assert sync_kids() == ("", [])
    added = {"rejected record": [{"id": None}], "wrong key": [{"id": 1, "v": "another"}]}
    first = page(15, **beside)
    first["data"] += added.get(name, [])
    api.on("/items", lambda path, query, _: page(0) if "1" in query.get("offset", "") else first)
    error, findings = sync_kids()
    assert len(duckdb_file.table(file, "shop/kids")) == 20
    if disposition == "replace":
        assert "shop/kids: the read is not complete, so it does not replace the table" in error
    else:
        assert error == ""
    assert said in error or said in findings[0]
